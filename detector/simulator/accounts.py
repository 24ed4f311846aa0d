"""Accounts and their habits: innocents and attackers draw both from the same distributions, an account at a time."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from detector.simulator.habits import choose, draw_habits
from detector.simulator.texts.compose import Rng

DAY_S = 86_400.0
ADDRESSES = 4  # at most, an account
_TIERS = (("free", 0.62), ("build", 0.25), ("scale", 0.13))
_COUNTRIES = ("US", "IN", "DE", "BR", "JP", "FR", "GB", "KE", "PL", "MX", "ID", "CA", "NG", "ES", "VN")
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
        new: list[pl.Series | pl.Expr] = []
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


def identifiers(rng: Rng, prefix: str, n: int) -> pl.Series:
    """Opaque identifiers, of one shape for everybody."""
    high, low = rng.integers(0, 1 << 32, n), rng.integers(0, 1 << 16, n)
    # Sixteen digits a number, of which the first four are zeros.
    digits = ((high << 16) | low).astype(">u8").tobytes().hex()
    return pl.Series([f"{prefix}_{digits[i + 4 : i + 16]}" for i in range(0, 16 * n, 16)], dtype=pl.String)


def networks(rng: Rng, n: int) -> list[str]:
    """/24 prefixes, without the last part, of the block that nobody uses (240.0.0.0/4)."""
    return [f"{240 + a}.{b}.{c}" for a, b, c in rng.integers(0, (15, 256, 256), (n, 3)).tolist()]


def _prefixes(places: npt.NDArray[np.int64]) -> pl.Series:
    parts = [pl.Series(places[:, :, k].ravel() + (240 if k == 0 else 0)).cast(pl.String) for k in range(3)]
    flat = pl.select(pl.concat_str(*parts, separator=".").alias("p"))["p"]
    return flat.reshape((places.shape[0], ADDRESSES)).cast(pl.List(pl.String))


def draw_accounts(rng: Rng, n: int, start: float, archetype: str, campaign: str | None = None) -> Crowd:
    """N unrelated accounts with their habits.

    Args:
        rng: source of chance.
        n: accounts.
        start: beginning of the world, seconds since 1970; accounts are older.
        archetype: kind of innocent, or `attack`.
        campaign: name of the campaign.
    """
    age = np.minimum(rng.exponential(220.0, n) + 0.5, 1400.0) * DAY_S
    own = identifiers(rng, "d", n)
    public = rng.random(n) < 0.72
    mail = [
        _PUBLIC_MAIL[int(i)] if p else f"{d}.example"
        for p, i, d in zip(public, np.minimum(rng.geometric(0.5, n) - 1, len(_PUBLIC_MAIL) - 1), own, strict=True)
    ]
    places = rng.integers(0, (15, 256, 256, 254), (n, ADDRESSES, 4))
    record = pl.DataFrame(
        {
            "account_id": identifiers(rng, "acct", n),
            "org_id": identifiers(rng, "org", n),
            "created_at": np.round(start - age, 3),
            "tier": choose(rng, _TIERS, n),
            "payment_fingerprint": identifiers(rng, "pm", n),
            "signup_email_domain": mail,
            "country": [_COUNTRIES[int(i)] for i in np.minimum(rng.geometric(0.22, n) - 1, len(_COUNTRIES) - 1)],
            "_network": _prefixes(places),
            "_host": pl.Series(places[:, :, 3]).cast(pl.List(pl.Int64)),
        }
    )
    return Crowd(pl.concat([record, draw_habits(rng, n)], how="horizontal"), archetype, campaign)
