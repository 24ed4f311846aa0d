"""One kind of campaign: a function that makes its traffic from a specification, registered under its name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from detector.simulator.accounts import DAY_S, Crowd, draw_accounts
from detector.simulator.arrivals import F64, I64, Arrivals, windowed
from detector.simulator.texts.compose import Rng, wrapped
from detector.simulator.texts.wrapper import Wrapper
from detector.simulator.texts.wrappers import pair
from detector.simulator.traffic import Setting, Traffic


@dataclass(frozen=True)
class Plan:
    """What a world says of one campaign.

    Attributes:
        name: label in the truth.
        kind: which campaign.
        accounts: how many.
        per_day: the attack's own requests a day of one account.
        start_day, days: when.
        dilution: share of the traffic that is relayed customers'.
        burst: days within which the accounts are made; 0 for ages like everybody's.
        evasions: name → strength 0–1 of what it does so as not to be found.
    """

    name: str
    kind: str
    accounts: int
    per_day: float
    start_day: float = 0.0
    days: float = 7.0
    dilution: float = 0.0
    burst: float = 0.0
    evasions: Mapping[str, float] = field(default_factory=dict)


Maker = Callable[[Rng, Setting, Plan], list[Traffic]]
CAMPAIGNS: dict[str, Maker] = {}


def campaign(kind: str) -> Callable[[Maker], Maker]:
    """Register a campaign kind."""

    def register(maker: Maker) -> Maker:
        CAMPAIGNS[kind] = maker
        return maker

    return register


def recruit(rng: Rng, setting: Setting, plan: Plan) -> Crowd:
    """Accounts with everybody's habits, perhaps made within a few days."""
    crowd = draw_accounts(rng, plan.accounts, setting.start, "attack", plan.name)
    if plan.burst > 0:
        born = (
            setting.start
            + plan.start_day * DAY_S
            - (rng.uniform(1, 20) + rng.random(plan.accounts) * plan.burst) * DAY_S
        )
        crowd = crowd.set(created_at=np.round(born, 3))
    return crowd


def counts(rng: Rng, plan: Plan, days: float, spread: float = 0.12) -> I64:
    """Requests of each account: a balanced load with a little spread."""
    mean = plan.per_day * days
    return np.maximum(rng.poisson(mean * rng.lognormal(0.0, spread, plan.accounts)), 1).astype(np.int64)


def span(setting: Setting, plan: Plan) -> float:
    """Days that the campaign has within the world."""
    return float(min(plan.days, setting.days - plan.start_day))


def shifts(rng: Rng, setting: Setting, plan: Plan, hours: float = 14.0) -> F64:
    """Working windows of one scheduler: once a day, from a random hour on."""
    hour = rng.uniform(0, 24)
    last = plan.start_day + span(setting, plan)
    out = []
    for day in range(int(np.floor(plan.start_day)), int(np.ceil(last))):
        begin = max(day + (hour + rng.normal(0, 0.5)) / 24.0, plan.start_day)
        length = min(hours / 24.0, last - begin)
        if length > 0:
            out.append((begin, length))
    return np.array(out or [(plan.start_day, last - plan.start_day)])


def scheduled(rng: Rng, setting: Setting, plan: Plan, hours: float = 14.0) -> Arrivals:
    """Arrivals of a pool under one scheduler."""
    n = counts(rng, plan, span(setting, plan))
    return windowed(rng, n, shifts(rng, setting, plan, hours), setting.start, setting.days)


def wrap(rng: Rng, kind: str, items: pl.Series, *, system: bool = False) -> tuple[pl.Series, pl.Series | None, Wrapper]:
    """(prompt, system prompt, wrapper) of items in one wording of a kind, which stands in the prompt or is the system prompt."""
    before, after = pair(rng, kind)
    wrapper = Wrapper(kind, items, system)
    if system:
        return items, pl.Series([before + after]).new_from_index(0, items.len()), wrapper
    return wrapped(before, items, after), None, wrapper


def handed_over(
    rng: Rng, setting: Setting, plan: Plan, begin: F64, length: float, steadiness: float = 0.12
) -> Arrivals:
    """Arrivals of accounts that each work from a day of their own on, for some days, and are then left.

    Args:
        begin: f64[accounts], days since the beginning of the campaign.
        length: days.
        steadiness: spread of the accounts' loads.
        rng: source of chance.
        setting: time.
        plan: how many requests a day.
    """
    n = counts(rng, plan, length, steadiness)
    account = np.repeat(np.arange(plan.accounts), n)
    day = plan.start_day + begin[account] + rng.random(account.size) * length
    ts = np.minimum(setting.start + day * DAY_S, setting.start + setting.days * DAY_S - 1.0)
    return Arrivals(account, ts, np.arange(account.size), np.zeros(account.size, np.int64))


def as_cover(customer: Traffic, name: str) -> int:
    """Make an innocent's traffic the cover of a campaign: the account is hostile, these exchanges are not the attack.

    Returns:
        Sessions so far, for the attack's own come after them.
    """
    customer.crowd.archetype, customer.crowd.campaign = "attack", name
    n = customer.arrivals.ts.size
    customer.attack, customer.relayed = np.zeros(n, np.bool_), np.ones(n, np.bool_)
    return n
