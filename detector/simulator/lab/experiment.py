"""The students of a validation: each a job that can run in a process of its own."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import torch

from detector.simulator.lab import teacher as teachers
from detector.simulator.lab.kinds import KINDS
from detector.simulator.lab.kinds.lesson import Lesson, Voting
from detector.simulator.lab.parts import Parts
from detector.simulator.lab.schooling import school
from detector.simulator.lab.students import Exam, harvest, mark, set_exam
from detector.simulator.lab.study import TeacherName
from detector.simulator.lab.training import Recipe, Texts, joined
from detector.simulator.lab.transformer import STUDENTS, TEACHER, Transformer, build
from detector.simulator.lab.vocabulary import Tokens

_EXAM_SEED = 0
_WEAK = Recipe(steps=300, batch=32, rate=4e-3)  # of a teacher that was taken from school early
_WEAK_SEED = 11


@dataclass(frozen=True)
class Job:
    """A student to be distilled and examined.

    Attributes:
        name: of the part that its marks are kept in.
        seed: of its harvest and of its training.
        size: of the student.
        rows: exchanges of the seed's harvest that it got with reasoning.
        bare: exchanges that it got as question and answer only.
        harvest: exchanges in the whole harvest.
        recipe: how it is trained.
        exam: held-out questions.
        kind: of student, a name of `KINDS`.
        teacher: who answered.
        voting: of the kind that lets teachers vote.
    """

    name: str
    seed: int
    size: str
    rows: Tokens
    bare: Tokens
    harvest: int
    recipe: Recipe
    exam: int
    kind: str = "text"
    teacher: TeacherName = "strong"
    voting: Voting = field(default_factory=Voting)

    def asked(self) -> dict[str, Any]:
        """Everything that its marks depend on."""
        return {
            "seed": self.seed,
            "shape": asdict(STUDENTS[self.size]),
            "rows": _digest(self.rows.tobytes()),
            "bare": _digest(self.bare.tobytes()),
            "harvest": self.harvest,
            "recipe": asdict(self.recipe),
            "exam": self.exam,
            "kind": self.kind,
            "teacher": teacher_digest(self.teacher),
            "voting": asdict(self.voting),
        }


def prepare_worker() -> None:
    """One thread a process: the processes are what runs side by side."""
    torch.set_num_threads(1)


def run(job: Job, folder: Path) -> dict[str, Any]:
    """Marks of a job's student, and how many exchanges it got; from the folder where they are known."""
    return Parts(folder).get(job.name, job.asked(), lambda: _run(job, folder))


def run_all(jobs: list[Job], folder: Path) -> list[dict[str, Any]]:
    """Several jobs one after the other, for those that share what they are made from."""
    return [run(job, folder) for job in jobs]


def _run(job: Job, folder: Path) -> dict[str, Any]:
    worked, bare = gather(job.seed, job.harvest, folder, job.teacher)
    texts = joined([worked.take(job.rows), bare.take(job.bare)])
    asked = teacher(job.teacher, folder)
    taught = KINDS[job.kind](Lesson(asked, texts, STUDENTS[job.size], job.recipe, job.seed, job.voting))
    marks = asdict(mark(taught.student, exam_of(job.exam, folder, job.teacher)[0]))
    return marks | {"exchanges": len(texts), "withheld": len(job.bare), "told": taught.told}


@lru_cache(maxsize=2)
def gather(seed: int, n: int, folder: Path, name: TeacherName = "strong") -> tuple[Texts, Texts]:
    """A seed's harvest with reasoning and without it; from its file where that is there."""
    path = folder / f"harvest-{seed}-{n}-{teacher_digest(name)}.npz"
    if not path.is_file():
        got = harvest(teacher(name, folder), n, np.random.default_rng([seed, 1]))
        folder.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}.npz")
        np.savez_compressed(
            draft,
            worked=got.worked.tokens.astype(np.uint8),
            worked_learned=got.worked.learned,
            bare=got.bare.tokens.astype(np.uint8),
            bare_learned=got.bare.learned,
        )
        draft.replace(path)
    with np.load(path, allow_pickle=False) as file:
        return (
            Texts(file["worked"].astype(np.int64), file["worked_learned"]),
            Texts(file["bare"].astype(np.int64), file["bare_learned"]),
        )


@cache
def teacher(name: TeacherName, folder: Path) -> Transformer:
    """The shipped teacher, or one that was trained for a sixth of the time; from its file where that is there."""
    if name == "strong":
        return teachers.shipped()
    path = folder / f"teacher-{teacher_digest(name)}.npz"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        model = build(TEACHER, _WEAK_SEED)
        school(model, _WEAK, np.random.default_rng(_WEAK_SEED))
        draft = path.with_suffix(f".{os.getpid()}.npz")
        teachers.save(model, draft)
        draft.replace(path)
    # Read back, so that the first run has the same rounded weights as those that go on from it.
    return teachers.load(path)


@cache
def teacher_digest(name: TeacherName = "strong") -> str:
    """Names a teacher's weights."""
    if name == "weak":
        return _digest(json.dumps([asdict(TEACHER), asdict(_WEAK), _WEAK_SEED]).encode())
    return _digest(files("detector.simulator").joinpath("data", "teacher.npz").read_bytes())


def _digest(raw: bytes) -> str:
    return hashlib.blake2b(raw, digest_size=8).hexdigest()


@cache
def exam_of(n: int, folder: Path, name: TeacherName = "strong") -> tuple[Exam, float]:
    """The exam of that many questions as a teacher answers it, and its accuracy."""
    return set_exam(teacher(name, folder), n, np.random.default_rng(_EXAM_SEED))
