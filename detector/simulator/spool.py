"""Puts exchanges into the order of their time without holding them all: by hours, on disk once there are many."""

import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import polars as pl

from detector.simulator.ahead import ahead

_HELD = 400_000  # rows in memory before they go to disk; as many may be on their way there
_HOUR_S = 3600.0


class Spool:
    """Exchanges in any order in, the same sorted by time out; equal times keep the order in which they came.

    Args:
        folder: for a temporary folder beside the results, removed in the end.
        start: seconds since 1970, of the first hour.

    Attributes:
        rows: taken in.
    """

    def __init__(self, folder: Path, start: float) -> None:
        self._folder, self._start = folder, start
        self.rows = 0
        self._held: list[pl.DataFrame] = []
        self._waiting = 0
        self._writer = ThreadPoolExecutor(1)
        self._writing: Future[None] | None = None
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
        self._writer.shutdown()
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
        self.rows += exchanges.height
        self._waiting += exchanges.height
        if self._waiting > _HELD:
            self._spill()

    def sorted(self) -> Iterator[pl.DataFrame]:
        """All of them by time: one frame, or one for each hour."""
        if self._disk is None:
            yield pl.concat(self._held, how="diagonal").sort("ts", maintain_order=True)
            return
        self._spill()
        self._wait()
        yield from ahead(partial(self._hour, self._hours[hour]) for hour in sorted(self._hours))

    def _hour(self, paths: list[Path]) -> pl.DataFrame:
        return pl.concat([self._aligned(pl.read_ipc(path)) for path in paths]).sort("ts", maintain_order=True)

    def _aligned(self, part: pl.DataFrame) -> pl.DataFrame:
        """All columns that any crowd has, in the order in which they came up."""
        if part.schema == self._schema:
            return part
        return part.select(
            pl.col(name).cast(dtype) if name in part.columns else pl.lit(None, dtype).alias(name)
            for name, dtype in self._schema.items()
        )

    def _spill(self) -> None:
        if not self._held:
            return
        self._wait()
        if self._disk is None:
            self._disk = Path(tempfile.mkdtemp(prefix=".spool-", dir=self._folder))
        # The next crowd is made while this is written.
        self._writing = self._writer.submit(self._write, self._disk, self._held)
        self._held, self._waiting = [], 0

    def _wait(self) -> None:
        if self._writing is not None:
            self._writing.result()
            self._writing = None

    def _write(self, disk: Path, held: list[pl.DataFrame]) -> None:
        hour = ((pl.col("ts") - self._start) // _HOUR_S).cast(pl.Int64).alias("_hour")
        whole = pl.concat(held, how="diagonal").with_columns(hour)
        for (number,), part in whole.partition_by("_hour", as_dict=True, include_key=False).items():
            paths = self._hours.setdefault(int(number), [])
            path = disk / f"{number}-{len(paths)}.arrow"
            part.write_ipc(path)
            paths.append(path)
