"""What stands around a campaign's items, kept apart from them so that an evasion can word it anew."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl

from detector.simulator.texts.compose import Rng
from detector.simulator.texts.wrappers import pair

Rows = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Wrapper:
    """Of the requests of one traffic.

    Attributes:
        kind: name of the wrappers in the grammar.
        items: what is wrapped, one a request.
        system: whether the wrapper is the system prompt and the user turn the bare item.
        bare: requests that have no wrapper at all, such as later turns; none where None.
    """

    kind: str
    items: pl.Series
    system: bool = False
    bare: Rows | None = None


def around(before: pl.Series, items: pl.Series, after: pl.Series) -> pl.Series:
    """Texts put together."""
    return pl.select(pl.concat_str(before, items, after).alias("t"))["t"]


def reworded(
    rng: Rng,
    wrapper: Wrapper,
    wording: npt.NDArray[np.int64],
    rows: Rows,
    prompt: pl.Series,
    system: pl.Series | None,
    language: str = "",
) -> tuple[pl.Series, pl.Series | None, Wrapper]:
    """(prompt, system, wrapper) with some requests in other words.

    Args:
        rng: source of chance.
        wrapper: kind and items.
        wording: number of the wording of each request; equal numbers share their words.
        rows: which requests; the others stay.
        prompt: user turns so far.
        system: system prompts so far.
        language: of the words; English where empty.
    """
    if wrapper.bare is not None:
        rows = rows & ~wrapper.bare
    if not rows.any():
        return prompt, system, wrapper
    kind = f"{language}_{wrapper.kind}" if language else wrapper.kind
    pairs = [pair(rng, kind) for _ in range(int(wording.max()) + 1)]
    before, after = (pl.Series([p[k] for p in pairs]).gather(wording) for k in (0, 1))
    chosen = pl.Series(rows)
    if not wrapper.system:
        return around(before, wrapper.items, after).zip_with(chosen, prompt), system, wrapper
    text = pl.select(pl.concat_str(before, after).alias("t"))["t"]
    kept = system if system is not None else pl.Series([None], dtype=pl.String).new_from_index(0, rows.size)
    return wrapper.items.zip_with(chosen, prompt), text.zip_with(chosen, kept), wrapper


def with_items(wrapper: Wrapper, rows: Rows, items: pl.Series) -> Wrapper:
    """The wrapper with other items in some requests; `items` holds one for each of these."""
    place = np.flatnonzero(rows)
    changed = wrapper.items.clone().scatter(place, items) if place.size else wrapper.items
    return replace(wrapper, items=changed)
