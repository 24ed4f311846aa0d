"""Reasoning artefacts: signed blocks that an answer issues and that the next turn of the conversation presents again."""

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from detector.simulator.arrivals import Arrivals

I64 = npt.NDArray[np.int64]
_PRIME = np.uint64(0x9E3779B97F4A7C15)


def names(account: pl.Series, session: I64, turn: I64) -> pl.Series:
    """Hashes of the artefacts of answers: the same for the same account, session and turn."""
    digits = account.str.slice(5).str.to_integer(base=16, strict=True).to_numpy().astype(np.uint64)
    mixed = (digits * _PRIME) ^ (session.astype(np.uint64) * np.uint64(0xD1B54A32D192ED03))
    mixed = (mixed + turn.astype(np.uint64)) * _PRIME
    return pl.select(pl.concat_str(pl.lit("art_"), pl.Series(mixed).cast(pl.String)).alias("x"))["x"]


def references(a: Arrivals, who: pl.DataFrame, reasoning: I64) -> dict[str, Any]:
    """Columns of the artefacts issued and presented: each turn presents that of the turn before, where clients keep them.

    Args:
        a: requests.
        who: account of each.
        reasoning: tokens of hidden reasoning of each; none, no artefact.
    """
    kept = pl.Series(who["_conversations"]) & pl.Series(who["_reasoning"] > 0.0)
    before = names(who["account_id"], a.session, np.maximum(a.turn - 1, 0))
    out = pl.DataFrame(
        {
            "out": names(who["account_id"], a.session, a.turn),
            "in": before,
            "issued": reasoning > 0,
            "presented": kept & pl.Series(a.turn > 0),
        }
    ).select(
        pl.when("issued").then(pl.concat_list("out")).alias("out"),
        pl.when("presented").then(pl.concat_list("in")).alias("in"),
    )
    return {"reasoning_refs_out": out["out"], "reasoning_refs_in": out["in"]}
