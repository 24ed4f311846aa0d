"""What the anomaly model adds to an account's score: nats, the features that they come from, and a reason in words."""

from typing import Any, Final, NamedTuple

import numpy as np

from detector.alerts.model import Reason
from detector.coordination.features import CLUSTER_FEATURES
from detector.profiles.features import FEATURES
from detector.scoring.combined import ANOMALY, STRANGE
from detector.scoring.scorer import ACCOUNT, CLUSTER, Scored, Scorer
from detector.scoring.severity import risk

_FEATURES: Final = 3  # that are named, and share the nats
_DIGITS: Final = 4


class Strange(NamedTuple):
    """What is strange about an account.

    Attributes:
        nats: by which the model lowers the logarithm of the p-value below what rules alone give; 0 where rules say more.
        features: the strongest, with their shares of what makes it strange, together 1.
        p_value: of the model.
    """

    nats: float
    features: dict[str, float]
    p_value: float

    @property
    def parts(self) -> dict[str, dict[str, float]]:
        """Nats by reason and feature, of an explanation; nothing where rules say more."""
        of = {name: self.nats * share for name, share in self.features.items()}
        return {ANOMALY: of} if self.nats > 0 else {}


def strange(scorer: Scorer, scored: Scored, row: int) -> Strange | None:
    """What is strange about an account; None where nothing is.

    Args:
        scorer: that scored it.
        scored: scores of a frame of accounts.
        row: which of them.
    """
    p_value = float(scored.strange[row])
    if scorer.anomaly is None or p_value >= STRANGE:
        return None
    rules = float(scorer.p_value(ACCOUNT, scored.score[row : row + 1])[0])
    nats = float(np.log(rules / scored.p_value[row]))
    strongest = dict(list(scorer.anomaly.strongest(scored.frame[row]).items())[:_FEATURES])
    whole = sum(strongest.values())
    return Strange(nats, {name: loss / whole for name, loss in strongest.items()}, p_value) if whole else None


def added(found: Strange | None) -> float:
    """Nats that the model adds to what rules score."""
    return sum(nats for of in found.parts.values() for nats in of.values()) if found else 0.0


def reason(scorer: Scorer, scored: Scored, row: int, found: Strange) -> Reason:
    """The reason of what the model adds.

    Args:
        scorer: that scored it.
        scored: scores of a frame of accounts.
        row: which of them.
        found: of it.
    """
    first, stratum = next(iter(found.features)), str(scored.frame["stratum"][row])
    value, median = _value(scored, first, row), scorer.reference.quantile(ACCOUNT, stratum, first, "p50")
    rules = scorer.p_value(ACCOUNT, scored.score[row : row + 1])[0]
    more = [name.replace("_", " ") for name in found.features]
    named = more[0] if len(more) == 1 else f"{', '.join(more[:-1])} and {more[-1]}"
    return Reason(
        code=ANOMALY,
        text=f"Stranger than {_share(found.p_value)} of ordinary accounts of its kind ever are in a week, most in {named}.",
        value=value,
        benign_p99=scorer.reference.quantile(ACCOUNT, stratum, first, "p99"),
        weight=round(found.nats, _DIGITS),
        score_without=risk(float(rules)),
        unusual="low" if value is not None and median is not None and value < median else "high",
        feature=first,
        unit=unit_of(ACCOUNT, first),
    )


def unit_of(category: str, name: str) -> str:
    """Unit of a feature of accounts or clusters; empty where there is no such feature."""
    found = (CLUSTER_FEATURES.get(name) if category == CLUSTER else None) or FEATURES.get(name)
    return found.unit if found else ""


def evidence(scorer: Scorer, scored: Scored, row: int, found: Strange) -> dict[str, Any]:
    """What an analyst reads of it: the p-value, and the strongest features beside their benign 99th percentile.

    Args:
        scorer: that scored it.
        scored: scores of a frame of accounts.
        row: which of them.
        found: of it.
    """
    stratum = str(scored.frame["stratum"][row])
    return {
        "p_value": found.p_value,
        "features": [
            {
                "name": name,
                "share": round(share, _DIGITS),
                "value": _value(scored, name, row),
                "benign_p99": scorer.reference.quantile(ACCOUNT, stratum, name, "p99"),
            }
            for name, share in found.features.items()
        ],
    }


def _value(scored: Scored, name: str, row: int) -> float | None:
    value = scored.frame[name][row] if name in scored.frame.columns else None
    return None if value is None or not np.isfinite(value) else round(float(value), _DIGITS)


def _share(p_value: float) -> str:
    """99 %, 99.5 %, 99.98 %: never more than was seen."""
    share = 100.0 * (1.0 - p_value)
    digits = max(0, int(np.ceil(-np.log10(max(p_value, 1e-9)))) - 2)
    return f"{np.floor(share * 10**digits) / 10**digits:.{digits}f} %"
