"""What a student learns that asks through the gateway while Revenuer watches it, beside one whom nobody stops."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from detector.simulator.lab.curve import gained
from detector.simulator.lab.experiment import exam_of, teacher
from detector.simulator.lab.gateway.loop import Passed, pass_through
from detector.simulator.lab.harvested import Asked, learned_from
from detector.simulator.lab.parts import Parts
from detector.simulator.lab.students import SAMPLED_AT, distil, mark
from detector.simulator.lab.tasks import TASKS, stacked
from detector.simulator.lab.teacher import answer
from detector.simulator.lab.training import Recipe, Texts, joined
from detector.simulator.lab.transformer import STUDENTS, Transformer
from detector.simulator.world import load_world

Json = dict[str, Any]


@dataclass(frozen=True)
class Through:
    """A loop through the gateway.

    Attributes:
        world: whose traffic it is.
        seed: of the world, the questions and the students.
        recipe: of the students.
        size: of the students, a key of `STUDENTS`.
        exam: held-out questions.
    """

    world: str
    seed: int
    recipe: Recipe
    size: str
    exam: int


def through_gateway(asked: Through, folder: Path, scratch: Path) -> Json:
    """What passed, who was refused, and what students make of it; from the folder where it is known.

    Args:
        asked: what to play.
        folder: of finished parts.
        scratch: of the loop's own files; what is in it goes.

    Raises:
        DetectorError: the service fails.
        OSError: a folder cannot be written.
    """
    return Parts(folder).get("gateway", asdict(asked), lambda: _measured(asked, folder, scratch))


def _measured(asked: Through, folder: Path, scratch: Path) -> Json:
    model = teacher("strong", folder)
    passed = pass_through(load_world(asked.world), asked.seed, model, scratch)
    got = [(question, content) for question, content in passed.harvest if content is not None]
    everything = _asked_directly([question for question, _ in passed.harvest], model, asked.seed)
    exam = exam_of(asked.exam, folder)[0]
    taught = {"untrained": everything.take(np.arange(0)), "unprotected": everything}
    taught["through"] = learned_from(got) if got else taught["untrained"]
    students = {
        name: asdict(mark(distil(texts, STUDENTS[asked.size], asked.recipe, asked.seed), exam))
        | {"exchanges": len(texts)}
        for name, texts in taught.items()
    }
    share = gained(*(students[name]["accuracy"] for name in ("through", "unprotected", "untrained")))
    return {"world": asked.world, "students": students, "gained": share} | _told(passed)


def _asked_directly(asked: list[Asked], model: Transformer, seed: int) -> Texts:
    """The same questions in their order, all of them answered."""
    rng = np.random.default_rng([seed, 8])
    rows = [[k for k, each in enumerate(asked) if each.question.task == task] for task in TASKS]
    rows = [numbers for numbers in rows if numbers]
    questions = [stacked([asked[k].question for k in numbers]) for numbers in rows]
    texts = joined([answer(model, each, SAMPLED_AT, rng).texts() for each in questions])
    return texts.take(np.argsort(np.concatenate([np.array(numbers, np.int64) for numbers in rows])))


def _told(passed: Passed) -> Json:
    innocents = {kind: {"requests": n, "refused": refused} for kind, (n, refused) in passed.innocents.items()}
    campaigns = {name: {"asked": n, "answered": answered} for name, (n, answered) in passed.campaigns.items()}
    requests, refused = (sum(each[key] for each in innocents.values()) for key in ("requests", "refused"))
    asked, answered = (sum(each[key] for each in campaigns.values()) for key in ("asked", "answered"))
    return {
        "asked": asked,
        "answered": answered,
        "passed_share": answered / max(asked, 1),
        "campaigns": campaigns,
        "benign": innocents,
        "benign_refused_share": refused / max(requests, 1),
    }
