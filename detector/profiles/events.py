"""Launches and bans: told by the events file, or inferred from the log where there is none."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import polars as pl

from detector.profiles.columns import model_bin
from detector.profiles.layout import DAY_US, I64

LAUNCH_US = 3 * DAY_US  # a model is new for three days
_SUSTAINED = 10  # accounts that must use a model before its first sight counts as a launch
_SETTLED_US = DAY_US  # models seen on the first day of a log were there before
_BAN_RUN = 3  # refusals within five minutes that mean a ban
_RUN_US = 300_000_000
_DENIED = (401, 403)


class Launch(NamedTuple):
    """A launch: when the model was first seen, and since when that is known; µs."""

    first: int
    known: int
    bin: int


@dataclass
class EventTracker:
    """Knows what had happened by any moment, and nothing later.

    Attributes:
        told: canonical event frame, or None: then launches and bans are inferred, and marked so.
        enforced: when suspensions were applied that people told us of, µs.
    """

    told: pl.DataFrame | None = None
    enforced: tuple[int, ...] = ()
    _first: dict[str, int] = field(default_factory=dict)
    _users: dict[str, set[str]] = field(default_factory=dict)
    _launches: dict[str, Launch] = field(default_factory=dict)
    _bans: list[int] = field(default_factory=list)
    _runs: dict[tuple[str, int], int] = field(default_factory=dict)
    _start: int = 0

    def __post_init__(self) -> None:
        """Read what was told into plain arrays once: a tick asks for it thousands of times."""
        if self.told is None:
            return
        launches = self.told.filter((pl.col("kind") == "model_launch") & pl.col("model").is_not_null())
        micros = launches["ts"].dt.epoch("us").to_list()
        bins = model_bin(launches["model"]).tolist()
        self._launches = {f"{i}": Launch(ts, ts, b) for i, (ts, b) in enumerate(zip(micros, bins, strict=True))}
        self._bans = self.told.filter(pl.col("kind") == "ban")["ts"].dt.epoch("us").sort().to_list()

    @property
    def inferred(self) -> bool:
        """Whether launches and bans are read off the log."""
        return self.told is None

    def observe(self, frame: pl.DataFrame) -> None:
        """Take in a batch in time order, where nothing was told; what it shows is known from the record that shows it."""
        if frame.height == 0 or self.told is not None:
            return
        self._start = self._start or int(frame["ts"].dt.epoch("us")[0])
        self._observe_models(frame)
        self._observe_refusals(frame.select("account_id", "ts", "status").filter(pl.col("status").is_in(_DENIED)))

    def _observe_models(self, frame: pl.DataFrame) -> None:
        sights = frame.group_by("model").agg(pl.col("ts").min().dt.epoch("us"))
        for name, ts in sights.iter_rows():  # over models, a handful
            self._first.setdefault(name, ts)
            if name in self._launches or self._first[name] - self._start < _SETTLED_US:
                continue
            users = self._users.setdefault(name, set())
            new = frame.filter(pl.col("model") == name).group_by("account_id").agg(pl.col("ts").min().dt.epoch("us"))
            for account, when in new.sort("ts", "account_id").iter_rows():
                users.add(account)
                if len(users) >= _SUSTAINED:
                    self._launches[name] = Launch(self._first[name], when, int(model_bin(pl.Series([name]))[0]))
                    break

    def _observe_refusals(self, denied: pl.DataFrame) -> None:
        for account, when in denied.select("account_id", pl.col("ts").dt.epoch("us")).iter_rows():  # refusals are rare
            run = account, when // _RUN_US
            self._runs[run] = self._runs.get(run, 0) + 1
            if self._runs[run] == _BAN_RUN:
                self._bans.append(when)
        if denied.height:
            latest = int(denied["ts"].dt.epoch("us").max()) // _RUN_US  # type: ignore[arg-type]  # not empty
            self._runs = {run: n for run, n in self._runs.items() if run[1] >= latest - 2}

    def launched(self, now: int) -> tuple[int, ...]:
        """Bins of the models launched within three days before `now` (µs)."""
        return tuple(
            sorted({x.bin for x in self._launches.values() if now - LAUNCH_US < x.first <= now and x.known <= now})
        )

    def bans(self, now: int) -> I64:
        """Event times of bans up to `now`, sorted, µs."""
        at = np.array([*self._bans, *self.enforced], np.int64)
        return np.sort(at[at <= now])
