"""Learners of an exam-prep or language platform with keys of their own: one wrapper, exercises from one bank, many accounts."""

from detector.simulator.accounts import draw_accounts
from detector.simulator.arrivals import sessions
from detector.simulator.population.base import innocent
from detector.simulator.population.clients import one_style
from detector.simulator.population.shared import weekly
from detector.simulator.texts import tasks, wrappers
from detector.simulator.texts.compose import Rng, wrapped
from detector.simulator.traffic import Setting, Traffic

_LEARNERS = (15, 80)
_BANK = (80, 600)  # exercises


@innocent("exam_prep", at_once=40)
def exam_prep(rng: Rng, setting: Setting, n: int) -> list[Traffic]:
    """N platforms whose unrelated learners have worked solutions explained, the same exercises to many of them."""
    out = []
    for _ in range(n):
        learners = int(rng.integers(*_LEARNERS))
        crowd = draw_accounts(rng, learners, setting.start, "exam_prep")
        count = weekly(rng, 2.2, 0.9, learners, setting.days)
        a = sessions(rng, count, crowd.frame["_zone"].to_numpy(), 1.3, setting.start, setting.days)
        bank = tasks.mixed(rng, int(rng.integers(*_BANK)))
        items = bank.gather(rng.integers(0, bank.len(), a.ts.size))
        before, after = wrappers.practice(rng)
        prompt = wrapped(before, items, after)
        out.append(Traffic(crowd, a._replace(turn=a.turn * 0), prompt, None, *one_style(rng, a.ts.size)))
    return out
