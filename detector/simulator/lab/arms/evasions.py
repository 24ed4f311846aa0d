"""Ways to hide, each a change to the exchanges and accounts of a campaign that has been played."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import polars as pl

DAY_S: Final = 86_400.0
JITTER_S: Final = 6 * 3600.0
_HEADERS: Final = ("user_agent", "tls_fingerprint", "temperature", "top_p", "max_tokens", "stream", "route")


@dataclass(frozen=True)
class Scene:
    """A campaign among others.

    Attributes:
        rows: exchanges of its accounts, with `_attack`: whether each is part of the attack.
        accounts: account file's lines of these accounts.
        others: exchanges of innocents, to copy habits from.
        span: first and last moment of the log, epoch seconds.
    """

    rows: pl.DataFrame
    accounts: pl.DataFrame
    others: pl.DataFrame
    span: tuple[float, float]

    def at(self, ts: np.ndarray) -> "Scene":
        """The same exchanges at other times."""
        return replace(self, rows=self.rows.with_columns(ts=pl.Series(np.clip(ts, *self.span)).round(3)))

    def by_account(self, columns: dict[str, pl.Series]) -> "Scene":
        """The same exchanges with columns that hold one value for each account, in the order of `accounts`."""
        table = pl.DataFrame({"account_id": self.accounts["account_id"], **columns})
        kept = self.rows.drop(columns)
        joined = kept.join(table, on="account_id", how="left", maintain_order="left")
        return replace(self, rows=joined.select(self.rows.columns))


Evasion = Callable[[np.random.Generator, Scene], Scene]


def none(_: np.random.Generator, scene: Scene) -> Scene:
    """Nothing."""
    return scene


def jitter(rng: np.random.Generator, scene: Scene) -> Scene:
    """Each request comes up to six hours earlier or later."""
    return scene.at(scene.rows["ts"].to_numpy() + rng.uniform(-JITTER_S, JITTER_S, scene.rows.height))


def hours(rng: np.random.Generator, scene: Scene) -> Scene:
    """Requests keep their day and come at the hours at which innocents ask."""
    day = scene.rows["ts"].to_numpy() // DAY_S
    seen = scene.others["ts"].to_numpy() % DAY_S
    return scene.at(day * DAY_S + rng.choice(seen, scene.rows.height))


def homes(rng: np.random.Generator, scene: Scene) -> Scene:
    """Each account asks from an address of its own, as households do."""
    n = scene.accounts.height
    addresses = [f"198.18.{a}.{b}" for a, b in rng.integers(0, 256, (n, 2))]
    return scene.by_account({"ip": pl.Series(addresses)})


def payments(rng: np.random.Generator, scene: Scene) -> Scene:
    """Each account has an organisation, a card and a mail domain of its own."""
    names = [f"{x:012x}" for x in rng.integers(0, 1 << 48, scene.accounts.height)]
    own = scene.accounts.with_columns(
        org_id=pl.Series([f"org_{x}" for x in names]),
        payment_fingerprint=pl.Series([f"pm_{x}" for x in names]),
        signup_email_domain=pl.Series([f"d_{x}.example" for x in names]),
    )
    return replace(scene.by_account({"org_id": own["org_id"]}), accounts=own)


def headers(rng: np.random.Generator, scene: Scene) -> Scene:
    """Each account takes client, limits and temperature from an innocent request."""
    some = scene.others[rng.integers(0, scene.others.height, scene.accounts.height)]
    return scene.by_account({name: some[name] for name in _HEADERS})


def wording(rng: np.random.Generator, scene: Scene) -> Scene:
    """Each account takes over an innocent's system prompt, and the sentences of each prompt change places."""
    systems = scene.others["system_prompt"][rng.integers(0, scene.others.height, scene.accounts.height)]
    shuffled = [_shuffled(rng, text) for text in scene.rows["prompt"]]
    told = scene.by_account({"system_prompt": systems})
    return replace(told, rows=told.rows.with_columns(prompt=pl.Series(shuffled, dtype=pl.String)))


def _shuffled(rng: np.random.Generator, text: str | None) -> str | None:
    if text is None:
        return None
    parts = text.split(". ")
    return ". ".join(parts[k] for k in rng.permutation(len(parts)))


def decoys(rng: np.random.Generator, scene: Scene) -> Scene:
    """As many requests again that were innocents' own, relayed within minutes of the attack's."""
    n = scene.rows.height
    relayed = scene.others[rng.integers(0, scene.others.height, n)]
    near = scene.rows["ts"].to_numpy() + rng.uniform(-900, 900, n)
    whose = scene.rows.select("account_id", "org_id", "api_key_id")
    copied = relayed.with_columns(whose.get_columns()).with_columns(
        ts=pl.Series(np.clip(near, *scene.span)).round(3),
        request_id=pl.Series([f"req_d{x:016x}" for x in rng.integers(0, 1 << 62, n)]),
        conversation_id=pl.Series([f"conv_d{x:016x}" for x in rng.integers(0, 1 << 62, n)]),
        _attack=pl.lit(value=False),
    )
    return replace(scene, rows=pl.concat([scene.rows, copied.select(scene.rows.columns)]))


def everything(rng: np.random.Generator, scene: Scene) -> Scene:
    """All of these at once."""
    for each in (hours, homes, payments, headers, wording, decoys):
        scene = each(rng, scene)
    return scene


EVASIONS: Final[dict[str, Evasion]] = {
    "none": none,
    "jitter": jitter,
    "hours": hours,
    "homes": homes,
    "payments": payments,
    "headers": headers,
    "wording": wording,
    "decoys": decoys,
    "everything": everything,
}
