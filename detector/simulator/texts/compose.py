"""Texts by the thousand without a loop over them: patterns with slots, filled column by column."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

Options = Sequence[str]
Slots = Mapping[str, Options | pl.Series]
Rng = np.random.Generator
_SLOT = re.compile(r"\{(\w+)\}")
_INT = "int"


def pick(rng: Rng, options: Options, n: int) -> pl.Series:
    """N of the options, with repeats."""
    return pl.Series(list(options), dtype=pl.String).gather(rng.integers(0, len(options), n))


def number(rng: Rng, n: int, low: int = 2, high: int = 980) -> pl.Series:
    """N numbers as text, small ones more often."""
    value = np.exp(rng.uniform(np.log(low), np.log(high), n)).astype(np.int64)
    return pl.Series(value).cast(pl.String)


def fill(rng: Rng, pattern: str, slots: Slots, n: int) -> pl.Series:
    """N texts of one pattern: `{slot}` is drawn anew each time, `{int}` is a number."""
    parts: list[pl.Series] = []
    for i, piece in enumerate(_SLOT.split(pattern)):
        if i % 2 == 0:
            if piece:
                parts.append(pl.Series([piece]).new_from_index(0, n))
        elif piece.startswith(_INT):
            parts.append(number(rng, n))
        else:
            options = slots[piece]
            parts.append(options if isinstance(options, pl.Series) else pick(rng, options, n))
    frame = pl.DataFrame([p.alias(str(i)) for i, p in enumerate(parts)])
    return frame.select(pl.concat_str(pl.all(), separator="").alias("text"))["text"]


def compose(
    rng: Rng, patterns: Sequence[str], slots: Slots, n: int, weights: Sequence[float] | None = None
) -> pl.Series:
    """N texts, each of a pattern drawn by weight."""
    p = None if weights is None else np.array(weights) / np.sum(weights)
    which = rng.choice(len(patterns), n, p=p)
    return scatter(which, [lambda m, t=t, r=rng: fill(r, t, slots, m) for t in patterns])


def scatter(which: npt.NDArray[Any], makers: Sequence[Any]) -> pl.Series:
    """Texts of several makers, each called once with how many it has to make, put where `which` says."""
    order = np.argsort(which, kind="stable")
    counts = np.bincount(which, minlength=len(makers))
    made = [maker(int(c)) for maker, c in zip(makers, counts, strict=True) if c]
    joined = pl.concat([m.cast(pl.String) for m in made]) if made else pl.Series([], dtype=pl.String)
    back = np.empty(order.size, np.int64)
    back[order] = np.arange(order.size)
    return joined.gather(back)


def repeat_each(texts: pl.Series, counts: npt.NDArray[np.int64]) -> pl.Series:
    """Each text as often as its count."""
    return texts.gather(np.repeat(np.arange(texts.len()), counts))
