"""The table of real product clients: rates, bursts and token lengths that travel together."""

import json
from functools import cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from detector.simulator.texts.compose import Rng

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]


@cache
def table() -> tuple[F64, F64, F64]:
    """(per day, active, shape) f64[clients, 3], input and output quantiles f64[clients, levels + 2], and their levels."""
    stored = json.loads(files("detector.simulator").joinpath("data/servegen.json").read_text())
    rows = stored["clients"]
    facts = np.array([(r["per_day"], r["active"], r["shape"]) for r in rows])
    tokens = np.array([(r["input"], r["output"]) for r in rows], float)
    levels = np.array([0.0, *stored["levels"], 1.0])
    low, high = tokens[:, :, :1] * 0.8, tokens[:, :, -1:] * 1.25
    return facts, np.concatenate([low, tokens, high], axis=2), levels


def draw_clients(rng: Rng, n: int) -> I64:
    """Rows of the table for n accounts."""
    return rng.integers(0, table()[0].shape[0], n)


def volumes(rng: Rng, clients: I64, days: float, median: float = 35.0, most: int = 4000) -> I64:
    """Requests of each account over the time, skewed as in the table and scaled to a small world."""
    per_day = table()[0][clients, 0]
    middle = np.median(table()[0][:, 0])
    scaled = median * (per_day / middle) ** 0.55 * days / 7.0 * rng.lognormal(0.0, 0.5, clients.size)
    return np.clip(scaled, 2, most).astype(np.int64)


def tokens(rng: Rng, clients: I64, side: int) -> I64:
    """Input (0) or output (1) tokens, one draw for each client given, by inverse quantiles."""
    _, quantiles, levels = table()
    u = rng.random(clients.size)
    at = np.clip(np.searchsorted(levels, u, side="right") - 1, 0, levels.size - 2)
    low, high = quantiles[clients, side, at], quantiles[clients, side, at + 1]
    part = (u - levels[at]) / (levels[at + 1] - levels[at])
    return np.asarray(np.maximum(low + part * (high - low), 1), np.int64)


def one_style(rng: Rng, n: int) -> tuple[I64, I64]:
    """Input and output tokens of n requests that one program makes: a client of the table, whoever runs the program."""
    client = np.repeat(draw_clients(rng, 1), n)
    return tokens(rng, client, 0), tokens(rng, client, 1)


def own_styles(rng: Rng, account: I64, accounts: int) -> tuple[I64, I64]:
    """The same where each account runs a program of its own; `account` is the row of each request's account."""
    client = draw_clients(rng, accounts)[account]
    return tokens(rng, client, 0), tokens(rng, client, 1)
