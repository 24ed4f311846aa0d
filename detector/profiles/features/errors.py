"""What the gateway answered: limits, refusals, failures."""

from detector.profiles.features.base import feature


def _declare(name: str, count: str, formula: str, meaning: str) -> None:
    feature(name, "share", formula, ("status",), meaning)(lambda v: v.share(count))


_declare("limited_share", "limited", "status 429", "runs into rate limits")
_declare("denied_share", "denied", "status 401 or 403", "a banned account or a wrong key")
_declare("failed_share", "failed", "status ≥ 500", "outages")
