"""What attackers make of the answers that they got: a harvest, and students distilled from it."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from detector.simulator.lab.tasks import Questions, draw
from detector.simulator.lab.teacher import answer, log_probabilities
from detector.simulator.lab.training import Recipe, Texts, fit, joined
from detector.simulator.lab.transformer import Shape, Transformer, build
from detector.simulator.lab.vocabulary import Tokens

SAMPLED_AT = 0.7  # temperature that the harvest is sampled at


@dataclass(frozen=True)
class Harvest:
    """What a teacher answered, one row an exchange, in the order of asking; tasks are mixed.

    Attributes:
        worked: texts with reasoning; with soft labels where they were asked for.
        bare: the same exchanges, question and answer only.
        right: share of answers that are right.
    """

    worked: Texts
    bare: Texts
    right: float

    def __len__(self) -> int:
        return len(self.worked)


def harvest(teacher: Transformer, n: int, rng: np.random.Generator, *, soft: bool = False) -> Harvest:
    """Asks a teacher questions that are not held out and keeps what it answers, right or wrong.

    Args:
        teacher: who answers, with sampled tokens.
        n: exchanges.
        rng: of the questions and answers.
        soft: whether log-probabilities are kept.
    """
    answered = [answer(teacher, q, SAMPLED_AT, rng) for q in draw(rng, n)]
    order = rng.permutation(sum(len(w.questions) for w in answered))
    worked = joined([w.texts() for w in answered]).take(order)
    if soft:
        worked = Texts(worked.tokens, worked.learned, log_probabilities(teacher, worked.tokens))
    right = np.concatenate([w.right() for w in answered])
    return Harvest(worked, joined([w.answers_only() for w in answered]).take(order), float(right.mean()))


@dataclass(frozen=True)
class Exam:
    """Held-out questions and what the teacher makes of them.

    Attributes:
        questions: by task.
        teachers: the teacher's likeliest answers.
        texts: questions with the teacher's likeliest texts.
        soft: f16, its log-probabilities over them.
    """

    questions: list[Questions]
    teachers: list[Tokens]
    texts: Texts
    soft: NDArray[np.float16]


@dataclass(frozen=True)
class Marks:
    """How a student did.

    Attributes:
        accuracy: share of exactly right answers.
        by_task: the same by task.
        agreement: share of answers that are the teacher's.
        divergence: of the student from the teacher, a token of the teacher's texts, nats.
    """

    accuracy: float
    by_task: dict[str, float]
    agreement: float
    divergence: float


def set_exam(teacher: Transformer, n: int, rng: np.random.Generator) -> tuple[Exam, float]:
    """Draws held-out questions and lets the teacher answer them.

    Returns:
        The exam, and the teacher's own accuracy in it.
    """
    questions = draw(rng, n, "test")
    written = [answer(teacher, q) for q in questions]
    texts = joined([w.texts() for w in written])
    right = np.concatenate([w.right() for w in written])
    exam = Exam(questions, [w.answers() for w in written], texts, log_probabilities(teacher, texts.tokens))
    return exam, float(right.mean())


def mark(student: Transformer, exam: Exam) -> Marks:
    """Lets a student sit an exam."""
    written = [answer(student, q) for q in exam.questions]
    same = [(w.answers() == t).all(axis=1) for w, t in zip(written, exam.teachers, strict=True)]
    right = {w.questions.task: w.right() for w in written}
    return Marks(
        accuracy=float(np.concatenate(list(right.values())).mean()),
        by_task={task: float(r.mean()) for task, r in right.items()},
        agreement=float(np.concatenate(same).mean()),
        divergence=_divergence(student, exam),
    )


def _divergence(student: Transformer, exam: Exam) -> float:
    theirs = torch.from_numpy(exam.soft.astype(np.float32))
    ours = torch.from_numpy(log_probabilities(student, exam.texts.tokens).astype(np.float32))
    each = (theirs.exp() * (theirs - ours)).sum(dim=-1)
    return each[torch.from_numpy(exam.texts.learned[:, 1:])].mean().item()


def distil(texts: Texts, shape: Shape, recipe: Recipe, seed: int) -> Transformer:
    """A student trained on harvested texts; an untrained one where there are none.

    Args:
        texts: what was harvested.
        shape: the student's size.
        recipe: how it is trained; with an alpha above 0 the texts need soft labels.
        seed: of its first weights and of the order of texts.
    """
    student = build(shape, seed)
    if len(texts):
        fit(student, texts, recipe, np.random.default_rng(seed))
    return student.eval()
