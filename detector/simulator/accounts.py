"""Accounts and their habits: innocents and attackers draw both from the same distributions, an account at a time."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from detector.simulator.texts.compose import Rng

DAY_S = 86_400.0
ADDRESSES = 4  # at most, an account
_TIERS = (("free", 0.62), ("build", 0.25), ("scale", 0.13))
_COUNTRIES = ["US", "IN", "DE", "BR", "JP", "FR", "GB", "KE", "PL", "MX", "ID", "CA", "NG", "ES", "VN"]
_AGENTS = (
    "python-client/1.41",
    "node-client/0.62",
    "curl/8.6",
    "go-client/0.9",
    "java-client/2.3",
    "http-tool/3.1",
    "ruby-client/0.4",
)
_STACKS = 40
_ROUTES = (("first_party", 0.72), ("market_a", 0.16), ("market_b", 0.12))
_PUBLIC_MAIL = ("mail.example.com", "post.example.org", "box.example.net", "inbox.example.com")


@dataclass
class Crowd:
    """Accounts of one kind.

    Attributes:
        frame: one row an account; columns of the account record, and habits with a leading underscore.
        archetype: kind of innocent, or `attack`.
        campaign: name of the campaign, None for innocents.
    """

    frame: pl.DataFrame
    archetype: str
    campaign: str | None = None

    @property
    def size(self) -> int:
        """Number of accounts."""
        return self.frame.height

    def set(self, **columns: Any) -> "Crowd":  # noqa: ANN401 - values, arrays or expressions
        """The same crowd with some columns replaced by a value, an array or a series."""
        new = []
        for name, value in columns.items():
            if isinstance(value, pl.Series):
                new.append(value.alias(name))
            elif isinstance(value, np.ndarray | list):
                new.append(pl.Series(name, value))
            else:
                # A literal is narrower than the column that it replaces, and crowds are put together in the end.
                dtype = self.frame.schema.get(name)
                literal = pl.lit(value) if dtype is None else pl.lit(value).cast(dtype)
                new.append(literal.alias(name))
        return Crowd(self.frame.with_columns(new), self.archetype, self.campaign)


def _choice(rng: Rng, options: tuple[tuple[Any, float], ...], n: int) -> list[Any]:
    names = [o for o, _ in options]
    weights = np.array([p for _, p in options])
    return [names[i] for i in rng.choice(len(names), n, p=weights / weights.sum())]


def identifiers(rng: Rng, prefix: str, n: int) -> pl.Series:
    """Opaque identifiers, of one shape for everybody."""
    high, low = rng.integers(0, 1 << 32, n), rng.integers(0, 1 << 16, n)
    return pl.Series([f"{prefix}_{h:08x}{x:04x}" for h, x in zip(high.tolist(), low.tolist(), strict=True)])


def networks(rng: Rng, n: int) -> list[str]:
    """/24 prefixes, without the last part, of the block that nobody uses (240.0.0.0/4)."""
    return [f"{240 + a}.{b}.{c}" for a, b, c in rng.integers(0, (15, 256, 256), (n, 3)).tolist()]


def draw_accounts(rng: Rng, n: int, start: float, archetype: str, campaign: str | None = None) -> Crowd:
    """N unrelated accounts with their habits.

    Args:
        rng: source of chance.
        n: accounts.
        start: beginning of the world, seconds since 1970; accounts are older.
        archetype, campaign: labels.
    """
    age = np.minimum(rng.exponential(220.0, n) + 0.5, 1400.0) * DAY_S
    own = identifiers(rng, "d", n)
    public = rng.random(n) < 0.72
    mail = [
        _PUBLIC_MAIL[int(i)] if p else f"{d}.example"
        for p, i, d in zip(public, np.minimum(rng.geometric(0.5, n) - 1, len(_PUBLIC_MAIL) - 1), own, strict=True)
    ]
    places = rng.integers(0, (15, 256, 256, 254), (n, ADDRESSES, 4))
    stack = np.minimum(rng.zipf(1.35, n), _STACKS) - 1
    stacks = [f"t13d{(int(s) * 2654435761) % (1 << 32):08x}_{(int(s) * 40503) % 65536:04x}" for s in stack]
    return Crowd(
        pl.DataFrame(
            {
                "account_id": identifiers(rng, "acct", n),
                "org_id": identifiers(rng, "org", n),
                "created_at": np.round(start - age, 3),
                "tier": _choice(rng, _TIERS, n),
                "payment_fingerprint": identifiers(rng, "pm", n),
                "signup_email_domain": mail,
                "country": [_COUNTRIES[int(i)] for i in np.minimum(rng.geometric(0.22, n) - 1, len(_COUNTRIES) - 1)],
                "_temperature": _choice(rng, ((None, 0.52), (0.0, 0.13), (0.2, 0.08), (0.7, 0.13), (1.0, 0.14)), n),
                "_max_tokens": _choice(
                    rng, ((None, 0.4), (512, 0.08), (1024, 0.16), (2048, 0.14), (4096, 0.14), (8192, 0.08)), n
                ),
                "_n": _choice(rng, ((1, 0.93), (2, 0.04), (4, 0.03)), n),
                "_top_logprobs": _choice(rng, ((0, 0.93), (5, 0.04), (20, 0.03)), n),
                "_stream": rng.random(n) < 0.5,
                "_reasoning": _choice(rng, ((0.0, 0.55), (0.3, 0.25), (0.9, 0.2)), n),
                "_user_agent": [_AGENTS[int(i)] for i in np.minimum(rng.geometric(0.35, n) - 1, len(_AGENTS) - 1)],
                "_tls": stacks,
                "_route": _choice(rng, _ROUTES, n),
                "_keys": _choice(rng, ((1, 0.82), (2, 0.13), (4, 0.05)), n),
                "_conversations": rng.random(n) < 0.6,
                "_users": _choice(rng, ((0, 0.7), (1, 0.15), (12, 0.1), (80, 0.05)), n),
                "_places": _choice(rng, ((1, 0.55), (2, 0.28), (3, 0.1), (4, 0.07)), n),
                "_network": [[f"{240 + a}.{b}.{c}" for a, b, c, _ in row] for row in places.tolist()],
                "_host": [[int(d) for *_, d in row] for row in places.tolist()],
                "_adopts": rng.exponential(2.5, n),  # days after a launch
                "_zone": rng.choice((-8, -5, 0, 1, 3, 5.5, 9), n),  # hours from UTC
            },
            schema_overrides={"_temperature": pl.Float64, "_max_tokens": pl.Int64},
            strict=False,
        ),
        archetype,
        campaign,
    )
