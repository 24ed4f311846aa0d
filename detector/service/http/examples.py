"""Examples in the OpenAPI document; all identifiers are made up."""

from typing import Final

from detector.alerts.model import Alert, BlastRadius, Limit, Member, Reason, Recommendation, Subject
from detector.alerts.store.alerts import Page, Version
from detector.alerts.store.allowances import Granted
from detector.alerts.store.labels import Label
from detector.alerts.store.outcomes import Outcome
from detector.service.http.state import AccountView, Ack, Link

_AT: Final = 1_772_000_000_000_000
_WHEN: Final = "2026-02-25T06:13:20.000Z"
_REASON: Final = Reason(
    "SHARED_WRAPPER", "The accounts send the same wrapper around their prompts.", 2.4, 0.3, 6.1, 41.0
)
RECOMMENDATION: Final = Recommendation(
    id="rec_7d1f02c4a9b35e60",
    subject=Subject("cluster", "alr_3b9e4d2a5c1f8077", ("acct-1001", "acct-1002")),
    action="throttle",
    limits=(Limit("requests", 250, 86_400),),
    degrade=(),
    reason_codes=("SHARED_WRAPPER",),
    alert_id="alr_3b9e4d2a5c1f8077",
    created_at=_WHEN,
    expires_at="2026-03-04T06:13:20.000Z",
    dry_run=True,
    blast_radius=BlastRadius(2, 88.0, {"free": 2}),
)
ALERT: Final = Alert(
    id="alr_3b9e4d2a5c1f8077",
    kind="cluster",
    accounts=["acct-1001", "acct-1002"],
    account_detected_at={"acct-1001": _WHEN, "acct-1002": _WHEN},
    severity="high",
    risk=92.4,
    p_value=0.00002,
    status="open",
    first_seen="2026-02-24T21:00:00.000Z",
    detected_at=_WHEN,
    last_seen="2026-02-25T06:12:59.000Z",
    exchanges=340,
    exchanges_before_detection=180,
    output_tokens_leaked=91_000,
    techniques=["AML.T0024.002"],
    reasons=[_REASON],
    evidence={
        "links": {"template": 4.2},
        "skeletons": [{"text": "Answer step by step: …", "kind": "template", "accounts": 2}],
    },
    members=[
        Member("acct-1001", 0.99, "core", 180, 50_000, ("template",)),
        Member("acct-1002", 0.97, "core", 160, 41_000),
    ],
    recommendation=RECOMMENDATION,
    headline="2 accounts fill one prompt template",
)
PAGE: Final = Page([ALERT], "WzE3NzIwMDAwMDAwMDAwMDAsImFscl8xIl0")
VERSION: Final = Version(7, ALERT.id, _AT, "high", "open", 92.4, 2, ["acct-1002"], [])
ACCOUNT: Final = AccountView(
    "acct-1001", 180, "2026-02-24T21:00:00.000Z", _WHEN, "person", 3.1, 0.02, 51.0, [_REASON],
    {"requests": 180.0, "multi_turn_share": 0.0}, [Link("template", 4.2, 9, ["acct-1002"])], [ALERT.id],
)  # fmt: skip
ACK: Final = Ack(1000, 997, 2, 1, {"missing_field: account_id": 1})
ALLOWANCE: Final = Granted(
    3, "research", "acct-2001", ["SOFT_LABELS"], "lab@example.com", _AT, "ana", _AT + 86_400_000_000
)
LABEL: Final = Label(5, "alert", ALERT.id, "attack", "ana", _AT, "Same wrapper as last week")
OUTCOME: Final = Outcome(2, RECOMMENDATION.id, ALERT.id, "applied", "gateway", _AT)
