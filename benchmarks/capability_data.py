"""Training texts of the capability model: labels of the public sets, and how the few templates become many texts."""

import gzip
import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

_PHRASES = Path(__file__).with_name("capability_phrases.toml")
TEMPLATE_LABELS = {
    "cot_elicitation": ("reasoning",),
    "benchmark_harvest": ("reasoning",),
    "rubric_grading": ("grading",),
    "benign_llm_judge": ("grading",),
    "instruction_synthesis": ("synthesis",),
    "text_pair_synthesis": ("synthesis",),
    "dialogue_synthesis": ("synthesis",),
    "code_synthesis": ("synthesis", "coding"),
    "prompt_evolution": ("synthesis",),
    "doc_to_qa": ("synthesis",),
    "data_labelling": ("synthesis",),
    "preference_revision": ("synthesis",),
    "other_sdg": ("synthesis",),
    "tool_use": ("tools",),
}
SOURCE_LABELS = {
    "gsm8k_train": "maths",
    "gsm8k_test": "maths",
    "HumanEval": "coding",
    "BFCL_synthetic": "tools",
    "BFCL_live": "tools",
    "tau-bench_airline": "tools",
}
CLUSTER_LABELS = {
    "coding": "coding",
    "math": "maths",
    **dict.fromkeys(
        ("stem", "humanities", "knowledge", "common-sense", "generic", "counterfactual", "fermi"), "knowledge"
    ),
    **dict.fromkeys(("writing", "roleplay", "extraction", "reasoning"), "other"),
}
_CODING = re.compile(
    r"\b(code|coding|python|java|javascript|typescript|c\+\+|sql|programm\w*|developer|software|api|regex|html|css"
    r"|algorithm\w*|script\w*|database|linux|git|docker|debug\w*|compiler|react|pandas|function|aws|android|kubernetes)\b",
    re.IGNORECASE,
)
_CODE = re.compile(
    r"```|\bdef \w+\(|\b(python|javascript|typescript|c\+\+|c#|sql|regex|html|css|rust|golang|bash|powershell)\b"
    r"|\b(source code|unit tests?|code (in|that|for|to)|write (a|the) (function|class|script|program))\b",
    re.IGNORECASE,
)
_MATHS = re.compile(
    r"\b(math\w*|algebra|calculus|probability|geometry|arithmetic|equation\w*|number theory|pal)\b", re.IGNORECASE
)
_QUESTION = re.compile(
    r"^\s*(what|who|when|where|which|why|how|is|are|does|do|did|can|explain|describe|define)\b", re.IGNORECASE
)
_KNOWLEDGE_TEMPLATES = re.compile(
    r"commonsense_qa|quoref|duorc.*(answer|question_answering|director)|wiki|sciq|qasc|trivia|ropes|cosmos|quail"
)
_PRODUCT = (
    (re.compile(r"^(rate|judge|grade)_|/(evaluation|criteria|comparison|scoring)/|critique", re.IGNORECASE), "grading"),
    (re.compile(r"qa_generation|question_gen|generate_chain", re.IGNORECASE), "synthesis"),
    (re.compile(r"/agents?/|react|self_ask|tool", re.IGNORECASE), "tools"),
    (re.compile(r"text_qa|question_answering|retrieval_qa|qa_with|refine|knowledge", re.IGNORECASE), "knowledge"),
)
_SLOT = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\$?\{[A-Za-z_][\w .]*\}", re.DOTALL)
_JINJA = re.compile(r"\{[%#].*?[%#]\}", re.DOTALL)


@dataclass(frozen=True)
class Example:
    """One text with its capabilities.

    Attributes:
        text: system prompt and prompt, or a template still with its slots.
        labels: capabilities that it aims at.
        source: the public set, or `own`.
        group: what must not be both trained on and tested on: a template's family, a batch task's template, else the
            source.
        template: whether it is one.
    """

    text: str
    labels: frozenset[str]
    source: str
    group: str
    template: bool = False


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _item_label(row: dict[str, str], text: str) -> str:
    if row["source"] in SOURCE_LABELS:
        return SOURCE_LABELS[row["source"]]
    if row["concept"] == "templated_batch":
        return "knowledge" if _KNOWLEDGE_TEMPLATES.search(row.get("template") or "") else "other"
    hint = f"{row.get('cluster') or ''} {row.get('act') or ''}"
    if hint.strip() in CLUSTER_LABELS:
        return CLUSTER_LABELS[hint.strip()]
    if _CODING.search(hint) or (row["concept"] != "role_prompt" and _CODE.search(text)):
        return "coding"
    if _MATHS.search(hint):
        return "maths"
    return "knowledge" if row["concept"] != "role_prompt" and _QUESTION.match(text) else "other"


def _template_labels(row: dict[str, str]) -> tuple[str, ...]:
    if row["concept"] in TEMPLATE_LABELS:
        return TEMPLATE_LABELS[row["concept"]]
    name = f"{row['path']} {row['name']}"
    for pattern, label in _PRODUCT:
        if pattern.search(row["name"]) or pattern.search(name):
            return (label,)
    if re.search(r"sql|code|coding|cypher|sparql|program", name, re.IGNORECASE):
        return ("coding",)
    return ("maths",) if _MATHS.search(name.replace("_", " ").replace("/", " ")) else ("other",)


def load(data: Path) -> tuple[list[Example], list[Example]]:
    """Items (user prompts) and templates of the public sets.

    Args:
        data: the folder that holds `prompts/`.
    """
    items, templates = list[Example](), list[Example]()
    for name in ("benign", "attack"):
        for row in _rows(data / "prompts" / f"{name}.jsonl.gz"):
            text = str(row["turns"][0])
            group = f"{row['source']}:{row['template']}" if row.get("template") else row["source"]
            items.append(Example(text, frozenset([_item_label(row, text)]), row["source"], group))
    for row in _rows(data / "prompts" / "templates.jsonl.gz"):
        labels = frozenset(_template_labels(row))
        templates.append(Example(row["text"], labels, row["source"], f"family:{row['family']}", template=True))
    return items, templates


def own(seed: int) -> list[Example]:
    """Our own wordings, as templates without slots: each alone, and several of a kind together, as in long prompts."""
    rng, out = np.random.default_rng(seed), list[Example]()
    for label, texts in tomllib.loads(_PHRASES.read_text(encoding="utf-8")).items():
        for text in texts:
            more = rng.permutation(len(texts))[: rng.integers(1, 5)]
            joined = "\n".join([text, *(texts[k] for k in more)])
            out += [Example(t, frozenset([label]), "own", f"own:{label}", template=True) for t in (text, joined)]
    return out


class Augmenter:
    """Makes texts like traffic: slots filled, templates cut, words lost, phrases of other texts spliced in.

    Args:
        items: what fills slots.
        seed: of the random choices.
    """

    def __init__(self, items: list[Example], seed: int) -> None:
        self._items = items
        self._random = np.random.default_rng(seed)

    def _pick(self) -> Example:
        return self._items[self._random.integers(len(self._items))]

    def _cut(self, text: str) -> str:
        parts = re.split(r"(?<=[.:!?])\s+|\n+", text)
        if len(parts) < 4 or self._random.random() < 0.5:  # noqa: PLR2004 - too short to cut
            return text
        size = int(len(parts) * self._random.uniform(0.4, 1.0)) + 1
        start = self._random.integers(0, len(parts) - size + 1)
        return "\n".join(parts[start : start + size])

    def noise(self, text: str) -> str:
        """Drop words and splice in a phrase of another text."""
        words = text.split(" ")
        rate = self._random.choice([0.0, 0.1, 0.25])
        words = [w for w, r in zip(words, self._random.random(len(words)), strict=True) if r >= rate] or words
        if self._random.random() < 0.4:  # noqa: PLR2004 - share of texts with a splice
            other = self._pick().text.split(" ")
            size = int(self._random.integers(3, 15))
            start = int(self._random.integers(0, max(len(other) - size, 0) + 1))
            at = int(self._random.integers(0, len(words) + 1))
            words[at:at] = other[start : start + size]
        return " ".join(words)

    def render(self, template: Example) -> Example:
        """One use of a template: labelled by the template and by the task inside."""
        text, labels = self._cut(_JINJA.sub(" ", template.text)), set(template.labels)
        item = self._pick()
        filled = _SLOT.sub(lambda _: item.text, text, count=1)
        filled = _SLOT.sub(lambda _: self._pick().text[:300], filled)
        if filled == text and self._random.random() < 0.75:  # noqa: PLR2004 - some come alone, as a system prompt does
            filled = f"{text}\n\n{item.text}" if self._random.random() < 0.7 else f"{item.text}\n\n{text}"  # noqa: PLR2004
        if filled != text:
            labels |= item.labels
        if len(labels) > 1:
            labels.discard("other")
        return replace(template, text=self.noise(filled), labels=frozenset(labels))

    def vary(self, item: Example) -> Example:
        """One use of an item."""
        return replace(item, text=self.noise(item.text))
