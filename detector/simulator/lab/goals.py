"""What the closed loop is to show, and whether a validation shows it."""

from dataclasses import asdict, dataclass
from typing import Any, Final

Json = dict[str, Any]

OF_TEACHER: Final = 0.8  # share of the teacher's accuracy that an unprotected student reaches
GAINED: Final = 0.1  # most of it that a student may gain where accounts are suspended
REFUSED: Final = 0.001  # most benign requests that may be refused
DATASETS: Final = 2  # on which labels out of fold win


@dataclass(frozen=True)
class Goal:
    """A goal of the validation.

    Attributes:
        name: what is to be shown.
        wanted: the bound, in words.
        measured: what was found, in words.
        met: whether it is within the bound.
    """

    name: str
    wanted: str
    measured: str
    met: bool


def goals(found: Json) -> list[Json]:
    """Goals against the keys of `validation.json`."""
    each = [
        _worth_stealing(found),
        _reasoning(found),
        _stopped(found),
        *_adapting(found),
        _spared(found),
        _folds(found),
    ]
    return [asdict(g) for g in each]


def _worth_stealing(found: Json) -> Goal:
    share = found["student_accuracy"]["unprotected"]["mean"] / found["teacher_accuracy"]
    name = "the unprotected student's accuracy, of the teacher's"
    return Goal(name, f"≥ {OF_TEACHER:.0%}", f"{share:.1%}", share >= OF_TEACHER)


def _reasoning(found: Json) -> Goal:
    bare, worked = (found["student_accuracy"][name] for name in ("answers_only", "unprotected"))
    return Goal(
        "accuracy from answers only",
        "less than from reasoning, intervals apart",
        f"{bare['mean']:.1%} against {worked['mean']:.1%}",
        bare["high"] < worked["low"],
    )


def _stopped(found: Json) -> Goal:
    name, wanted, share = "gained where named accounts are suspended", f"≤ {GAINED:.0%}", found["gained"]["suspend"]
    if share is None:
        return Goal(name, wanted, "the unprotected student learned nothing", met=False)
    return Goal(name, wanted, f"{share['mean']:.1%}", share["mean"] <= GAINED)


def _adapting(found: Json) -> list[Goal]:
    """The same against attackers who adapt and replace what is refused; nothing where that was left out."""
    goals = []
    for world, each in (found.get("adaptive") or {}).items():
        name, share = f"gained in {world} by an attacker who adapts", each["last"]["gained"]
        told = f"{share['mean']:.1%}" if share else "the unprotected student learned nothing"
        goals.append(Goal(name, f"≤ {GAINED:.0%}", told, bool(share) and share["mean"] <= GAINED))
    return goals


def _spared(found: Json) -> Goal:
    worst = max(found["benign_refused_share"].values())
    return Goal("benign requests refused, in the worst mode", f"≤ {REFUSED:.1%}", f"{worst:.3%}", worst <= REFUSED)


def _folds(found: Json) -> Goal:
    won = sorted({each["dataset"] for each in found["oof"].values() if _apart(each)})
    return Goal(
        "data sets on which labels out of fold beat labels in context, intervals apart",
        f"≥ {DATASETS}",
        f"{len(won)}: {', '.join(won).replace('_', ' ')}" if won else "0",
        len(won) >= DATASETS,
    )


def _apart(each: Json) -> bool:
    return each["out_of_fold"]["accuracy"]["low"] > each["in_context"]["accuracy"]["high"]
