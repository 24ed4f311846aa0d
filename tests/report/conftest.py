"""A report with everything in it, made of synthetic identifiers."""

import pytest

from detector.report import Graph, Histogram, Node, ReportData, Timeline

START = 1_780_272_000
HOUR = 3_600


def _alert(name="al-1", members=24, severity="critical", **changes):
    accounts = [f"acct-{name}-{number}" for number in range(members)]
    return {
        "id": name,
        "kind": "cluster" if members > 1 else "account",
        "severity": severity,
        "risk": 97.0,
        "p_value": 1e-7,
        "status": "open",
        "accounts": accounts,
        "account_detected_at": dict.fromkeys(accounts, "2026-06-01T06:00:00Z"),
        "first_seen": "2026-06-01T01:00:00Z",
        "detected_at": "2026-06-01T06:00:00Z",
        "last_seen": "2026-06-02T00:00:00Z",
        "exchanges": 480,
        "exchanges_before_detection": 120,
        "output_tokens_leaked": 51_000,
        "techniques": ["AML.T0024.002"],
        "reasons": [
            {
                "code": "shared_prompt",
                "text": "Members send one prompt",
                "value": 0.9,
                "benign_p99": 0.1,
                "weight": 4.0,
                "score_without": 61.0,
            },
            {"code": "in_step", "text": "Members act in step", "value": 0.6, "benign_p99": 0.3, "weight": 1.0},
        ],
        "evidence": {
            "payers": 18,
            "links": {"system_prompt": 9.0, "payment": 6.0, "timing": 1.0},
            "skeletons": [{"text": "Grade ⟨slot⟩ from 1 to ⟨num⟩", "accounts": 24, "exchanges": 480}, "Second ⟨slot⟩"],
            "capabilities": {"grading": 0.7, "reasoning": 0.26, "other": 0.04},
            "culprits": {"acct-x": [{"kind": "api_key", "id": "key-9", "carrying": 1200, "other": 3}]},
            "explanation": {
                "score": 5.0,
                "risk": 97.0,
                "by_reason": {"shared_prompt": {"link_template": 2.5, "members": 1.5}, "in_step": {"lock_step": 1.0}},
                "features": {"link_template": 2.5, "members": 1.5, "lock_step": 1.0},
                "links": {"template": 2.5},
                "without": [],
                "words": ["Without the shared prompt skeleton the cluster would score 12 instead of 97."],
            },
            "timeline": {"hours": [START + HOUR * hour for hour in range(24)], "counts": list(range(24))},
        },
        "members": [
            {
                "account_id": account,
                "p_member": 0.98,
                "role": "core" if number else "peripheral",
                "reasons": ["in_step"],
            }
            for number, account in enumerate(accounts)
        ],
        "recommendation": {
            "subject": {"kind": "cluster", "id": "cl-1", "accounts": accounts},
            "action": "throttle",
            "limits": [{"unit": "requests", "quota": 300, "window_s": 86_400}],
            "degrade": ["strip_logprobs"],
            "dry_run": True,
            "expires_at": "2026-06-15T00:00:00Z",
            "blast_radius": {
                "accounts": members,
                "requests_per_day": 480,
                "revenue_tier_mix": {"free": 20, "pro": 4},
            },
        },
        **changes,
    }


def _graph(alert):
    nodes = [Node(account, "account", account, "core") for account in alert["accounts"]]
    keys = [Node("p1", "payment", "pm-1"), Node("s1", "system_prompt", "prompt 1")]
    edges = [(account, key.id, 2.0) for account in alert["accounts"] for key in keys]
    return Graph(nodes + keys, edges)


def _data(alerts, **changes):
    fields = {
        "run": {
            "counts": {"read": 1_000, "accepted": 990, "duplicates": 4, "dead_lettered": 6, "accounts": 300},
            "rates": {"exchanges_per_s": 123_456.0},
            "versions": {"revenuer": "0.1.0"},
            "event_time": {"first": START, "last": "2026-06-02T00:00:00Z"},
        },
        "alerts": alerts,
        "timeline": Timeline([START + HOUR * hour for hour in range(24)], [40 + hour for hour in range(24)]),
        "risk_histogram": Histogram([0.0, 25.0, 50.0, 75.0, 100.0], [200, 60, 1, 39], [3, 0, 0, 1]),
        "unavailable": {"reasoning_share": ["reasoning_tokens"]},
        "dead_letters": {"not JSON": 6},
        **changes,
    }
    if "graphs" not in fields:
        fields["graphs"] = {alert["id"]: _graph(alert) for alert in alerts if alert["kind"] == "cluster"}
    return ReportData(**fields)


@pytest.fixture(scope="session")
def make_alert():
    """Makes an alert: `make_alert(name, members, severity, **other_fields)`."""
    return _alert


@pytest.fixture(scope="session")
def make_graph():
    """Makes the graph of an alert's cluster."""
    return _graph


@pytest.fixture(scope="session")
def make_data():
    """Makes a report's data of alerts: `make_data(alerts, **other_fields)`."""
    return _data


@pytest.fixture
def data():
    return _data([_alert(), _alert("al-2", 1, "medium", risk=60.0), _alert("al-3", 5, "high", risk=88.0)])
