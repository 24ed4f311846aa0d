"""What a gateway that does as it is told would have let through."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from detector.evaluation.inputs import Truth
from detector.simulator.lab.attacks import marked
from detector.simulator.lab.orders import Limit, Order, Spells, bound

Mode = Literal["shadow", "throttle", "degrade", "suspend"]
MODES: Final[tuple[Mode, ...]] = ("shadow", "throttle", "degrade", "suspend")
REFUSING: Final[tuple[Mode, ...]] = ("shadow", "throttle", "suspend")  # modes in which an answer is whole or none
Bools = NDArray[np.bool_]
_COLUMNS: Final = {
    "ts": pl.Float64,
    "account_id": pl.String,
    "output_tokens": pl.Int64,
    "operation": pl.String,
    "status": pl.Int64,
}


@dataclass(frozen=True)
class Log:
    """Exchanges in the order of time.

    Attributes:
        ts: epoch seconds.
        account: of each exchange.
        output_tokens: answered.
        hostile: whether it was an attack.
        text: whether it was answered with text: errors and embeddings show a student no reasoning.
        campaign: of the account; empty where it has none.
    """

    ts: NDArray[np.float64]
    account: NDArray[np.object_]
    output_tokens: NDArray[np.int64]
    hostile: Bools
    text: Bools
    campaign: NDArray[np.object_]

    def harvested(self) -> NDArray[np.int64]:
        """Attack exchanges that bring a student something."""
        return np.flatnonzero(self.hostile & self.text)

    def benign(self) -> Bools:
        """Exchanges of accounts that are in no campaign."""
        return self.campaign == ""


def read_log(requests: Path, truth: Truth) -> Log:
    """A request log with what is known of it.

    Raises:
        OSError: it cannot be read.
    """
    frame = pl.read_ndjson(requests, schema=_COLUMNS, ignore_errors=True)
    frame = frame.sort("ts", maintain_order=True).with_columns(
        pl.col("output_tokens").fill_null(0),
        text=(pl.col("operation").fill_null("chat") != "embeddings") & (pl.col("status").fill_null(200) < 400),
    )
    frame = marked(frame, truth.attack_times)
    owner = {account: name for name, accounts in truth.campaigns.items() for account in accounts}
    account = frame["account_id"].to_numpy().astype(object)
    return Log(
        frame["ts"].to_numpy(),
        account,
        frame["output_tokens"].to_numpy(),
        frame["_attack"].to_numpy(),
        frame["text"].to_numpy(),
        np.array([owner.get(a, "") for a in account], object),
    )


def passed(log: Log, orders: list[Order], mode: Mode) -> Bools:
    """Which exchanges a gateway lets through.

    Args:
        log: what was asked.
        orders: what the gateway was told, and when.
        mode: `shadow` and `degrade` refuse nothing. `throttle` leaves the accounts that a recommendation binds its quota, shared
            where they are many, while it binds them. `suspend` refuses all that they ask meanwhile, whatever action the
            recommendation is of.
    """
    if mode in {"shadow", "degrade"}:
        return np.ones(len(log.ts), np.bool_)
    if mode == "suspend":
        return ~_bound(log, bound(orders))
    through = np.ones(len(log.ts), np.bool_)
    for order in orders:
        through &= _within_quota(log, order)
    return through


def in_full(log: Log, orders: list[Order], mode: Mode) -> Bools:
    """Which exchanges a gateway answers with all that was asked for.

    Args:
        log: what was asked.
        orders: what the gateway was told, and when.
        mode: `degrade` leaves reasoning and log-probabilities out of the answers to accounts that a recommendation
            binds, while it binds them, whatever the recommendation would withhold. In the other modes an answer is given
            in full or not at all.
    """
    return ~_bound(log, bound(orders)) if mode == "degrade" else passed(log, orders, mode)


def _bound(log: Log, spells: Spells) -> Bools:
    out = np.zeros(len(log.ts), np.bool_)
    for row, account in enumerate(log.account):
        if account in spells:
            out[row] = any(begin <= log.ts[row] < end for begin, end in spells[account])
    return out


def _within_quota(log: Log, order: Order) -> Bools:
    through = np.ones(len(log.ts), np.bool_)
    used: dict[tuple[Limit, int], float] = {}
    for row in np.flatnonzero(_bound(log, order.spells())):
        amounts = {"requests": 1.0, "output_tokens": float(log.output_tokens[row])}
        # A window begins at a multiple of its length, as in the gateways that count in fixed windows.
        kept = [
            ((limit, int(log.ts[row] // limit.window_s)), limit.quota, amounts[limit.unit])
            for limit in order.holding(log.ts[row]).limits
            if limit.unit in amounts
        ]
        # The size of an answer is not known before: what counts is whether anything is left.
        if all(used.get(window, 0.0) < quota for window, quota, _ in kept):
            for window, _, amount in kept:
                used[window] = used.get(window, 0.0) + amount
        else:
            through[row] = False
    return through


def refused_share(log: Log, through: Bools, archetype: Mapping[str, str]) -> dict[str, dict[str, float]]:
    """Requests of accounts in no campaign that are refused, or answered in part, by kind of innocent.

    Args:
        log: what was asked.
        through: what was not refused, or what was answered in full.
        archetype: kind of each innocent.

    Returns:
        For each kind: `requests`, `refused`, and their `share`.
    """
    frame = pl.DataFrame(
        {
            "kind": [archetype.get(a, "unknown") for a in log.account[log.benign()]],
            "refused": ~through[log.benign()],
        },
        schema={"kind": pl.String, "refused": pl.Boolean},
    )
    table = frame.group_by("kind").agg(pl.len().alias("requests"), pl.col("refused").sum()).sort("kind")
    return {
        r["kind"]: {"requests": r["requests"], "refused": r["refused"], "share": r["refused"] / r["requests"]}
        for r in table.iter_rows(named=True)
    }


def spread(questions: int, exchanges: int) -> NDArray[np.int64]:
    """The exchange that each of a number of questions travels in, evenly over all exchanges in their order."""
    return ((np.arange(questions) + 0.5) * exchanges / max(questions, 1)).astype(np.int64)
