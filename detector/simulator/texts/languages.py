"""Items in other languages, for campaigns that translate what they ask."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from detector.simulator.texts.compose import Rng, compose
from detector.simulator.texts.tasks import SLOTS
from detector.simulator.texts.words import ITEMS
from detector.simulator.texts.wrapper import Wrapper, with_items

LANGUAGES: Sequence[str] = tuple(sorted(ITEMS))


def translated_items(rng: Rng, wrapper: Wrapper, language: str, rows: npt.NDArray[np.bool_]) -> Wrapper:
    """The wrapper with items of a language in some requests: other tasks of the same sort, since nothing here translates."""
    return with_items(wrapper, rows, compose(rng, ITEMS[language], SLOTS, int(rows.sum())))
