"""What the account file says of each slot, as of event time."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from detector.profiles.hashing import hash_ipv4_24, hash_strings, short
from detector.profiles.layout import DAY_US, F64, I32, I64, U32, U64

UNKNOWN_TIER: Final = "unknown"  # of an account whose tier the account file does not say
_BURST_DAYS = 7  # sign-ups at one mail domain within a week share a key


class Facts(NamedTuple):
    """One row a slot; hashes are keyed, 0 where unknown.

    Attributes:
        created: µs since the epoch, NaN where unknown.
        payment, organisation: payment token; organisation by the account file, else by the log.
        mail, signup: mail domain with the week of sign-up, sign-up /24.
        tier: row in `AccountBook.tiers`, −1 where unknown.
        row: row of the account file that holds, −1 where none does.
    """

    created: F64
    payment: U32
    organisation: U32
    mail: U32
    signup: U32
    tier: I32
    row: I32


class AccountBook:
    """The account file, sorted for as-of look-ups: a replay must not see later facts.

    Args:
        frame: canonical account frame, possibly several versions an account; None where there is no file.
        key: secret of the identity hashes.
    """

    def __init__(self, frame: pl.DataFrame | None, key: int) -> None:
        self.frame = (
            frame.with_columns(pl.col("updated_at").dt.epoch("us").fill_null(0).alias("_from"))
            if frame is not None
            else None
        )
        self.tiers: list[str] = []
        self._key = key
        if self.frame is None or self.frame.height == 0:
            self._ident: U64 = np.zeros(0, np.uint64)
            self._accounts = 0
            return
        f = self.frame
        ident = hash_strings(f["account_id"], key)
        order = np.lexsort((f["_from"].to_numpy(), ident))
        self.frame = f = f[order]
        self._ident = ident[order]
        versions = np.unique(self._ident, return_counts=True)[1]
        self._accounts, self._most_versions = versions.size, int(versions.max())
        self._from: I64 = f["_from"].to_numpy()
        tiers = f["tier"].fill_null(UNKNOWN_TIER)
        self.tiers = sorted(tiers.unique().to_list())
        created = f["created_at"].dt.epoch("us").cast(pl.Float64).fill_null(float("nan")).to_numpy()
        week = np.nan_to_num(created / (_BURST_DAYS * DAY_US)).astype(np.uint64)
        mail = hash_strings(f["signup_email_domain"], key)
        mixed = np.where(mail != 0, mail ^ (week * np.uint64(0x9E3779B97F4A7C15)), np.uint64(0))
        self._columns = Facts(
            created=created,
            payment=short(hash_strings(f["payment_fingerprint"], key)),
            organisation=short(hash_strings(f["org_id"], key)),
            mail=short(mixed),
            signup=short(hash_ipv4_24(f["signup_ip"], key)),
            tier=tiers.replace_strict(self.tiers, range(len(self.tiers)), return_dtype=pl.Int32).to_numpy(),
            row=np.arange(f.height, dtype=np.int32),
        )

    def __len__(self) -> int:
        return self._accounts

    def as_of(self, idents: U64, now: int, logged: U32 | None = None) -> Facts:
        """The version of each account that held at `now`.

        Args:
            idents: u64[n] keyed account hashes.
            now: event time, µs.
            logged: u32[n], organisations by the log; they hold where the account file knows none.
        """
        found = self._as_of(idents, now)
        if logged is None:
            return found
        return found._replace(organisation=np.where(found.organisation != 0, found.organisation, logged))

    def tiers_of(self, accounts: Sequence[str], now: int) -> list[str]:
        """Tier of each account that held at `now` (µs); `UNKNOWN_TIER` where the account file says none."""
        if not len(self):
            return [UNKNOWN_TIER] * len(accounts)
        rows = self._as_of(hash_strings(pl.Series(accounts, dtype=pl.String), self._key), now).tier
        return [self.tiers[row] if row >= 0 else UNKNOWN_TIER for row in rows.tolist()]

    def _as_of(self, idents: U64, now: int) -> Facts:
        n = idents.shape[0]
        if self._ident.shape[0] == 0:
            zero = np.zeros(n, np.uint32)
            none = np.full(n, -1, np.int32)
            return Facts(np.full(n, np.nan), zero, zero, zero, zero, none, none)
        found = np.searchsorted(self._ident, idents, side="right") - 1
        # Versions of an account lie side by side, oldest first: step back over those that are not yet known.
        for _ in range(self._most_versions):
            ahead = (found >= 0) & (self._ident[found] == idents) & (self._from[found] > now)
            if not ahead.any():
                break
            found = np.where(ahead, found - 1, found)
        known = (found >= 0) & (self._ident[np.maximum(found, 0)] == idents)
        at = np.where(known, found, 0)
        c = self._columns
        return Facts(
            created=np.where(known, c.created[at], np.nan),
            payment=np.where(known, c.payment[at], np.uint32(0)),
            organisation=np.where(known, c.organisation[at], np.uint32(0)),
            mail=np.where(known, c.mail[at], np.uint32(0)),
            signup=np.where(known, c.signup[at], np.uint32(0)),
            tier=np.where(known, c.tier[at], np.int32(-1)),
            row=np.where(known, c.row[at], np.int32(-1)),
        )
