"""Launches and bans: told by the events file, or inferred from the log where there is none."""

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from detector.profiles.columns import model_bin
from detector.profiles.layout import DAY_US, I64

LAUNCH_US = 3 * DAY_US  # a model is new for three days
_SUSTAINED = 10  # accounts that must use a model before its first sight counts as a launch
_SETTLED_US = DAY_US  # models seen on the first day of a log were there before
_BAN_RUN = 3  # refusals in one batch that mean a ban
_DENIED = (401, 403)


@dataclass
class EventTracker:
    """Knows what had happened by any moment, and nothing later.

    Attributes:
        told: canonical event frame, or None: then launches and bans are inferred, and marked so.
    """

    told: pl.DataFrame | None = None
    _first: dict[str, int] = field(default_factory=dict)
    _users: dict[str, set[str]] = field(default_factory=dict)
    _launches: dict[str, int] = field(default_factory=dict)
    _bans: list[int] = field(default_factory=list)
    _start: int = 0

    @property
    def inferred(self) -> bool:
        """Whether launches and bans are read off the log."""
        return self.told is None

    def observe(self, frame: pl.DataFrame) -> None:
        """Take in the exchanges of a tick, in time order, where nothing was told."""
        if frame.height == 0:
            return
        if not self._start:
            self._start = int(frame["ts"].to_physical()[0])
        if self.told is not None:
            return
        self._observe_models(frame)
        denied = frame.filter(pl.col("status").is_in(_DENIED))
        if denied.height >= _BAN_RUN:
            runs = denied.group_by("account_id").agg(pl.len(), pl.col("ts").min())
            starts = runs.filter(pl.col("len") >= _BAN_RUN)["ts"].to_physical()
            self._bans.extend(starts.to_list())

    def _observe_models(self, frame: pl.DataFrame) -> None:
        sights = frame.group_by("model").agg(pl.col("ts").min(), pl.col("account_id").unique())
        for name, ts, accounts in sights.iter_rows():  # over models, a handful
            if name in self._launches:
                continue
            micros = int(ts.timestamp() * 1e6)
            self._first.setdefault(name, micros)
            if self._first[name] - self._start < _SETTLED_US:
                continue
            users = self._users.setdefault(name, set())
            users.update(accounts[:_SUSTAINED])
            if len(users) >= _SUSTAINED:
                self._launches[name] = self._first[name]

    def launched(self, now: int) -> tuple[int, ...]:
        """Bins of the models launched within three days before `now` (µs)."""
        if self.told is not None:
            at = pl.col("ts").cast(pl.Int64)
            new = self.told.filter((pl.col("kind") == "model_launch") & (at <= now) & (at > now - LAUNCH_US))
            names = new["model"].drop_nulls().to_list()
        else:
            names = [name for name, ts in self._launches.items() if now - LAUNCH_US < ts <= now]
        if not names:
            return ()
        return tuple(sorted({int(b) for b in model_bin(pl.Series(names))}))

    def bans(self, now: int) -> I64:
        """Event times of bans up to `now`, sorted, µs."""
        if self.told is not None:
            at = self.told.filter(pl.col("kind") == "ban")["ts"].cast(pl.Int64).to_numpy()
        else:
            at = np.array(self._bans, np.int64)
        return np.sort(at[at <= now]).astype(np.int64)
