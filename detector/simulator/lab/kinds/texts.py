"""Output distillation: from sampled text, and from the log-probabilities that come with it."""

from detector.simulator.lab.kinds.lesson import Lesson, Taught
from detector.simulator.lab.students import distil
from detector.simulator.lab.teacher import log_probabilities
from detector.simulator.lab.training import Texts


def plain(lesson: Lesson) -> Taught:
    """Learns what the teacher wrote."""
    return Taught(distil(lesson.texts, lesson.shape, lesson.text_only(), lesson.seed))


def soft(lesson: Lesson) -> Taught:
    """Learns the teacher's log-probabilities too, with the recipe's share and temperature."""
    known = softened(lesson, lesson.texts)
    return Taught(distil(known, lesson.shape, lesson.recipe, lesson.seed))


def softened(lesson: Lesson, texts: Texts) -> Texts:
    """Texts with the teacher's log-probabilities."""
    return Texts(texts.tokens, texts.learned, log_probabilities(lesson.teacher, texts.tokens))
