"""The truth of a world: who attacked, with what, when; gathered crowd by crowd."""

import polars as pl

from detector.simulator.traffic import Traffic

_RECORD = (
    "account_id",
    "org_id",
    "created_at",
    "tier",
    "payment_fingerprint",
    "signup_email_domain",
    "country",
    "allowances",
)
_NOTHING = pl.Series("allowances", [[]], dtype=pl.List(pl.String))


class Truth:
    """Labels and account records."""

    def __init__(self) -> None:
        self._members: dict[str, set[str]] = {}
        self._archetype: dict[str, str] = {}
        self._times: dict[str, list[float]] = {}
        self._records: list[pl.DataFrame] = []

    def add(self, traffic: Traffic, exchanges: pl.DataFrame) -> None:
        """Take in what one crowd did."""
        frame = traffic.crowd.frame
        if "allowances" not in frame.columns:
            frame = frame.with_columns(_NOTHING.new_from_index(0, frame.height))
        self._records.append(frame.select(_RECORD))
        ids = frame["account_id"].to_list()
        self._archetype.update(dict.fromkeys(ids, traffic.crowd.archetype))
        if traffic.crowd.campaign is None:
            return
        self._members.setdefault(traffic.crowd.campaign, set()).update(ids)
        own = exchanges.filter("_attack").sort("ts").group_by("account_id", maintain_order=True).agg("ts")
        for account, ts in own.iter_rows():
            self._times[account] = sorted([*self._times.get(account, []), *ts])

    def accounts(self) -> pl.DataFrame:
        """Account records, one an account."""
        return pl.concat(self._records).unique("account_id", keep="first", maintain_order=True).sort("account_id")

    def labels(self) -> dict[str, object]:
        """What `truth.json` holds."""
        campaigns = {name: sorted(ids) for name, ids in self._members.items()}
        return {"campaigns": campaigns, "archetype": self._archetype, "attack_times": self._times}

    @property
    def hostile(self) -> int:
        """How many accounts attack."""
        return len(set().union(*self._members.values()))
