"""Measure the distilled scorer against its teacher.

    python benchmarks/distilled_scorer.py [--work DIR] [--scale 3] [--seeds 303 404]

One simulated world is learnt from, another, of another seed, is scored: no account, no shared text and no network is in both. In one
run: the teacher, a student of its in-context labels (of the rows that it was fitted on), and a student of out-of-fold labels. Truth
is read for the AUC alone. With `--work`, worlds made by an earlier run there are used again.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits

from detector.evaluation.inputs import read_truth
from detector.profiles.features import FEATURES
from detector.profiles.layout import F64
from detector.scoring.anomaly.base import Strata
from detector.scoring.anomaly.distilled import HELD_OUT, MOST_MIXTURES, Student, grow, lesson, taught
from detector.scoring.anomaly.model import matrix, strata_of
from detector.scoring.anomaly.teacher import Teacher, split

NAMES = tuple(FEATURES)
STRANGE = 0.05  # of the accounts, by the teacher: what a student should find too


def main() -> None:
    """Make two worlds, learn, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--scale", type=float, default=3.0)
    parser.add_argument("--seeds", type=int, nargs=2, default=(303, 404), metavar=("LEARN", "TEST"))
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        work = args.work or Path(scratch)
        learn, test = (world(work / f"seed-{seed}", seed, args.scale) for seed in args.seeds)
    report(learn, test, hostile(learn), hostile(test))


def world(folder: Path, seed: int, scale: float) -> tuple[pl.DataFrame, set[str]]:
    """Accounts with their features, and those of a campaign."""
    if not (folder / "found" / "accounts.parquet").exists():
        run("simulate", "demo", "--seed", str(seed), "--scale", str(scale), "--out", str(folder))
        run(
            "replay", str(folder / "requests.ndjson"), "--accounts", str(folder / "accounts.ndjson"),
            "--events", str(folder / "events.ndjson"), "--out", str(folder / "found"),
        )  # fmt: skip
    campaigns = read_truth(folder / "truth.json").campaigns.values()
    return pl.read_parquet(folder / "found" / "accounts.parquet"), {account for c in campaigns for account in c}


def run(*arguments: str) -> None:
    """Run our own command."""
    print("revenuer", *arguments, flush=True)
    subprocess.run(
        [str(Path(sys.executable).with_name("revenuer")), *arguments, "--json"], check=True, stdout=subprocess.DEVNULL
    )


def hostile(made: tuple[pl.DataFrame, set[str]]) -> np.ndarray:
    """Whether each account is in a campaign."""
    return np.array([account in made[1] for account in made[0]["account_id"]])


def report(
    learn: tuple[pl.DataFrame, set[str]], test: tuple[pl.DataFrame, set[str]], bad_learn: np.ndarray, bad: np.ndarray
) -> None:
    """Learn from one world, score the other, print."""
    x, strata = matrix(learn[0], NAMES), strata_of(learn[0])
    unseen, kinds = matrix(test[0], NAMES), strata_of(test[0])
    print(
        f"learnt from {len(x):,} accounts, {bad_learn.mean():.1%} of them hostile; scored {len(unseen):,}, {bad.mean():.1%} hostile"
    )
    teacher, in_context, out_of_fold = learners(x, strata)

    wanted, slow = timed(lambda: teacher.score(unseen, kinds))
    got, fast = timed(lambda: out_of_fold.score(unseen, kinds))
    context = in_context.score(unseen, kinds)
    strange = wanted > np.quantile(wanted, 1 - STRANGE)
    auc = {"teacher": wanted, "student, in-context labels": context, "student, out-of-fold labels": got}
    print(f"{'':29}{'AUC hostile':>12}{'AUC teacher’s top 5 %':>23}{'rank correlation':>18}{'µs/account':>12}")
    for name, score in auc.items():
        cost = slow if name == "teacher" else fast
        print(
            f"{name:29}{roc_auc_score(bad, score):12.4f}{roc_auc_score(strange, score):23.4f}"
            f"{spearmanr(score, wanted).statistic:18.4f}{1e6 * cost / len(unseen):12.2f}"
        )
    p = out_of_fold.p_value(got, kinds)
    rates = "; ".join(f"p ≤ {level}: {(p[~bad] <= level).mean():.4f}" for level in (0.05, 0.01))
    print(f"benign accounts of the other world with {rates}")
    found = {name: float(roc_auc_score(bad, score)) for name, score in auc.items()}
    best, leaky, ours = found.values()
    print(
        json.dumps(
            {
                "auc_teacher": round(best, 4),
                "auc_student_in_context": round(leaky, 4),
                "auc_student_out_of_fold": round(ours, 4),
                "retention": round(ours / best, 4),
                "speedup": round(slow / fast, 1),
            }
        )
    )


def learners(x: F64, strata: Strata) -> tuple[Teacher, Student, Student]:
    """The teacher, a student of its in-context labels, a student of out-of-fold labels; both of the same rows."""
    learnt, held = split(strata, (1 - HELD_OUT, HELD_OUT), 0)
    rows, kinds, calibration = x[learnt], strata[learnt], (x[held], strata[held])
    teacher = Teacher()
    teacher.fit(rows, kinds)
    seen = taught(teacher, rows, kinds, np.random.default_rng(0), MOST_MIXTURES)
    return teacher, grow(seen, NAMES, 0, calibration), grow(lesson(rows, kinds), NAMES, 0, calibration)


def timed(call: Callable[[], F64]) -> tuple[F64, float]:
    """What a call answers, and the processor's seconds for it: warm, on one thread, over at least a second."""
    with threadpool_limits(1):
        answer, calls = call(), 0
        started = time.process_time()
        while (spent := time.process_time() - started) < 1.0:
            call()
            calls += 1
    return answer, spent / calls


if __name__ == "__main__":
    main()
