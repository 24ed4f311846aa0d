"""Request habits: one set of distributions from which innocents and attackers draw alike, an account at a time.

Nothing here may depend on who asks. What an attacker is after (log-probabilities, embeddings) is set by its campaign.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from detector.simulator.texts.compose import Rng

Options = Sequence[tuple[Any, float]]

TEMPERATURE: Options = ((None, 0.52), (0.0, 0.13), (0.2, 0.08), (0.7, 0.13), (1.0, 0.14))
TOP_P: Options = ((None, 0.86), (0.9, 0.06), (0.95, 0.08))
MAX_TOKENS: Options = ((None, 0.4), (512, 0.08), (1024, 0.16), (2048, 0.14), (4096, 0.14), (8192, 0.08))
CANDIDATES: Options = ((1, 0.93), (2, 0.04), (4, 0.03))
TOP_LOGPROBS: Options = ((0, 0.93), (5, 0.04), (20, 0.03))
REASONING: Options = ((0.0, 0.55), (0.3, 0.25), (0.9, 0.2))  # share of requests with hidden reasoning
FORMAT: Options = ((None, 0.82), ("json_object", 0.11), ("json_schema", 0.07))
RETENTION: Options = (("normal", 0.97), ("zero", 0.03))
ROUTES: Options = (("first_party", 0.72), ("market_a", 0.16), ("market_b", 0.12))
KEYS: Options = ((1, 0.82), (2, 0.13), (4, 0.05))
END_USERS: Options = ((0, 0.7), (1, 0.15), (12, 0.1), (80, 0.05))
PLACES: Options = ((1, 0.55), (2, 0.28), (3, 0.1), (4, 0.07))
TURNS: Options = ((1.0, 0.3), (2.0, 0.2), (4.0, 0.32), (8.0, 0.18))  # mean of a person's session
AGENTS = (
    "python-client/1.41",
    "node-client/0.62",
    "curl/8.6",
    "go-client/0.9",
    "java-client/2.3",
    "http-tool/3.1",
    "ruby-client/0.4",
)
TOOL_SETS: Options = ((("search",), 0.4), (("lookup_order", "refund"), 0.33), (("search", "fetch", "compute"), 0.27))
TOOL_USE = 0.4  # share of requests with tools on offer in which one is called
# A column of which every value is None, or that is of no account at all, would have no type.
_TYPES = {
    "_temperature": pl.Float64,
    "_top_p": pl.Float64,
    "_max_tokens": pl.Int64,
    "_n": pl.Int64,
    "_top_logprobs": pl.Int64,
    "_reasoning": pl.Float64,
    "_format": pl.String,
    "_retention": pl.String,
    "_user_agent": pl.String,
    "_tls": pl.String,
    "_route": pl.String,
    "_keys": pl.Int64,
    "_users": pl.Int64,
    "_places": pl.Int64,
    "_turns": pl.Float64,
}
_STACKS = 40
_ZONES = (-8, -5, 0, 1, 3, 5.5, 9)


def choose(rng: Rng, options: Options, n: int) -> list[Any]:
    """N values drawn by weight.

    Args:
        rng: source of chance.
        options: (value, weight); weights need not add up to one.
        n: how many.
    """
    weights = np.array([p for _, p in options])
    return [options[i][0] for i in rng.choice(len(options), n, p=weights / weights.sum())]


def offer_tools(rng: Rng, account: npt.NDArray[np.int64], offers: npt.NDArray[np.bool_]) -> dict[str, Any]:
    """Columns of the tools that some accounts offer, a set for each account, and of the calls made.

    Args:
        rng: source of chance.
        account: i64[requests], row of the account.
        offers: bool[accounts], which of them have tools at all.
    """
    drawn = choose(rng, TOOL_SETS, offers.size)
    sets = pl.Series([list(s) if o else None for s, o in zip(drawn, offers, strict=True)], dtype=pl.List(pl.String))
    called = offers[account] & (rng.random(account.size) < TOOL_USE)
    return {"tools": sets.gather(account), "tool_calls": called.astype(np.int64)}


def tls_stack(number: int) -> str:
    """Fingerprint of a TLS stack; 0 is the most frequent one."""
    return f"t13d{(number * 2654435761) % (1 << 32):08x}_{(number * 40503) % 65536:04x}"


def draw_habits(rng: Rng, n: int) -> pl.DataFrame:
    """Habits of n accounts, a column each, names with a leading underscore."""
    stack = np.minimum(rng.zipf(1.35, n), _STACKS) - 1
    columns: dict[str, Any] = {
        "_temperature": choose(rng, TEMPERATURE, n),
        "_top_p": choose(rng, TOP_P, n),
        "_max_tokens": choose(rng, MAX_TOKENS, n),
        "_n": choose(rng, CANDIDATES, n),
        "_top_logprobs": choose(rng, TOP_LOGPROBS, n),
        "_stream": rng.random(n) < 0.5,
        "_reasoning": choose(rng, REASONING, n),
        "_format": choose(rng, FORMAT, n),
        "_retention": choose(rng, RETENTION, n),
        "_user_agent": [AGENTS[int(i)] for i in np.minimum(rng.geometric(0.35, n) - 1, len(AGENTS) - 1)],
        "_tls": [tls_stack(int(s)) for s in stack],
        "_route": choose(rng, ROUTES, n),
        "_keys": choose(rng, KEYS, n),
        "_conversations": rng.random(n) < 0.6,
        "_users": choose(rng, END_USERS, n),
        "_places": choose(rng, PLACES, n),
        "_turns": choose(rng, TURNS, n),
        "_cached": np.where(rng.random(n) < 0.3, rng.random(n) * 0.8, 0.0),  # share of the input that was cached
        "_speed": rng.lognormal(np.log(14.0), 0.3, n),  # milliseconds a token
        "_referred": rng.random(n) < 0.4,  # whether the gateway keeps a pointer to the original
        "_adopts": rng.exponential(2.5, n),  # days after a launch
        "_zone": rng.choice(_ZONES, n),  # hours from UTC
    }
    return pl.DataFrame(columns, schema_overrides=_TYPES)
