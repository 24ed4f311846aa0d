"""Texts by the thousand without a loop over them: patterns with slots, filled column by column."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
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
    # Indexing costs less a call than `gather`, and calls are many.
    return _column(tuple(options))[rng.integers(0, len(options), n)]


@lru_cache(maxsize=1024)
def _column(options: tuple[str, ...]) -> pl.Series:
    # The lists of the grammar are asked for thousands of times, and some are long.
    return pl.Series(options, dtype=pl.String)


def number(rng: Rng, n: int, low: int = 2, high: int = 980) -> pl.Series:
    """N numbers as text, small ones more often."""
    value = np.exp(rng.uniform(np.log(low), np.log(high), n)).astype(np.int64)
    return pl.Series(value).cast(pl.String)


def fill(rng: Rng, pattern: str, slots: Slots, n: int) -> pl.Series:
    """N texts of one pattern: `{slot}` is drawn anew each time, `{int}` is a number."""
    drawn: list[pl.Series] = []
    parts: list[pl.Expr] = []
    for i, piece in enumerate(_SLOT.split(pattern)):
        if i % 2 == 0:
            if piece:
                parts.append(pl.lit(piece))
            continue
        values = number(rng, n) if piece.startswith(_INT) else slots[piece]
        drawn.append((values if isinstance(values, pl.Series) else pick(rng, values, n)).alias(str(i)))
        parts.append(pl.col(str(i)))
    if not drawn:
        return pl.Series([pattern]).new_from_index(0, n)
    return pl.DataFrame(drawn).select(pl.concat_str(parts).alias("text"))["text"]


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
