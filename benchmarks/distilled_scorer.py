"""Measure the distilled scorer against its teacher.

    python benchmarks/distilled_scorer.py [--work DIR] [--scale 3] [--seeds 505 606 707]

Of the simulated worlds, each is learnt from and the next one scored, of the last the first: no account, no shared text and no network
is in two of them. In one run: the teacher, a student of its in-context labels (of the rows that it was fitted on), and a student of
out-of-fold labels. Truth is read for the AUC alone. With `--work`, worlds made by an earlier run there are used again. A world costs
two minutes of processor time to make and to replay, and three to learn from.
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
from scipy import stats
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
    parser.add_argument("--seeds", type=int, nargs="+", default=(505, 606, 707))
    args = parser.parse_args()
    if len(args.seeds) < 2:  # noqa: PLR2004 - one to learn from, one to score
        sys.exit("--seeds: two at least")
    with tempfile.TemporaryDirectory() as scratch:
        work = args.work or Path(scratch)
        made = [world(work / f"seed-{seed}", seed, args.scale) for seed in args.seeds]
        found = [compared(one, other) for one, other in zip(made, [*made[1:], made[0]], strict=True)]
    summed_up(found)


def summed_up(found: list[dict[str, float]]) -> None:
    """Print means over the worlds; the last line is JSON."""
    mean = {name: float(np.mean([each[name] for each in found])) for name in found[0]}
    kept = np.array([each["auc_student_out_of_fold"] / each["auc_teacher"] for each in found])
    half = float(stats.t.ppf(0.975, kept.size - 1) * kept.std(ddof=1) / np.sqrt(kept.size))
    context = np.mean([each["auc_student_in_context"] / each["auc_teacher"] for each in found])
    print(f"retention {', '.join(f'{k:.3f}' for k in kept)}: mean {kept.mean():.4f} ± {half:.4f} (95 %, t)")
    print(f"of in-context labels {context:.4f}")
    auc = {name: round(mean[name], 4) for name in mean if name.startswith("auc")}
    speedup = mean["teacher_us"] / mean["student_us"]
    print(json.dumps(auc | {"retention": round(float(kept.mean()), 4), "speedup": round(speedup, 1)}))


def world(folder: Path, seed: int, scale: float) -> tuple[pl.DataFrame, set[str]]:
    """Accounts with their features, and those of a campaign."""
    if not (folder / "found" / "accounts.parquet").exists():
        run("simulate", "demo", "--seed", str(seed), "--scale", str(scale), "--out", str(folder))
        run(
            "replay", str(folder / "requests.ndjson"), "--accounts", str(folder / "accounts.ndjson"),
            "--events", str(folder / "events.ndjson"), "--out", str(folder / "found"),
        )  # fmt: skip
    campaigns = read_truth(folder / "truth.json").campaigns.values()
    accounts = pl.read_parquet(folder / "found" / "accounts.parquet").drop_nulls("stratum")
    return accounts, {account for c in campaigns for account in c}


def run(*arguments: str) -> None:
    """Run our own command."""
    print("revenuer", *arguments, flush=True)
    subprocess.run(
        [str(Path(sys.executable).with_name("revenuer")), *arguments, "--json"], check=True, stdout=subprocess.DEVNULL
    )


def hostile(made: tuple[pl.DataFrame, set[str]]) -> np.ndarray:
    """Whether each account is in a campaign."""
    return np.array([account in made[1] for account in made[0]["account_id"]])


def compared(learn: tuple[pl.DataFrame, set[str]], test: tuple[pl.DataFrame, set[str]]) -> dict[str, float]:
    """Learn from one world, score the other, print a table."""
    bad_learn, bad = hostile(learn), hostile(test)
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
        spent = slow if name == "teacher" else fast
        print(
            f"{name:29}{roc_auc_score(bad, score):12.4f}{roc_auc_score(strange, score):23.4f}"
            f"{spearmanr(score, wanted).statistic:18.4f}{1e6 * spent / len(unseen):12.2f}"
        )
    p = out_of_fold.p_value(got, kinds)
    rates = "; ".join(f"p ≤ {level}: {(p[~bad] <= level).mean():.4f}" for level in (0.05, 0.01))
    print(f"benign accounts of the other world with {rates}")
    cost = {"teacher_us": 1e6 * slow / len(unseen), "student_us": 1e6 * fast / len(unseen)}
    names = ("auc_teacher", "auc_student_in_context", "auc_student_out_of_fold")
    scores = (float(roc_auc_score(bad, score)) for score in auc.values())
    return dict(zip(names, scores, strict=True)) | cost


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
