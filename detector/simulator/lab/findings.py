"""What a validation found, as the keys of `validation.json`."""

import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from detector.simulator.lab.curve import Curve, gained, gained_by_seed
from detector.simulator.lab.enforcement import MODES, REFUSING, Bools, Mode, refused_share
from detector.simulator.lab.experiment import teacher_digest
from detector.simulator.lab.goals import goals
from detector.simulator.lab.intervals import interval
from detector.simulator.lab.plan import BUDGET, Plan
from detector.simulator.lab.study import Variation, plain
from detector.simulator.lab.watch import Watched

Marks = dict[str, Any]
Json = dict[str, Any]
SCHEMA: Final = "revenuer.validation.v1"
_LIBRARIES: Final = ("revenuer", "torch", "numpy", "scikit-learn", "polars")
_LINE: Final = 48  # points of a drawn line


def curve_of(points: Mapping[int, list[Marks]]) -> Curve:
    """Mean accuracy over seeds at each number of exchanges."""
    return Curve(tuple(points), tuple(float(np.mean(_accuracies(marks))) for marks in points.values()))


def _accuracies(marks: list[Marks]) -> list[float]:
    return [m["accuracy"] for m in marks]


@dataclass(frozen=True)
class Findings:
    """All that was measured.

    Attributes:
        plan: how large the validation was.
        teacher_accuracy: on the students' exam.
        points: exchanges harvested without enforcement → marks by seed; 0 is the untrained student.
        needed: exchanges at which the student reaches its share of the plateau.
        runs: condition → marks by seed.
        sizes: size of student → marks by seed, with the whole budget.
        studied: way to make a student → marks by seed.
        strengths: teacher → its accuracy, for all that were asked.
        watched: the world and what the detector said.
        travels: exchange of the log that each question of the budget travels in.
        through: mode → exchanges that pass.
        full: mode → exchanges that are answered with all that was asked for.
        tables: the tabular track.
        race: the arms race; None where it was left out.
        adaptive: world → rounds against an attacker who adapts and replaces.
        against: (world, `first` or `last` of its rounds) → marks by seed.
        gateway: what came through the HTTP gateway; None where it was left out.
    """

    plan: Plan
    teacher_accuracy: float
    points: dict[int, list[Marks]]
    needed: int
    runs: dict[str, list[Marks]]
    sizes: dict[str, list[Marks]]
    studied: dict[Variation, list[Marks]]
    strengths: dict[str, float]
    watched: Watched
    travels: NDArray[np.int64]
    through: dict[Mode, Bools]
    full: dict[Mode, Bools]
    tables: dict[str, Json]
    race: Json | None
    adaptive: dict[str, Json | None]
    against: dict[tuple[str, str], list[Marks]]
    gateway: Json | None

    def as_json(self) -> Json:
        """The keys of `validation.json`."""
        found = self._measured()
        return found | {"goals": goals(found)}

    def _measured(self) -> Json:
        found, curve = self.watched.result["per_campaign"], curve_of(self.points)
        return {
            "schema": SCHEMA,
            "plan": asdict(self.plan),
            "seeds": list(self.plan.seeds),
            "versions": {name: version(name) for name in _LIBRARIES}
            | {"python": platform.python_version(), "teacher": teacher_digest()},
            "teacher_accuracy": self.teacher_accuracy,
            "untrained_accuracy": asdict(interval(_accuracies(self.points[0]))),
            "student_accuracy": {name: asdict(interval(_accuracies(marks))) for name, marks in self.runs.items()},
            "gained": {name: self._gained(name) for name in self.runs if name != "unprotected"},
            "students": {name: _summary(marks) for name, marks in self.runs.items()},
            "student_sizes": {size: _summary(marks) for size, marks in self.sizes.items()},
            "soft_labels": self._soft(),
            "distillation": self._distillation(),
            "curve": [{"exchanges": n} | asdict(interval(_accuracies(marks))) for n, marks in self.points.items()],
            "plateau": curve.plateau,
            "exchanges_needed": self.needed,
            "exchanges_to_half": curve.needed(0.5),
            "budget": BUDGET * self.needed,
            "lines": {mode: self._line(curve, mode) for mode in MODES},
            "passed_share": {mode: float(self.through[mode][self.travels].mean()) for mode in MODES},
            "leak": {name: each["leak"] for name, each in found.items()},
            "leak_overall": self.watched.result["leak"],
            "time_to_detect_s": {name: each["time_to_detect_s"] for name, each in found.items()},
            "recall": {name: each["recall"] for name, each in found.items()},
            "campaigns": {name: self._campaign(curve, name) for name in found},
            "benign_refused_share": {mode: self._benign_missing(self.through[mode]) for mode in MODES},
            "benign_degraded_share": self._benign_missing(self.full["degrade"]),
            "benign_refused": {
                mode: refused_share(self.watched.log, self.through[mode], self.watched.truth.archetype)
                for mode in MODES
            },
            "benign_degraded": refused_share(self.watched.log, self.full["degrade"], self.watched.truth.archetype),
            "oof": self.tables,
            "arms_race": self.race,
            "adaptive": {world: self._adaptive(world, told) for world, told in self.adaptive.items() if told} or None,
            "gateway": self.gateway,
        }

    def _adaptive(self, world: str, told: Json) -> Json:
        """A world's rounds, and what students gain from what passed in the first and in the last one."""
        rounds = {"first": told["rounds"][0], "last": told["rounds"][-1]}
        return told | {
            end: {
                "passed_share": played["of_harvest"]["suspend"],
                "benign_refused_share": played["benign_refused"]["suspend"],
                "replaced": played["replaced"],
                "gained": self._share_gained(self.against[world, end]),
            }
            | _summary(self.against[world, end])
            for end, played in rounds.items()
        }

    def _gained(self, name: str) -> Json | None:
        return self._share_gained(self.runs[name])

    def _share_gained(self, marks: list[Marks]) -> Json | None:
        shares = gained_by_seed(*(_accuracies(m) for m in (marks, self.runs["unprotected"], self.points[0])))
        return asdict(interval(shares)) if shares else None

    def _soft(self) -> Json | None:
        """Students with soft labels beside those that got the same exchanges as text."""
        soft, text = (self.studied.get(plain(kind)) for kind in ("soft", "text"))
        if self.plan.study is None or not soft or not text:
            return None
        return {"exchanges": self.plan.study.exchanges, "soft": _summary(soft), "text": _summary(text)}

    def _distillation(self) -> Json | None:
        """Kinds of student side by side."""
        if self.plan.study is None:
            return None
        rows = [asdict(v) | _summary(marks) | _told(marks) for v, marks in self.studied.items()]
        voting = asdict(self.plan.study.voting)
        return {"exchanges": self.plan.study.exchanges, "teachers": self.strengths, "voting": voting, "students": rows}

    def _line(self, curve: Curve, mode: Mode) -> list[tuple[int, int, float]]:
        """Questions asked, answered in full, and the capability that the curve gives for these, as the attack goes on."""
        answered = np.cumsum(self.full[mode][self.travels])
        asked = np.unique(np.linspace(1, len(answered), _LINE).astype(int))
        return [(0, 0, curve.at(0))] + [(int(n), int(answered[n - 1]), curve.at(float(answered[n - 1]))) for n in asked]

    def _campaign(self, curve: Curve, name: str) -> Json:
        """What a campaign gets through, and what a student gains that puts its whole budget on this campaign alone."""
        log = self.watched.log
        own = log.hostile & (log.campaign == name)
        share = {mode: float(self.through[mode][own].mean()) if own.any() else 0.0 for mode in MODES}
        top, none = curve.at(BUDGET * self.needed), curve.at(0)
        # The curve knows answers in full only, so it has nothing to say of degraded ones.
        alone = {mode: gained(curve.at(share[mode] * BUDGET * self.needed), top, none) for mode in REFUSING}
        before = int(np.count_nonzero(self.through["suspend"] & own))
        return {
            "exchanges": int(own.sum()),
            "exchanges_before_detection": before,
            "passed_share": share,
            "gained_alone": alone,
        }

    def _benign_missing(self, had: Bools) -> float:
        benign = self.watched.log.benign()
        return float((~had[benign]).mean()) if benign.any() else 0.0


def _summary(marks: list[Marks]) -> Json:
    keys = ("accuracy", "agreement", "divergence")
    return {key: asdict(interval([m[key] for m in marks])) for key in keys} | {
        "exchanges": marks[0]["exchanges"],
        "withheld": marks[0]["withheld"],
        "by_task": {t: float(np.mean([m["by_task"][t] for m in marks])) for t in marks[0]["by_task"]},
    }


def _told(marks: list[Marks]) -> Json:
    """What only some kinds tell, as means over seeds; the guarantee of votes is that of the worst seed."""
    told = [m["told"] for m in marks]
    known = {key: [t[key] for t in told] for key in told[0] if None not in (t[key] for t in told)}
    return {key: max(values) if key == "epsilon" else float(np.mean(values)) for key, values in known.items()}
