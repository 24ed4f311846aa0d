"""Puts exchanges into the order of their time without holding them all: by hours, on disk once there are many."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import polars as pl

_HELD = 400_000  # rows in memory before they go to disk
_HOUR_S = 3600.0


class Spool:
    """Exchanges in any order in, the same sorted by time out; equal times keep the order in which they came.

    Args:
        folder: for a temporary folder beside the results, removed in the end.
        start: seconds since 1970, of the first hour.
    """

    def __init__(self, folder: Path, start: float) -> None:
        self._folder, self._start = folder, start
        self._held: list[pl.DataFrame] = []
        self._rows = 0
        self._schema: dict[str, pl.DataType] = {}
        self._hours: dict[int, list[Path]] = {}
        self._disk: Path | None = None

    def __enter__(self) -> Self:
        """Nothing to open yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove what is on disk."""
        if self._disk is not None:
            shutil.rmtree(self._disk)

    def add(self, exchanges: pl.DataFrame) -> None:
        """Take in exchanges of one crowd."""
        if exchanges.height == 0:
            return
        for name, dtype in exchanges.schema.items():
            if self._schema.get(name, pl.Null()) == pl.Null():
                self._schema[name] = dtype
        self._held.append(exchanges)
        self._rows += exchanges.height
        if self._rows > _HELD:
            self._spill()

    def sorted(self) -> Iterator[pl.DataFrame]:
        """All of them by time: one frame, or one for each hour."""
        if self._disk is None:
            yield pl.concat(self._held, how="diagonal").sort("ts", maintain_order=True)
            return
        self._spill()
        for hour in sorted(self._hours):
            parts = [self._aligned(pl.read_ipc(path)) for path in self._hours[hour]]
            yield pl.concat(parts).sort("ts", maintain_order=True)

    def _aligned(self, part: pl.DataFrame) -> pl.DataFrame:
        """All columns that any crowd has, in the order in which they came up."""
        return part.select(
            pl.col(name).cast(dtype) if name in part.columns else pl.lit(None, dtype).alias(name)
            for name, dtype in self._schema.items()
        )

    def _spill(self) -> None:
        if not self._held:
            return
        if self._disk is None:
            self._disk = Path(tempfile.mkdtemp(prefix=".spool-", dir=self._folder))
        hour = ((pl.col("ts") - self._start) // _HOUR_S).cast(pl.Int64).alias("_hour")
        whole = pl.concat(self._held, how="diagonal").with_columns(hour)
        for (number,), part in whole.partition_by("_hour", as_dict=True, include_key=False).items():
            paths = self._hours.setdefault(int(number), [])
            path = self._disk / f"{number}-{len(paths)}.arrow"
            part.write_ipc(path)
            paths.append(path)
        self._held, self._rows = [], 0
