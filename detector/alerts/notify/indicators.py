"""Indicators of alerts for other providers: keyed hashes, so that only those who share the key can match them.

Hashed are the masked skeletons that many unrelated accounts share and, for a provider's own systems, account ids.
"""

import csv
import hashlib
from collections.abc import Iterable, Iterator
from typing import IO, Final

import msgspec

from detector.alerts.model import Alert

FIELDS: Final = (
    "indicator",
    "kind",
    "alert_id",
    "severity",
    "first_seen",
    "last_seen",
    "reason_codes",
    "techniques",
)
SHORTEST_KEY: Final = 16  # bytes: a short one could be guessed from a known skeleton
# A spreadsheet reads a cell that begins with one of these as a formula.
_FORMULA: Final = frozenset("=+-@\t\r\n|%＝＋－＠")


def keyed_hash(key: bytes, kind: str, text: str) -> str:
    """Hash of an indicator; the same only for the same key, kind and text.

    Raises:
        ValueError: the key is shorter than 16 or longer than 64 bytes.
    """
    if len(key) < SHORTEST_KEY:
        raise ValueError(f"the key of shared indicators needs at least {SHORTEST_KEY} bytes")
    return hashlib.blake2b(f"{kind}\x00{text}".encode(), digest_size=16, key=key).hexdigest()


def indicators(alerts: Iterable[Alert], key: bytes, *, accounts: bool = False) -> Iterator[dict[str, str]]:
    """Rows of `FIELDS`.

    Args:
        alerts: to share.
        key: shared with those who may match.
        accounts: whether to give the core members' account ids too, hashed.
    """
    for alert in alerts:
        found = {(str(s["kind"]), str(s["text"])) for s in alert.evidence.get("skeletons", ())}
        if accounts:
            found |= {("account", m.account_id) for m in alert.members if m.role == "core"}
        hashed = sorted((kind, keyed_hash(key, kind, text)) for kind, text in found)
        for kind, indicator in hashed:
            yield {
                "indicator": indicator,
                "kind": kind,
                "alert_id": alert.id,
                "severity": alert.severity,
                "first_seen": alert.first_seen,
                "last_seen": alert.last_seen,
                "reason_codes": " ".join(r.code for r in alert.reasons),
                "techniques": " ".join(alert.techniques),
            }


def write_ndjson(rows: Iterable[dict[str, str]], file: IO[bytes]) -> None:
    """Write rows as NDJSON."""
    for row in rows:
        file.write(msgspec.json.encode(row) + b"\n")


def write_csv(rows: Iterable[dict[str, str]], file: IO[str]) -> None:
    """Write rows as CSV (RFC 4180) with a header, no cell of which a spreadsheet takes for a formula.

    Args:
        rows: of `FIELDS`.
        file: opened with `newline=""`.
    """
    out = csv.DictWriter(file, FIELDS)
    out.writeheader()
    for row in rows:
        out.writerow({name: plain(value) for name, value in row.items()})


def plain(cell: str) -> str:
    """A cell as text: one that begins like a formula gets an apostrophe before it."""
    return f"'{cell}" if cell[:1] in _FORMULA else cell
