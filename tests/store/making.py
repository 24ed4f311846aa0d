"""Alerts for tests, and a clock that moves by itself."""

import itertools

from detector.alerts.model import (
    SEVERITIES,
    Alert,
    BlastRadius,
    Limit,
    Member,
    Reason,
    Recommendation,
    Subject,
    rfc3339,
)

START = 1_790_000_000_000_000
MINUTE = 60_000_000


def ticking(start=START):
    """A wall clock that gives each µs once."""
    numbers = itertools.count(start)
    return lambda: next(numbers)


def alert(name="alr_1", accounts=("acct-1", "acct-2", "acct-3"), severity="high", at=START, **changes):
    kind = "cluster" if len(accounts) > 1 else "account"
    when = rfc3339(at)
    subject = Subject(kind, name if kind == "cluster" else accounts[0], tuple(accounts))
    values = {
        "id": name,
        "kind": kind,
        "accounts": sorted(accounts),
        "account_detected_at": dict.fromkeys(sorted(accounts), when),
        "severity": severity,
        "risk": 40.0 + 15 * SEVERITIES.index(severity),
        "p_value": 0.001,
        "status": "open",
        "first_seen": rfc3339(at - MINUTE),
        "detected_at": when,
        "last_seen": rfc3339(at + MINUTE),
        "exchanges": 10 * len(accounts),
        "exchanges_before_detection": 5 * len(accounts),
        "output_tokens_leaked": 1000,
        "techniques": ["AML.T0024.002"],
        "reasons": [Reason("SHARED_WRAPPER", "They share a wrapper.", 3.0, 1.0, 4.5, 20.0)],
        "evidence": {"links": {"template": 2.0}, "timeline": {"hours": [rfc3339(at)], "counts": [3]}},
        "members": [Member(a, 0.95, "core", 10, 500, ("template",)) for a in sorted(accounts)],
        "recommendation": Recommendation(
            f"rec_{name}",
            subject,
            "throttle",
            (Limit("requests", 100, 86_400),),
            (),
            ("SHARED_WRAPPER",),
            name,
            when,
            rfc3339(at + 10 * MINUTE),
            True,
            BlastRadius(len(accounts), 120.0, {"free": len(accounts)}),
        ),
    }
    return Alert(**(values | changes))
