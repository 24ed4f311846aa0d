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
_FEW = 512  # texts; below, a loop costs less than calls of polars
_LOGARITHMS = (np.log(2), np.log(980))  # of the least and the greatest number


def fill(rng: Rng, pattern: str, slots: Slots, n: int) -> pl.Series:
    """N texts of one pattern: `{slot}` is drawn anew each time, `{int}` is a number, small ones more often."""
    pieces = _pieces(pattern)
    if len(pieces) == 1:
        return pl.Series([pattern]).new_from_index(0, n)
    return (_few if n <= _FEW else _many)(rng, pieces, slots, n)


@lru_cache(maxsize=4096)
def _pieces(pattern: str) -> list[str]:
    """Texts, and the slots between them at odd places."""
    return _SLOT.split(pattern)


def _few(rng: Rng, pieces: list[str], slots: Slots, n: int) -> pl.Series:
    columns: list[list[Any]] = []
    for slot in pieces[1::2]:
        values = () if slot.startswith(_INT) else slots[slot]
        if isinstance(values, pl.Series):
            columns.append(values.to_list())
        elif slot.startswith(_INT):
            columns.append(_numbers(rng, n).tolist())
        else:
            columns.append([values[i] for i in rng.integers(0, len(values), n).tolist()])
    form = "%s".join(text.replace("%", "%%") for text in pieces[::2])
    return pl.Series([form % row for row in zip(*columns, strict=True)], dtype=pl.String)


def _many(rng: Rng, pieces: list[str], slots: Slots, n: int) -> pl.Series:
    drawn: list[pl.Series] = []
    parts: list[pl.Expr] = []
    for i, piece in enumerate(pieces):
        if i % 2 == 0:
            if piece:
                parts.append(pl.lit(piece))
            continue
        if piece.startswith(_INT):
            values = pl.Series(_numbers(rng, n)).cast(pl.String)
        else:
            options = slots[piece]
            values = options if isinstance(options, pl.Series) else _pick(rng, options, n)
        drawn.append(values.alias(str(i)))
        parts.append(pl.col(str(i)))
    return pl.DataFrame(drawn).select(pl.concat_str(parts).alias("text"))["text"]


def _numbers(rng: Rng, n: int) -> npt.NDArray[np.int64]:
    return np.exp(rng.uniform(*_LOGARITHMS, n)).astype(np.int64)


def _pick(rng: Rng, options: Options, n: int) -> pl.Series:
    return _column(tuple(options)).gather(rng.integers(0, len(options), n))


@lru_cache(maxsize=1024)
def _column(options: tuple[str, ...]) -> pl.Series:
    # The lists of the grammar are asked for thousands of times, and some are long.
    return pl.Series(options, dtype=pl.String)


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


def wrapped(before: str, items: pl.Series, after: str = "") -> pl.Series:
    """Items inside a fixed wrapper."""
    return pl.select(pl.concat_str(pl.lit(before), items, pl.lit(after)).alias("t"))["t"]
