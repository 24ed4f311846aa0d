"""Train the capability model.

`python benchmarks/train_capability.py --data ../shared/data --out detector/profiles/data/capability.npz`

Prints macro-F1 on template families and on prompt sources that were not trained on, then fits on everything that is
not excluded and writes the weights. Deterministic: the same data, seed and options give the same weights.
"""

import argparse
import json
import sys
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from capability_data import Augmenter, Example, load, own
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import GroupKFold

from detector.profiles.capability import BUCKETS, CapabilityModel
from detector.profiles.layout import CAPABILITIES
from detector.profiles.text import digest_text, trace_buckets

FloatMatrix = npt.NDArray[np.float64]
BoolMatrix = npt.NDArray[np.bool_]

STRENGTHS = (1.0, 3.0, 10.0)
MOST_OF_A_SOURCE = 1200  # items: grade-school maths would else outnumber all else
# What users say to an agent shows that tools are used less than the tools that the request offers do.
FEWER_OF = {"BFCL_synthetic": 400, "BFCL_live": 150, "tau-bench_airline": 50}
OFTEN, SELDOM = 12, 6  # uses of a template of few, and of many
FREQUENT_SOURCES = ("danielmiessler_fabric", "langchain_classic", "ragas", "llama_index_core")
SAME_SOURCE = {"gsm8k_test": "gsm8k_train"}
FOLDS = 5


def features(texts: list[str]) -> sparse.csr_matrix:
    """The kernel's buckets as counts over the root of the number of words: f64[n, BUCKETS]."""
    buckets, offsets, words = trace_buckets(pl.Series(texts, dtype=pl.String), BUCKETS)
    values = np.repeat(1.0 / np.sqrt(np.maximum(words, 1)), np.diff(offsets))
    matrix = sparse.csr_matrix((values, buckets.astype(np.int64), offsets), shape=(len(texts), BUCKETS))
    matrix.sum_duplicates()
    return matrix


def targets(examples: list[Example]) -> BoolMatrix:
    """bool[n, capabilities]."""
    return np.array([[label in e.labels for label in CAPABILITIES] for e in examples], np.bool_)


def fit(x: sparse.csr_matrix, y: BoolMatrix, strength: float, seed: int) -> tuple[FloatMatrix, npt.NDArray[np.float64]]:
    """One logistic regression a capability: weights f64[BUCKETS, capabilities] and bias f64[capabilities]."""
    weights, bias = np.zeros((x.shape[1], y.shape[1])), np.full(y.shape[1], -10.0)
    for k in range(y.shape[1]):
        if y[:, k].any():
            # Balanced: how often a capability is asked for differs from one provider to the next, so none is rare
            # beforehand.
            one = LogisticRegression(
                C=strength, class_weight="balanced", solver="liblinear", intercept_scaling=10.0, random_state=seed
            )
            one.fit(x, y[:, k])
            weights[:, k], bias[k] = one.coef_[0], one.intercept_[0]
    return weights, bias


def scores(model: CapabilityModel, texts: list[str]) -> FloatMatrix:
    """Probabilities as the text pass gives them, 8-bit weights and all."""
    none = pl.Series([None] * len(texts), dtype=pl.String)
    return digest_text(pl.Series(texts, dtype=pl.String), none, 0, model).capability / 255.0


def f1(truth: BoolMatrix, probability: FloatMatrix) -> dict[str, float]:
    """F1 at one half of each capability that the truth has, and their mean as `macro`."""
    have = [k for k in range(len(CAPABILITIES)) if truth[:, k].any()]
    each = {CAPABILITIES[k]: float(f1_score(truth[:, k], probability[:, k] >= 0.5)) for k in have}  # noqa: PLR2004
    return {**each, "macro": float(np.mean(list(each.values())))}


class Corpus:
    """Items and templates, split so that nothing that fills a tested template was trained on.

    Args:
        items: user prompts.
        templates: templates of the public sets.
        seed: of the choices.
    """

    def __init__(self, items: list[Example], templates: list[Example], seed: int) -> None:
        rng = np.random.default_rng(seed)
        by_source: dict[str, list[Example]] = {}
        for item in items:
            by_source.setdefault(item.source, []).append(item)
        kept = [
            group[k]
            for source, group in by_source.items()
            for k in sorted(rng.permutation(len(group))[: FEWER_OF.get(source, MOST_OF_A_SOURCE)].tolist())
        ]
        self.items = kept
        self.templates = templates
        self._seed = seed
        self.train_items = [e for e in kept if zlib.crc32(e.text.encode()) % 5]
        self.test_items = [e for e in kept if not zlib.crc32(e.text.encode()) % 5]

    def training(self, templates: Iterable[Example], items: list[Example], factor: float = 1.0) -> list[Example]:
        """Texts to train on: every template in several uses, every item once."""
        augment, out = Augmenter(items, self._seed), list[Example]()
        for template in [*templates, *own(self._seed)]:
            often = SELDOM if template.source in FREQUENT_SOURCES else OFTEN
            out += [augment.render(template) for _ in range(max(1, round(often * factor)))]
        return out + [augment.vary(item) for item in items]

    def testing(self, templates: Iterable[Example]) -> list[Example]:
        """Uses of templates that were not trained on, filled with items that were not either."""
        augment = Augmenter(self.test_items, self._seed + 1)
        return [augment.render(template) for template in templates for _ in range(4)]


def by_family(corpus: Corpus, strength: float, seed: int) -> tuple[BoolMatrix, FloatMatrix]:
    """Out-of-fold truth and probability of templates, whole families held out."""
    truth, found = list[BoolMatrix](), list[FloatMatrix]()
    groups = [t.group for t in corpus.templates]
    for train, test in GroupKFold(FOLDS).split(groups, groups=groups):
        examples = corpus.training([corpus.templates[k] for k in train], corpus.train_items, factor=0.5)
        model = CapabilityModel.from_floats(
            *fit(features([e.text for e in examples]), targets(examples), strength, seed)
        )
        held = corpus.testing([corpus.templates[k] for k in test])
        truth.append(targets(held))
        found.append(scores(model, [e.text for e in held]))
    return np.vstack(truth), np.vstack(found)


def by_source(corpus: Corpus, strength: float, seed: int) -> tuple[BoolMatrix, FloatMatrix]:
    """Out-of-fold truth and probability of user prompts, whole sources (of batch tasks: whole templates) held out."""
    truth, found = list[BoolMatrix](), list[FloatMatrix]()
    groups = [SAME_SOURCE.get(e.group, e.group) for e in corpus.items]
    for train, test in GroupKFold(FOLDS).split(groups, groups=groups):
        examples = corpus.training(corpus.templates, [corpus.items[k] for k in train], factor=0.5)
        model = CapabilityModel.from_floats(
            *fit(features([e.text for e in examples]), targets(examples), strength, seed)
        )
        held = [corpus.items[k] for k in test]
        truth.append(targets(held))
        found.append(scores(model, [e.text for e in held]))
    return np.vstack(truth), np.vstack(found)


def _show(title: str, figures: dict[str, float]) -> None:
    print(title, " ".join(f"{name} {value:.3f}" for name, value in figures.items()), flush=True)


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds prompts/")
    parser.add_argument("--out", type=Path, required=True, help="where the weights go")
    parser.add_argument("--exclude-source", action="append", default=[], help="leave a source out; may be repeated")
    parser.add_argument("--strength", type=float, help="C of the regression; chosen by grouped folds if not given")
    parser.add_argument("--no-evaluation", action="store_true", help="only fit")
    parser.add_argument("--fast", action="store_true", help="one use of each template and few items: to try the script")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(arguments)


def evaluate(corpus: Corpus, strength: float | None, seed: int) -> tuple[float, dict[str, Any]]:
    """Choose C by families held out, and report on families and on sources held out."""
    tried = {c: f1(*by_family(corpus, c, seed)) for c in (STRENGTHS if strength is None else (strength,))}
    for c, figures in tried.items():
        _show(f"families held out, C={c}:", figures)
    best = max(tried, key=lambda c: tried[c]["macro"])
    sources = f1(*by_source(corpus, best, seed))
    _show("prompt sources held out:", sources)
    return best, {"families": tried[best], "sources": sources}


def main(arguments: list[str]) -> None:
    """Evaluate, fit, write."""
    options = parse(arguments)
    items, templates = load(options.data)
    out_items = [e for e in items if e.source in options.exclude_source]
    out_templates = [e for e in templates if e.source in options.exclude_source]
    corpus = Corpus(
        [e for e in items if e.source not in options.exclude_source],
        [e for e in templates if e.source not in options.exclude_source],
        options.seed,
    )
    strength, report = options.strength or 1.0, dict[str, Any]()
    if not options.no_evaluation:
        strength, report = evaluate(corpus, options.strength, options.seed)
    examples = (
        corpus.training(corpus.templates, corpus.items[::8], factor=0.0)
        if options.fast
        else corpus.training(corpus.templates, corpus.items)
    )
    model = CapabilityModel.from_floats(
        *fit(features([e.text for e in examples]), targets(examples), strength, options.seed)
    )
    if out_items or out_templates:
        held = Corpus(out_items, out_templates, options.seed)
        uses = [Augmenter(held.items or corpus.items, options.seed).render(t) for t in out_templates] + held.items
        report["excluded"] = f1(targets(uses), scores(model, [e.text for e in uses]))
        _show("excluded sources:", report["excluded"])
    model.save(options.out)
    print(json.dumps({"strength": strength, "examples": len(examples), "bytes": options.out.stat().st_size, **report}))


if __name__ == "__main__":
    main(sys.argv[1:])
