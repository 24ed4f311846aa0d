"""Data-free distillation: nobody hands the student a question; prompts are made up, and the teacher does the rest."""

from collections.abc import Callable

import numpy as np

from detector.simulator.lab.kinds.lesson import Lesson, Taught
from detector.simulator.lab.kinds.texts import softened
from detector.simulator.lab.students import SAMPLED_AT, distil
from detector.simulator.lab.tasks import TASKS, Questions
from detector.simulator.lab.teacher import answer
from detector.simulator.lab.training import Texts, joined
from detector.simulator.lab.vocabulary import ASK, NUMBER, PAD, SIZE, Tokens

_LENGTHS = range(2, 16)  # words of a made-up prompt, its mark of a question included
_HOT = 2.0  # temperature of a teacher that writes the question too: below, it repeats one word


def asked(prompts: Tokens) -> Questions:
    """Prompts of any words as questions, without tools, to which no answer is known."""
    nothing = np.zeros((len(prompts), 0), np.int64)
    return Questions("made up", prompts, nothing, nothing, nothing)


def at_random(rng: np.random.Generator, lesson: Lesson, n: int) -> Texts:
    """Any words between the name of a task and the mark of a question, in any number."""
    counts = np.bincount(rng.integers(0, len(_LENGTHS), n), minlength=len(_LENGTHS))
    parts = []
    for length, count in zip(_LENGTHS, counts, strict=True):
        if count:
            words = rng.integers(PAD + 1, SIZE, (count, length))
            words[:, 0], words[:, -1] = _task(rng, count), ASK
            parts.append(answer(lesson.teacher, asked(words), SAMPLED_AT, rng).texts())
    return joined(parts)


def by_teacher(rng: np.random.Generator, lesson: Lesson, n: int) -> Texts:
    """Only the name of a task: the teacher writes the question as well as the answer."""
    return answer(lesson.teacher, asked(_task(rng, n)[:, None]), _HOT, rng).texts()


def _task(rng: np.random.Generator, n: int) -> Tokens:
    return rng.choice([NUMBER[name] for name in TASKS], n)


def _kind(make: Callable[[np.random.Generator, Lesson, int], Texts]) -> Callable[[Lesson], Taught]:
    def taught(lesson: Lesson) -> Taught:
        # As many exchanges as others get of real questions, and not a word of these.
        made = make(lesson.rng(), lesson, len(lesson.texts))
        return Taught(distil(softened(lesson, made), lesson.shape, lesson.recipe, lesson.seed))

    return taught


random_prompts = _kind(at_random)
self_written = _kind(by_teacher)
