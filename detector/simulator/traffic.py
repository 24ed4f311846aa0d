"""From arrivals, texts and habits to exchanges of the contract."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from detector.simulator.accounts import ADDRESSES, DAY_S, Crowd
from detector.simulator.arrivals import Arrivals
from detector.simulator.artefacts import references
from detector.simulator.texts.compose import Rng
from detector.simulator.texts.wrapper import Wrapper

I64 = npt.NDArray[np.int64]
_FAILURES = ((200, 0.984), (429, 0.005), (500, 0.006), (529, 0.005))
_BYTES_A_TOKEN = 4.0


@dataclass(frozen=True)
class Setting:
    """What a world gives to every crowd.

    Attributes:
        start: seconds since 1970.
        days: length.
        model, embedding: names in use at the beginning.
        launches: (day, name) of new models.
        bans: days on which campaigns may lose a pool.
        others: (name, share of accounts that use it) of further models that were there from the beginning.
        artefacts: whether the log names the reasoning artefacts that answers issue and requests present.
    """

    start: float
    days: float
    model: str
    embedding: str
    launches: tuple[tuple[float, str], ...] = ()
    bans: tuple[float, ...] = ()
    others: tuple[tuple[str, float], ...] = ()
    artefacts: bool = False


@dataclass
class Traffic:
    """What a crowd does.

    Attributes:
        crowd: who.
        arrivals: when.
        prompt: texts, one a request.
        system: system prompts, or None.
        input_tokens, output_tokens: lengths; from the texts where None.
        attack: which requests are an attack's own; all or none by default.
        columns: further columns of the contract, by request.
        adopts: days after a launch at which each request's account moves to the new model; the account's habit where None.
        relayed: which requests are customers' that an attacker passes on; none where None.
        wrapper: what stands around a campaign's items, for evasions that word it anew.
    """

    crowd: Crowd
    arrivals: Arrivals
    prompt: pl.Series
    system: pl.Series | None = None
    input_tokens: I64 | None = None
    output_tokens: I64 | None = None
    attack: npt.NDArray[np.bool_] | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)
    embeddings: bool = False
    adopts: npt.NDArray[np.float64] | None = None
    relayed: npt.NDArray[np.bool_] | None = None
    wrapper: Wrapper | None = None


def reply_tokens(rng: Rng, n: int, median: float, spread: float = 0.7) -> I64:
    """Lognormal lengths."""
    return np.maximum(rng.lognormal(np.log(median), spread, n), 1).astype(np.int64)


def on_offer(setting: Setting) -> tuple[list[str], npt.NDArray[np.float64]]:
    """Names of the models, and since when each is there, in order."""
    always = [setting.model, *(name for name, _ in setting.others)]
    names = [*always, *(name for _, name in setting.launches)]
    since = [setting.start] * len(always) + [setting.start + day * DAY_S for day, _ in setting.launches]
    return names, np.array(since)


def models(rng: Rng, t: Traffic, setting: Setting) -> pl.Series:
    """The model of each request: the world's, or the one launched last once the account has moved to it."""
    n = t.arrivals.ts.size
    if t.embeddings:
        return pl.Series([setting.embedding]).new_from_index(0, n)
    names, chosen = [setting.model], np.zeros(n, np.int64)
    habit = t.crowd.frame["_adopts"].to_numpy()[t.arrivals.account] if t.adopts is None else t.adopts
    for day, name in setting.launches:
        names.append(name)
        since = (t.arrivals.ts - setting.start) / DAY_S - day
        moved = (since > habit) & (rng.random(n) < 0.92)
        chosen[moved] = len(names) - 1
    for name, share in setting.others:
        names.append(name)
        # Most who use it use nothing else; some choose by the task.
        part = np.where(rng.random(t.crowd.size) < share, rng.beta(0.6, 0.3, t.crowd.size), 0.0)
        chosen[(rng.random(n) < part[t.arrivals.account]) & (chosen == 0)] = len(names) - 1
    return pl.Series(names).gather(chosen)


def _addresses(rng: Rng, crowd: Crowd, account: I64) -> pl.Series:
    used = crowd.frame["_places"].to_numpy()[account]
    which = np.minimum((rng.random(account.size) ** 2 * used).astype(int), used - 1)
    place = account * ADDRESSES + which
    nets, hosts = (crowd.frame[name].explode().gather(place) for name in ("_network", "_host"))
    return pl.DataFrame({"net": nets, "host": hosts + 1}).select(
        pl.concat_str("net", pl.lit("."), pl.col("host").cast(pl.String)).alias("ip")
    )["ip"]


def _suffixed(rng: Rng, base: pl.Series, prefix: str, most: I64) -> pl.Series:
    number = (rng.random(most.size) * most).astype(np.int64)
    return pl.DataFrame({"b": base, "k": number}).select(
        pl.when(pl.Series(most > 0))
        .then(pl.concat_str(pl.lit(prefix), pl.col("b").str.slice(5), pl.lit("_"), "k"))
        .alias("x")
    )["x"]


def _references(who: pl.DataFrame, ts: npt.NDArray[np.float64]) -> pl.Series:
    """Pointers into the provider's own store, for those accounts whose gateway keeps them."""
    stamp = pl.Series("ts", np.round(ts * 1000.0).astype(np.int64)).cast(pl.String)
    return pl.DataFrame({"a": who["account_id"], "r": who["_referred"], "ts": stamp}).select(
        pl.when("r").then(pl.concat_str(pl.lit("store/"), pl.col("a").str.slice(5), pl.lit("/"), "ts")).alias("x")
    )["x"]


def render(rng: Rng, t: Traffic, setting: Setting) -> pl.DataFrame:
    """Exchanges of a crowd, unsorted, with `_attack`."""
    account, n = t.arrivals.account, t.arrivals.ts.size
    who = t.crowd.frame[account]
    prompt_tokens = (t.prompt.str.len_bytes().fill_null(0).to_numpy() / _BYTES_A_TOKEN).astype(np.int64) + 4
    if t.system is not None:
        prompt_tokens = prompt_tokens + (t.system.str.len_bytes().fill_null(0).to_numpy() / _BYTES_A_TOKEN).astype(
            np.int64
        )
    sent = prompt_tokens if t.input_tokens is None else np.maximum(t.input_tokens, prompt_tokens)
    status = rng.choice([s for s, _ in _FAILURES], n, p=[p for _, p in _FAILURES])
    received = (
        np.zeros(n, np.int64)
        if t.embeddings
        else (t.output_tokens if t.output_tokens is not None else reply_tokens(rng, n, 220))
    )
    received = np.where(status == 200, received, 0)
    limit = who["_max_tokens"].fill_null(1 << 20).to_numpy()
    cut = received >= limit
    received = np.minimum(received, limit)
    reasoning = np.where(rng.random(n) < who["_reasoning"].to_numpy(), rng.lognormal(5.6, 0.8, n), 0).astype(np.int64)
    turns = 1 + 2 * t.arrivals.turn
    conversation = pl.DataFrame({"a": who["account_id"], "s": t.arrivals.session, "c": who["_conversations"]}).select(
        pl.when(pl.col("c")).then(pl.concat_str(pl.lit("conv_"), pl.col("a").str.slice(5), pl.lit("_"), "s")).alias("x")
    )["x"]
    columns: dict[str, Any] = {
        "ts": np.round(t.arrivals.ts, 3),
        "account_id": who["account_id"],
        "org_id": who["org_id"],
        "api_key_id": _suffixed(rng, who["account_id"], "key_", who["_keys"].to_numpy()),
        "end_user_id": _suffixed(rng, who["account_id"], "user_", who["_users"].to_numpy()),
        "model": models(rng, t, setting),
        "operation": pl.Series(["embeddings" if t.embeddings else "chat"]).new_from_index(0, n),
        "route": who["_route"],
        "status": status,
        "system_prompt": t.system if t.system is not None else pl.Series([None], dtype=pl.String).new_from_index(0, n),
        "prompt": t.prompt,
        "n_messages": turns,
        "conversation_id": conversation,
        "input_tokens": sent,
        "output_tokens": received,
        "cached_tokens": (sent * who["_cached"].to_numpy()).astype(np.int64),
        "reasoning_tokens": reasoning if not t.embeddings else np.zeros(n, np.int64),
        "tool_calls": np.zeros(n, np.int64),
        "temperature": who["_temperature"],
        "top_p": who["_top_p"],
        "n": who["_n"],
        "max_tokens": who["_max_tokens"],
        "logprobs": who["_top_logprobs"] > 0,
        "top_logprobs": who["_top_logprobs"],
        "stream": who["_stream"],
        "response_format": who["_format"],
        "stop_reason": pl.Series(["end_turn", "max_tokens"]).gather(cut.astype(np.int64)),
        "latency_ms": np.round(180.0 + (received + 1) * who["_speed"].to_numpy() * rng.lognormal(0.0, 0.2, n), 1),
        "log_ref": _references(who, t.arrivals.ts),
        "retention": who["_retention"],
        "ip": _addresses(rng, t.crowd, account),
        "user_agent": who["_user_agent"],
        "tls_fingerprint": who["_tls"],
        **(references(t.arrivals, who, reasoning) if setting.artefacts else {}),
        **t.columns,
    }
    attack = t.attack if t.attack is not None else np.full(n, t.crowd.campaign is not None)
    return pl.DataFrame({**columns, "_attack": attack}, strict=False)
