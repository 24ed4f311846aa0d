"""The students of a validation: each a job that can run in a process of its own."""

import hashlib
from dataclasses import asdict, dataclass
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from detector.simulator.lab import teacher as teachers
from detector.simulator.lab.parts import Parts
from detector.simulator.lab.students import Exam, distil, harvest, mark, set_exam
from detector.simulator.lab.training import Recipe, Texts
from detector.simulator.lab.transformer import STUDENTS, Transformer
from detector.simulator.lab.vocabulary import Tokens

Form = Literal["worked", "bare", "soft"]
_EXAM_SEED = 0


@dataclass(frozen=True)
class Job:
    """A student to be distilled and examined.

    Attributes:
        name: of the part that its marks are kept in.
        seed: of its harvest and of its training.
        form: reasoning and answer, answer only, or reasoning and answer with soft labels.
        size: of the student.
        rows: exchanges of the seed's harvest that it got.
        harvest: exchanges in the whole harvest.
        recipe: how it is trained.
        exam: held-out questions.
    """

    name: str
    seed: int
    form: Form
    size: str
    rows: Tokens
    harvest: int
    recipe: Recipe
    exam: int

    def asked(self) -> dict[str, Any]:
        """Everything that its marks depend on."""
        rows = hashlib.blake2b(self.rows.tobytes(), digest_size=16).hexdigest()
        known = {"seed": self.seed, "form": self.form, "shape": asdict(STUDENTS[self.size]), "rows": rows}
        return known | {
            "harvest": self.harvest,
            "recipe": asdict(self.recipe),
            "exam": self.exam,
            "teacher": teacher_digest(),
        }


def prepare_worker() -> None:
    """One thread a process: the processes are what runs side by side."""
    torch.set_num_threads(1)


def run(job: Job, folder: Path) -> dict[str, Any]:
    """Marks of a job's student, and how many exchanges it got; from the folder where they are known."""
    return Parts(folder).get(job.name, job.asked(), lambda: _run(job, folder))


def _run(job: Job, folder: Path) -> dict[str, Any]:
    worked, bare = gather(job.seed, job.harvest, folder)
    texts = (bare if job.form == "bare" else worked).take(job.rows)
    if job.form == "soft":
        texts = Texts(texts.tokens, texts.learned, teachers.log_probabilities(teacher(), texts.tokens))
    student = distil(texts, STUDENTS[job.size], job.recipe, job.seed)
    return asdict(mark(student, exam_of(job.exam)[0])) | {"exchanges": len(texts)}


@lru_cache(maxsize=2)
def gather(seed: int, n: int, folder: Path) -> tuple[Texts, Texts]:
    """A seed's harvest with reasoning and without it; from its file where that is there."""
    path = folder / f"harvest-{seed}-{n}-{teacher_digest()}.npz"
    if not path.is_file():
        got = harvest(teacher(), n, np.random.default_rng([seed, 1]))
        folder.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".draft.npz")
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
def teacher() -> Transformer:
    """The shipped teacher, read once."""
    return teachers.shipped()


@cache
def teacher_digest() -> str:
    """Names the teacher's weights."""
    raw = files("detector.simulator").joinpath("data", "teacher.npz").read_bytes()
    return hashlib.blake2b(raw, digest_size=8).hexdigest()


@cache
def exam_of(n: int) -> tuple[Exam, float]:
    """The exam of that many questions, and the teacher's accuracy in it."""
    return set_exam(teacher(), n, np.random.default_rng(_EXAM_SEED))
