"""Innocents who share something: offices, classes, agents, harnesses, VPNs, resellers."""

import numpy as np
import polars as pl

from detector.simulator.accounts import DAY_S, Crowd, draw_accounts, networks
from detector.simulator.arrivals import Arrivals, paced, sessions
from detector.simulator.population.base import innocent
from detector.simulator.population.clients import one_style, own_styles
from detector.simulator.population.humans import human_lengths, human_texts
from detector.simulator.texts import tasks, wrappers
from detector.simulator.texts.compose import Rng
from detector.simulator.traffic import Setting, Traffic, reply_tokens


def one_network(rng: Rng, crowd: Crowd) -> Crowd:
    """Everybody behind one /24."""
    net = networks(rng, 1)[0]
    return crowd.set(_network=pl.Series([[net] * 4] * crowd.size), _places=1)


def _sizes(rng: Rng, groups: int, low: int, high: int) -> list[int]:
    return [int(x) for x in np.exp(rng.uniform(np.log(low), np.log(high), groups))]


@innocent("office", at_once=40)
def office(rng: Rng, setting: Setting, groups: int) -> list[Traffic]:
    """Staff of one company: one network, one payer, one internal assistant, joined when the company did."""
    out = []
    for size in _sizes(rng, groups, 6, 60):
        crowd = one_network(rng, draw_accounts(rng, size, setting.start, "office"))
        joined = setting.start - rng.uniform(5, 500) * DAY_S + rng.exponential(20.0, size) * DAY_S
        crowd = crowd.set(
            payment_fingerprint=crowd.frame["payment_fingerprint"][0],
            org_id=crowd.frame["org_id"][0],
            signup_email_domain=f"{crowd.frame['org_id'][0].replace('_', '-')}.example",
            created_at=np.minimum(joined, setting.start - 3600.0),
            tier="scale",
            _zone=float(crowd.frame["_zone"][0]),
        )
        count = np.maximum(rng.lognormal(1.6, 0.9, size) * setting.days / 7.0, 0.6).round().astype(np.int64)
        a = sessions(rng, count, crowd.frame["_zone"].to_numpy(), 2.2, setting.start, setting.days)
        prompt = human_texts(rng, a.turn)
        sent, received = human_lengths(rng, a, prompt)
        system = pl.Series([wrappers.office_system(rng)]).new_from_index(0, a.ts.size)
        out.append(Traffic(crowd, a, prompt, system, sent + 60, received))
    return out


@innocent("class", at_once=40)
def university_class(rng: Rng, setting: Setting, groups: int) -> list[Traffic]:
    """Students: one network, sign-ups together, one homework of a few questions, on the same evenings."""
    out = []
    for size in _sizes(rng, groups, 12, 80):
        crowd = one_network(rng, draw_accounts(rng, size, setting.start, "class"))
        born = setting.start - rng.uniform(1, 90) * DAY_S + rng.random(size) * 2 * DAY_S
        crowd = crowd.set(
            created_at=np.minimum(born, setting.start - 3600.0),
            signup_email_domain=f"campus-{int(rng.integers(1000, 9999))}.example",
            tier="free",
        )
        homework = tasks.mixed(rng, int(rng.integers(6, 40)))
        evenings = rng.choice(int(setting.days), min(4, int(setting.days)), replace=False)
        asked = rng.poisson(2.5, (size, evenings.size)) + (rng.random((size, evenings.size)) < 0.7)
        who, when = np.nonzero(asked)
        count = asked[who, when]
        account, night = np.repeat(who, count), np.repeat(evenings[when], count)
        ts = setting.start + night * DAY_S + (17.0 + rng.gamma(3.0, 0.9, account.size)) * 3600.0
        order = np.lexsort((ts, account))
        account, ts = account[order], np.minimum(ts[order], setting.start + setting.days * DAY_S - 1.0)
        again = rng.random(account.size) < 0.25
        a = Arrivals(account, ts, np.arange(account.size), again.astype(np.int64))
        text = homework.gather(rng.integers(0, homework.len(), account.size))
        follow = tasks.follow_up(rng, account.size)
        prompt = pl.select(pl.when(pl.Series(again)).then(follow).otherwise(text).alias("t"))["t"]
        sent, received = human_lengths(rng, a, prompt)
        out.append(Traffic(crowd, a, prompt, None, sent, received))
    return out


@innocent("coding_agent", at_once=40)
def coding_agent(rng: Rng, setting: Setting, groups: int) -> list[Traffic]:
    """Users of an open-source agent: unrelated, one system prompt in a few versions, long loops of tool results."""
    out = []
    for size in _sizes(rng, groups, 8, 160):
        crowd = draw_accounts(rng, size, setting.start, "coding_agent")
        base = wrappers.agent_system(rng)
        versions = [base, base + f" Version {int(rng.integers(2, 9))}.", wrappers.agent_system(rng)]
        version = rng.choice(3, size, p=(0.6, 0.3, 0.1))
        crowd = crowd.set(_user_agent=f"agent-{int(rng.integers(100, 999))}/0.{int(rng.integers(1, 40))}")
        count = np.maximum(rng.lognormal(1.2, 1.0, size) * setting.days / 7.0, 0.6).round().astype(np.int64)
        a = sessions(rng, count, crowd.frame["_zone"].to_numpy(), 9.0, setting.start, setting.days)
        first, later = tasks.code(rng, a.ts.size), tasks.document(rng, a.ts.size)
        prompt = pl.select(
            pl.when(pl.Series(a.turn == 0))
            .then(first)
            .otherwise(pl.concat_str(pl.lit("Output of the last call:\n"), later))
            .alias("t")
        )["t"]
        sent = 900 + a.turn * 320 + rng.integers(0, 300, a.ts.size)
        tools = pl.Series([["read", "write", "run", "search"]]).new_from_index(0, a.ts.size)
        more = {
            "tools": tools,
            "tool_calls": (rng.random(a.ts.size) < 0.82).astype(np.int64),
            "n_tool_results": (a.turn > 0).astype(np.int64),
        }
        system = pl.Series(versions).gather(version[a.account])
        out.append(Traffic(crowd, a, prompt, system, sent, reply_tokens(rng, a.ts.size, 150, 0.9), columns=more))
    return out


@innocent("benchmark", at_once=40)
def benchmark(rng: Rng, setting: Setting, groups: int) -> list[Traffic]:
    """Users of an evaluation harness: the same public items again and again, from unrelated accounts."""
    out = []
    for size in _sizes(rng, groups, 4, 24):
        crowd = draw_accounts(rng, size, setting.start, "benchmark").set(_temperature=0.0)
        items = tasks.mixed(rng, int(rng.integers(120, 400)))
        suffix = "\nThink step by step and put the final answer in a box." if rng.random() < 0.6 else ""
        runs = rng.integers(1, 4, size)
        begin = rng.random(size) * max(setting.days - 1.0, 0.2)
        account = np.repeat(np.arange(size), runs * items.len())
        place = np.concatenate([np.tile(np.arange(items.len()), r) for r in runs])
        ts = setting.start + begin[account] * DAY_S + rng.random(account.size) * 0.8 * DAY_S
        a = Arrivals(
            account,
            np.minimum(ts, setting.start + setting.days * DAY_S - 1),
            np.arange(account.size),
            np.zeros(account.size, np.int64),
        )
        prompt = pl.select(pl.concat_str(items.gather(place), pl.lit(suffix)).alias("t"))["t"]
        out.append(Traffic(crowd, a, prompt, None, *one_style(rng, account.size)))
    return out


@innocent("vpn", at_once=40)
def vpn(rng: Rng, setting: Setting, groups: int) -> list[Traffic]:
    """Strangers behind one exit of a VPN."""
    out = []
    for size in _sizes(rng, groups, 8, 80):
        crowd = one_network(rng, draw_accounts(rng, size, setting.start, "vpn"))
        count = np.maximum(rng.lognormal(1.1, 1.1, size) * setting.days / 7.0, 0.6).round().astype(np.int64)
        a = sessions(
            rng, count, crowd.frame["_zone"].to_numpy(), crowd.frame["_turns"].to_numpy(), setting.start, setting.days
        )
        prompt = human_texts(rng, a.turn)
        out.append(Traffic(crowd, a, prompt, None, *human_lengths(rng, a, prompt)))
    return out


@innocent("monitor")
def monitor(rng: Rng, setting: Setting, n: int) -> list[Traffic]:
    """Health checks."""
    crowd = draw_accounts(rng, n, setting.start, "monitor")
    count = np.full(n, int(120 * setting.days))
    a = paced(rng, count, 0.02, setting.start, setting.days)
    word = pl.Series(["ping", "hello", "are you there", "test 1"]).gather(rng.integers(0, 4, n)).gather(a.account)
    return [Traffic(crowd, a, word, None, None, reply_tokens(rng, a.ts.size, 8, 0.6))]


@innocent("reseller", at_once=40)
def reseller(rng: Rng, setting: Setting, n: int) -> list[Traffic]:
    """Consented resellers: many people in one account."""
    crowd = draw_accounts(rng, n, setting.start, "reseller").set(_users=400, tier="scale")
    crowd = crowd.set(allowances=pl.Series([["reseller"]] * n))
    a = sessions(
        rng,
        np.full(n, int(90 * setting.days)),
        rng.choice((-5, 0, 3), n).astype(float),
        3.4,
        setting.start,
        setting.days,
    )
    prompt = human_texts(rng, a.turn)
    return [Traffic(crowd, a, prompt, None, *human_lengths(rng, a, prompt))]


@innocent("sanctioned_distillation", at_once=40)
def sanctioned(rng: Rng, setting: Setting, n: int) -> list[Traffic]:
    """Customers whose contract permits distillation; for every second one, nobody has recorded the allowance."""
    crowd = draw_accounts(rng, n, setting.start, "sanctioned_distillation").set(tier="scale")
    known = [["distillation"] if i % 2 == 0 else [] for i in range(n)]
    crowd = crowd.set(allowances=pl.Series(known, dtype=pl.List(pl.String)))
    count = np.maximum(rng.lognormal(np.log(300.0), 0.5, n) * setting.days, 1).astype(np.int64)
    a = paced(rng, count, 0.3, setting.start, setting.days)
    pairs = [wrappers.licensed(rng) for _ in range(n)]
    before, after = (pl.Series([p[k] for p in pairs]).gather(a.account) for k in (0, 1))
    text = pl.select(pl.concat_str(before, tasks.mixed(rng, a.ts.size), after).alias("t"))["t"]
    return [Traffic(crowd, a, text, None, *own_styles(rng, a.account, n))]


@innocent("indexer_fleet", at_once=40)
def indexer_fleet(rng: Rng, setting: Setting, n: int) -> list[Traffic]:
    """N companies whose search index is built by several accounts of theirs: one card, one corpus, each its own part."""
    out = []
    for _ in range(n):
        size = int(rng.integers(3, 9))
        crowd = draw_accounts(rng, size, setting.start, "indexer_fleet")
        first = crowd.frame.row(0, named=True)
        shared = ("org_id", "payment_fingerprint", "signup_email_domain", "tier", "created_at", "_network", "_tls")
        crowd = crowd.set(**{name: pl.Series([first[name]] * size) for name in shared})
        a = paced(rng, np.full(size, int(60 * setting.days)), 0.4, setting.start, setting.days)
        out.append(
            Traffic(crowd, a, tasks.document(rng, a.ts.size), None, one_style(rng, a.ts.size)[0], embeddings=True)
        )
    return out
