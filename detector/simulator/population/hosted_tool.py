"""Customers of one vendor's tool: a low-code platform, a bot of continuous integration, a drafting assistant; keys of their own."""

import polars as pl

from detector.simulator.accounts import ADDRESSES, Crowd, draw_accounts, networks
from detector.simulator.arrivals import Arrivals, renewal, sessions
from detector.simulator.habits import tls_stack
from detector.simulator.population.base import innocent
from detector.simulator.population.clients import draw_clients, one_style, own_styles, table
from detector.simulator.population.shared import sizes, weekly
from detector.simulator.texts import tasks, wrappers
from detector.simulator.texts.compose import Rng, wrapped
from detector.simulator.traffic import Setting, Traffic

_HOSTED = 0.6  # of the tools call from the vendor's own addresses, the others from the customer's
_EXITS = (1, 14)  # networks of a vendor
_STACK = (100, 40_000)  # a vendor's build has a fingerprint that hardly anybody else has
_SPREAD = (0.7, 1.4)  # of the customers' volumes: ServeGen's clients of one service, and people's
_EXTENDED = 0.25  # of the customers add lines of their own to the vendor's prompt
_AS_MESSAGE = 0.4  # of the tools send their instructions as the head of the message
_ONE_STYLE = 0.5  # of the tools ask for answers of one length, whoever the customer is


@innocent("hosted_tool", at_once=40)
def hosted_tool(rng: Rng, setting: Setting, n: int) -> list[Traffic]:
    """N vendors: prompt, client and often addresses are the vendor's; payers, ages, hours, volumes and matter the customers'."""
    out = []
    for size in sizes(rng, n, 8, 120):
        crowd = _vendor(rng, draw_accounts(rng, size, setting.start, "hosted_tool"))
        a = _calls(rng, crowd, setting)
        chosen = (tasks.document, tasks.code, tasks.mixed)[int(rng.integers(3))]
        items, head = chosen(rng, a.ts.size), _instructions(rng)
        lengths = one_style(rng, a.ts.size) if rng.random() < _ONE_STYLE else own_styles(rng, a.account, size)
        if rng.random() < _AS_MESSAGE:
            out.append(Traffic(crowd, a, wrapped(f"{head}\n\n", items), None, *lengths))
            continue
        own = [f"{head} {wrappers.product_system(rng)}" if rng.random() < _EXTENDED else head for _ in range(size)]
        out.append(Traffic(crowd, a, items, pl.Series(own).gather(a.account), *lengths))
    return out


def _instructions(rng: Rng) -> str:
    """What a vendor has the model do: answers that are worth something to its customers, and so to a trainer."""
    makers = (wrappers.framework_prompt, wrappers.judge_system, wrappers.agent_system, _worked)
    return makers[int(rng.integers(len(makers)))](rng)


def _worked(rng: Rng) -> str:
    return wrappers.practice(rng)[0].strip()


def _vendor(rng: Rng, crowd: Crowd) -> Crowd:
    """The vendor's client, and its exits, of which each call takes one."""
    tool = f"{wrappers.product_system(rng).split()[-1].strip('.').lower()}-runner/{int(rng.integers(1, 9))}"
    crowd = crowd.set(_tls=tls_stack(int(rng.integers(*_STACK))), _user_agent=tool)
    if rng.random() >= _HOSTED:
        return crowd
    exits = networks(rng, int(rng.integers(*_EXITS)))
    used = rng.integers(0, len(exits), (crowd.size, ADDRESSES)).tolist()
    return crowd.set(_network=pl.Series([[exits[k] for k in row] for row in used]), _places=min(len(exits), ADDRESSES))


def _calls(rng: Rng, crowd: Crowd, setting: Setting) -> Arrivals:
    """People who press a button, or programs: volumes as far apart as customers are."""
    middle, spread = rng.uniform(1.6, 3.6), rng.uniform(*_SPREAD)
    count = weekly(rng, middle, spread, crowd.size, setting.days)
    if rng.random() < 0.5:
        return sessions(rng, count, crowd.frame["_zone"].to_numpy(), 1.02, setting.start, setting.days)
    client = table()[0][draw_clients(rng, crowd.size)]
    return renewal(rng, count, client[:, 2], client[:, 1], setting.start, setting.days)
