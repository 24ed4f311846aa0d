"""Enforcement: shadow mode binds nobody, live mode has brakes, and people can hold and let go."""

import msgspec
import pytest
from double import Client, Double
from making import alert, ticking
from sqlalchemy.event import listen

from detector.alerts.model import BlastRadius, Subject
from detector.alerts.store import Store
from detector.config import EnforcementSettings
from detector.service.http import State
from detector.service.http.metrics import Metrics

FAR = "2099-01-01T00:00:00.000Z"


def hostile(name, accounts, action="throttle", tiers=None, each=5.0):
    """A stored alert of a cluster whose recommendation binds all of its accounts."""
    ids = tuple(f"{name}-{i}" for i in range(accounts))
    one = alert(name, accounts=ids, severity="high")
    made = msgspec.structs.replace(
        one.recommendation,
        subject=Subject("cluster", name, ids),
        action=action,
        expires_at=FAR,
        dry_run=True,
        blast_radius=BlastRadius(accounts, each * accounts, tiers or {"free": accounts}),
    )
    return msgspec.structs.replace(one, recommendation=made)


@pytest.fixture
def service(tmp_path):
    """A service in live mode, whose engine tells of each alert that is given to it."""
    opened = []

    def made(**settings):
        store = Store(f"sqlite:///{tmp_path / 'store.db'}", ticking())
        opened.append(store)
        chosen = EnforcementSettings(**({"mode": "live"} | settings))
        state = State(store, Double(), metrics=Metrics(), enforcement=chosen)

        def tell(*alerts):
            store.alerts.upsert(alerts)
            return [state.enforcing.consider(store.alerts.get(a.id)) for a in alerts]

        def as_(*scopes, name=None):
            return Client(state, store.tokens.issue(name or "-".join(scopes), scopes, "test")[1])

        return state, tell, as_

    yield made
    for store in opened:
        store.close()


def rendered(client, name):
    return client("GET", f"/v1/recommendations/rec_{name}", params={"format": "litellm"}).json()


def test_shadow_mode_binds_nobody_whatever_was_released_before(service):
    _, tell, as_ = service()
    assert tell(hostile("alr_1", 3)) == [""]
    assert rendered(as_("read"), "alr_1")["config"] != {}
    _, tell, as_ = service(mode="shadow")
    assert tell(hostile("alr_2", 3)) == ["the service is in shadow mode"]
    for name in ("alr_1", "alr_2"):
        made = rendered(as_("read", name="again"), name)
        assert made["dry_run"]
        assert made["config"] == {}


def test_what_is_within_the_caps_binds_at_once_and_shows_everywhere(service):
    _, tell, as_ = service()
    assert tell(hostile("alr_1", 3)) == [""]
    reader = as_("read")
    assert not rendered(reader, "alr_1")["dry_run"]
    assert not reader("GET", "/v1/alerts/alr_1").json()["recommendation"]["dry_run"]
    assert not reader("GET", "/v1/recommendations").json()["items"][0]["dry_run"]
    assert not reader("GET", "/v1/clusters/alr_1").json()["recommendation"]["dry_run"]
    assert not reader("GET", "/v1/alerts").json()["items"][0]["recommendation"]["dry_run"]


def test_a_list_says_of_each_alert_whom_it_binds_and_asks_the_store_once(service):
    state, tell, as_ = service()
    tell(*(hostile(f"alr_{i}", 2) for i in range(12)))
    tell(hostile("alr_x", 2, action="suspend"))  # waits for people
    state.store.triage.decide("alr_3", "resolved", "ana")
    state.store.alerts.upsert([hostile("alr_3", 2)])
    state.store.enforcement.withdraw("rec_alr_4", "ana")
    reader = as_("read")
    asked = []
    engine = state.store._database.engine
    listen(engine, "before_cursor_execute", lambda *told: asked.append(told[2]))
    lists = {}
    for path in ("/v1/alerts", "/v1/recommendations"):
        for limit in (1, 50):
            asked.clear()
            lists[path] = reader("GET", path, params={"limit": limit}).json()["items"]
            assert len([a for a in asked if a.startswith("SELECT") and "FROM tokens" not in a]) <= 3, path
    made = [a["recommendation"] for a in lists["/v1/alerts"]]
    assert {m["alert_id"] for m in made if m["dry_run"]} == {"alr_x", "alr_3", "alr_4"}
    assert sorted(made, key=lambda m: m["id"]) == sorted(lists["/v1/recommendations"], key=lambda m: m["id"])


def test_a_launch_day_storm_pulls_the_brake_and_everything_is_only_observed(service):
    state, tell, as_ = service(accounts_an_hour=50, traffic_share=1.0)
    told = tell(*(hostile(f"alr_{i}", 8) for i in range(40)))
    assert told[:6] == [""] * 6
    assert "56 accounts within an hour" in told[6]
    assert set(told[7:]) == {"the brake is pulled"}
    reader = as_("read")
    assert all(rendered(reader, f"alr_{i}")["config"] == {} for i in range(40))
    assert b"revenuer_enforcement_brake 1.0" in state.metrics.exposition()
    view = reader("GET", "/v1/enforcement").json()
    assert "50 are allowed" in view["brake"]["why"]
    (pulled,) = [e for e in state.store.audit.page(limit=200) if e.action == "enforcement.pull"]
    assert pulled.actor == "engine"


def test_the_brake_holds_over_a_restart_until_an_admin_lets_go(service):
    _, tell, as_ = service(accounts_an_hour=5)
    tell(hostile("alr_1", 4), hostile("alr_2", 4))
    _, tell, as_ = service(accounts_an_hour=5)
    assert tell(hostile("alr_3", 1)) == ["the brake is pulled"]
    assert as_("triage", name="t")("POST", "/v1/enforcement/reset", json={"note": "x"}).status_code == 403
    admin = as_("admin", name="a")
    assert admin("POST", "/v1/enforcement/reset", json={}).status_code == 422
    assert admin("POST", "/v1/enforcement/reset", json={"note": "looked through"}).json()["brake"] is None
    assert not rendered(admin, "alr_1")["dry_run"], "what was released before the storm binds again"
    assert rendered(admin, "alr_2")["dry_run"]


def test_too_much_of_the_traffic_pulls_the_brake_too(service):
    _, tell, _ = service(traffic_share=0.02)
    assert tell(hostile("alr_1", 3, each=50.0)) == [""]
    assert "2.5% of the traffic" in tell(hostile("alr_2", 2, each=50.0))[0]


def test_a_cluster_is_suspended_only_where_two_people_agree(service):
    _, tell, as_ = service()
    assert "0 of 2 people agreed" in tell(hostile("alr_1", 3, action="suspend"))[0]
    ana, ben, reader = as_("triage", name="ana"), as_("triage", name="ben"), as_("read")
    path = "/v1/recommendations/rec_alr_1/approve"
    assert reader("POST", path).status_code == 403
    for _ in range(2):  # the same person twice is one person
        assert ana("POST", path).json()["released"] is False
        assert rendered(reader, "alr_1")["dry_run"]
    assert ben("POST", path).json() == {"released": True, "why": ""}
    assert not rendered(reader, "alr_1")["dry_run"]


def test_a_protected_tier_waits_for_people(service):
    _, tell, _ = service(protected_tiers=["enterprise"])
    assert "tier enterprise" in tell(hostile("alr_1", 3, tiers={"free": 2, "enterprise": 1}))[0]
    assert tell(hostile("alr_2", 3)) == [""]


def test_where_tiers_are_protected_one_that_is_not_known_is_too(service):
    _, tell, _ = service(protected_tiers=["enterprise"])
    assert "unknown tier" in tell(hostile("alr_1", 3, tiers={"free": 2, "unknown": 1}))[0]
    assert "unknown tier" in tell(hostile("alr_2", 3, tiers={"free": 2}))[0], "the mix lacks one"


def test_where_none_are_an_unknown_tier_is_no_reason_to_wait(service):
    _, tell, _ = service()
    assert tell(hostile("alr_1", 3, tiers={"unknown": 3})) == [""]


def test_a_stolen_key_is_limited_until_somebody_rotates_it_and_its_account_is_spared(service):
    _, tell, as_ = service()
    one = hostile("alr_1", 1, action="rotate_key")
    made = one.recommendation
    key = msgspec.structs.replace(made, subject=Subject("api_key", "key-9", made.subject.accounts))
    assert tell(msgspec.structs.replace(one, recommendation=key)) == [""]
    shown = rendered(as_("read"), "alr_1")
    assert not shown["dry_run"]
    assert {call["body"]["key"] for call in shown["config"]["calls"]} == {"key-9"}


def test_a_closed_alert_and_one_taken_back_bind_nobody(service):
    state, tell, as_ = service()
    tell(hostile("alr_1", 3), hostile("alr_2", 3))
    ana = as_("triage", "read", name="ana")
    ana("POST", "/v1/alerts/alr_1/triage", json={"status": "false_positive"})
    assert rendered(ana, "alr_1")["dry_run"]
    ana("POST", "/v1/alerts/alr_1/undo")
    assert not rendered(ana, "alr_1")["dry_run"]
    ana("POST", "/v1/recommendations/rec_alr_2/outcome", json={"outcome": "reverted"})
    assert rendered(ana, "alr_2")["dry_run"]
    assert state.store.enforcement.standing(1.0).requests_per_day == 15.0


def test_a_joiner_counts_alone_and_is_bound_when_it_is_released(service):
    _, tell, as_ = service(accounts_an_hour=4)
    assert tell(hostile("alr_1", 3)) == [""]
    assert tell(hostile("alr_1", 4)) == [""]
    assert len(rendered(as_("read"), "alr_1")["subject"]["accounts"]) == 4
    assert "5 accounts" in tell(hostile("alr_1", 5))[0]


def test_an_erased_account_is_enforced_against_no_more(service):
    state, tell, as_ = service()
    tell(hostile("alr_1", 3))
    state.store.forget("alr_1-1", "ana")
    assert len(rendered(as_("read"), "alr_1")["subject"]["accounts"]) == 2
