"""A digested chunk of a log as it goes from an executor to the driver: identifiers, hashes and counts, no text."""

import io
from collections.abc import Collection
from typing import Final, NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa

from detector.profiles.artefacts import no_artefacts
from detector.profiles.columns import Digest
from detector.profiles.layout import I64, N_CAPABILITIES, U64, Columns
from detector.service.kept import KEPT
from detector.service.skeletons import zero_retention
from streams.exchange import EXCHANGE_SCHEMA

PLACE: Final = ("file", "chunk", "row")  # where an exchange stands in the log, of each u32
SHOWABLE: Final = "showable"  # whether words of it may be shown; what the log says of it may be any text
_PRESENT: Final = "present"
_BITS: Final = {name: 1 << bit for bit, name in enumerate(EXCHANGE_SCHEMA)}
_IDENT: Final = "ident"
_COLUMN: Final = "column "  # before the names of a digest's columns: some are called like those of the log
_RAGGED: Final = {
    "shingles": "shingle_offsets",
    "lexical": "lexical_offsets",
    "issued": "issued_offsets",
    "presented": "presented_offsets",
}
_LEFT_OUT: Final = {"slot", "ts", "capability", *_RAGGED.values()}


class Unpacked(NamedTuple):
    """Exchanges that were digested elsewhere.

    Attributes:
        frame: `KEPT`, `PLACE` and `SHOWABLE`.
        digested: of the same exchanges.
        fields: of the log, those with at least one value.
    """

    frame: pl.DataFrame
    digested: Digest
    fields: Collection[str]


def pack(frame: pl.DataFrame, digested: Digest) -> bytes:
    """What is kept of exchanges, as Arrow IPC.

    Args:
        frame: in the canonical schema, sorted by `ts`.
        digested: of the same frame.
    """
    columns = digested.columns._asdict()
    filled = [pl.col(name).is_not_null().cast(pl.UInt64) * bit for name, bit in _BITS.items()]
    made = [pl.Series(_IDENT, digested.ident), pl.Series(_COLUMN + "capability", columns["capability"])]
    made += [
        _ragged(name, column, columns[_RAGGED[name]], frame.height)
        if name in _RAGGED
        else pl.Series(_COLUMN + name, column)
        for name, column in columns.items()
        if name not in _LEFT_OUT
    ]
    out = io.BytesIO()
    kept = (*KEPT, (~zero_retention()).alias(SHOWABLE))
    packed = frame.select(*kept, pl.sum_horizontal(filled).alias(_PRESENT)).with_columns(made)
    # The newer layout of strings is written with all bytes that the chunk was decoded from, prompts among them.
    packed.write_ipc(out, compression="lz4", compat_level=pl.CompatLevel.oldest())
    return out.getvalue()


def _ragged(name: str, values: np.ndarray[tuple[int], np.dtype[np.generic]], offsets: I64, rows: int) -> pl.Series:
    if offsets.size == 0:  # none in all of the batch
        offsets = np.zeros(rows + 1, np.int64)
    return pl.Series(_COLUMN + name, pl.from_arrow(pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(values))))


def opened(packed: bytes, file: int, chunk: int) -> pl.DataFrame:
    """The frame of a packed chunk, which can be cut, filtered and put together with others.

    Args:
        packed: of `pack`.
        file: number of its file.
        chunk: its number in the file.
    """
    frame = pl.read_ipc(io.BytesIO(packed))
    place = (file, chunk, pl.int_range(pl.len()))
    return frame.with_columns(
        (part if isinstance(part, pl.Expr) else pl.lit(part)).cast(pl.UInt32).alias(name)
        for name, part in zip(PLACE, place, strict=True)
    )


def unpack(frame: pl.DataFrame) -> Unpacked:
    """Exchanges and their digests, apart.

    Args:
        frame: of chunks that were `opened`, in whatever order and selection.
    """
    frame = frame.rechunk()
    n = frame.height
    columns = {
        # Writable, or the kernels would be compiled a second time for what is not.
        name: frame[_COLUMN + name].to_numpy(writable=True)
        for name in Columns._fields
        if name not in _LEFT_OUT and name not in _RAGGED
    }
    for name, offsets in _RAGGED.items():
        column = frame[_COLUMN + name]
        columns[name] = column.explode(empty_as_null=False).to_numpy(writable=True)
        columns[offsets] = np.concatenate([[0], np.cumsum(column.list.len().to_numpy())]).astype(np.int64)
    for name in ("issued", "presented"):
        if columns[name].size == 0:  # as `digest` has them
            columns[f"{name}_offsets"] = no_artefacts().offsets
    columns["slot"] = np.empty(0, np.int32)
    columns["ts"] = frame["ts"].to_physical().to_numpy(writable=True)
    columns["capability"] = frame[_COLUMN + "capability"].to_numpy(writable=True).reshape(n, N_CAPABILITIES)
    present = int(np.bitwise_or.reduce(frame[_PRESENT].to_numpy(), initial=np.uint64(0)))
    ident: U64 = frame[_IDENT].to_numpy(writable=True)
    return Unpacked(
        frame.select(*KEPT, *PLACE, SHOWABLE),
        Digest(ident, Columns(**columns)),
        [name for name, bit in _BITS.items() if present & bit],
    )
