"""Stolen key: somebody harvests with the key of a customer whose own traffic goes on."""

from detector.simulator.accounts import draw_accounts
from detector.simulator.arrivals import windowed
from detector.simulator.campaigns.base import Plan, as_cover, campaign, counts, shifts, span, wrap
from detector.simulator.population import INNOCENTS
from detector.simulator.population.clients import one_style
from detector.simulator.texts import tasks
from detector.simulator.texts.compose import Rng
from detector.simulator.traffic import Setting, Traffic

_RECORD = ("account_id", "org_id", "created_at", "tier", "payment_fingerprint", "signup_email_domain", "country")


@campaign("stolen_key")
def stolen_key(rng: Rng, setting: Setting, plan: Plan) -> list[Traffic]:
    """Products work as ever from their own addresses; the thief's program comes from elsewhere, with its own habits."""
    out = []
    for victim in INNOCENTS["product"](rng, setting, plan.accounts):
        n = as_cover(victim, plan.name)
        # The record is the victim's, what shows in requests is the thief's.
        thief = draw_accounts(rng, plan.accounts, setting.start, "attack", plan.name)
        thief = thief.set(**{name: victim.crowd.frame[name] for name in _RECORD})
        count = counts(rng, plan, span(setting, plan))
        a = windowed(rng, count, shifts(rng, setting, plan, 10.0), setting.start, setting.days)
        a = a._replace(session=a.session + n)
        prompt, system, wrapper = wrap(rng, "reasoning", tasks.mixed(rng, a.ts.size))
        out += [victim, Traffic(thief, a, prompt, system, *one_style(rng, a.ts.size), wrapper=wrapper)]
    return out
