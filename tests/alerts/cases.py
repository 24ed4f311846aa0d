"""Cases as the scores would make them."""

from hypothesis import strategies as st

from detector.alerts.model import SEVERITIES, Case, Member, Reason

DAY = 86_400_000_000
HOUR = DAY // 24
START = 1_772_409_600_000_000


def reason(code, weight=2.0):
    return Reason(code, f"{code} fired.", 1.0, 0.5, weight, 10.0)


def member(account, role="core", exchanges=10, tokens=1_000, codes=()):
    return Member(account, 0.9, role, exchanges, tokens, tuple(codes))


def case(
    accounts,
    severity="high",
    risk=80.0,
    *,
    kind=None,
    codes=("LOCK_STEP",),
    role="core",
    exchanges=10,
    links=("payment",),
    **other,
):
    ids = accounts.split() if isinstance(accounts, str) else list(accounts)
    return Case(
        kind=kind or ("cluster" if len(ids) > 1 else "account"),
        members=tuple(member(a, role, exchanges, codes=links) for a in ids),
        severity=severity,
        risk=risk,
        p_value=10 ** (-risk / 20),
        reasons=tuple(reason(c) for c in codes),
        techniques=("AML.T0024.002",),
        **{
            "evidence": {},
            "first_seen": START - DAY,
            "last_seen": START,
            "tiers": {"free": len(ids)},
            "requests_per_day": 4.0 * len(ids),
            **other,
        },
    )


NAMES = [f"a{i}" for i in range(9)]


@st.composite
def ticks(draw):
    """Cases of one tick: clusters that share no account, and single accounts with at most one case each."""
    owner = draw(st.lists(st.integers(0, 3), min_size=len(NAMES), max_size=len(NAMES)))
    groups = [[a for a, o in zip(NAMES, owner, strict=True) if o == g] for g in range(1, 4)]
    level, risk = st.sampled_from(SEVERITIES), st.floats(1, 100)
    out = [case(g, draw(level), draw(risk), kind="cluster") for g in groups if len(g) > 1]
    out += [case([a], draw(level), draw(risk)) for a in draw(st.sets(st.sampled_from(NAMES), max_size=4))]
    return draw(st.permutations(out))
