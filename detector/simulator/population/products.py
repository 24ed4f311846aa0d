"""Products, batch jobs and CI: templated traffic of unrelated companies, some of it through the same public frameworks."""

import numpy as np
import polars as pl

from detector.simulator.accounts import Crowd, draw_accounts
from detector.simulator.arrivals import I64, Arrivals, renewal
from detector.simulator.habits import offer_tools
from detector.simulator.population.base import innocent
from detector.simulator.population.clients import draw_clients, own_styles, table, tokens, volumes
from detector.simulator.texts import tasks, wrappers
from detector.simulator.texts.compose import Rng
from detector.simulator.traffic import Setting, Traffic

_OUTSIDE = 0.4  # share of products that send their instructions in the prompt itself
_WITH_TOOLS = 0.3  # share of products that offer the model tools
_FRAMEWORKS = 18  # public prompts that several products use unchanged


def _arrive(rng: Rng, setting: Setting, n: int, median: float, kind: str) -> tuple[Crowd, I64, Arrivals]:
    """(accounts, their rows in the table of clients, their requests)."""
    crowd = draw_accounts(rng, n, setting.start, kind)
    clients = draw_clients(rng, n)
    facts = table()[0][clients]
    count = volumes(rng, clients, setting.days, median)
    shape, active = np.clip(facts[:, 2], 0.2, 2.5), np.clip(facts[:, 1], 0.04, 1.0)
    return crowd, clients, renewal(rng, count, shape, active, setting.start, setting.days)


def _placed(rng: Rng, texts: list[str], items: pl.Series, account: I64) -> tuple[pl.Series, pl.Series]:
    """(system prompt, prompt): some products put their instructions before the item and send no system prompt."""
    outside = pl.Series(rng.random(len(texts)) < _OUTSIDE).gather(account)
    own = pl.Series(texts).gather(account)
    frame = pl.DataFrame({"o": outside, "s": own, "i": items}).select(
        pl.when("o").then(None).otherwise(pl.col("s")).alias("system"),
        pl.when("o").then(pl.concat_str("s", pl.lit("\n\n"), "i")).otherwise(pl.col("i")).alias("prompt"),
    )
    return frame["system"], frame["prompt"]


@innocent("product")
def products(rng: Rng, setting: Setting, n: int) -> list[Traffic]:
    """Assistants with fixed instructions: a third use a framework's, the others their own."""
    crowd, clients, a = _arrive(rng, setting, n, 45.0, "product")
    shared = [wrappers.framework_prompt(rng) for _ in range(max(2, min(_FRAMEWORKS, n // 4)))]
    own = [wrappers.product_system(rng) for _ in range(n)]
    popular = np.minimum(rng.zipf(1.6, n), len(shared)) - 1
    text = [shared[p] if u else own[i] for i, (p, u) in enumerate(zip(popular, rng.random(n) < 0.35, strict=True))]
    system, prompt = _placed(rng, text, tasks.document(rng, a.ts.size), a.account)
    each = clients[a.account]
    more = offer_tools(rng, a.account, rng.random(n) < _WITH_TOOLS)
    return [Traffic(crowd, a, prompt, system, tokens(rng, each, 0), tokens(rng, each, 1), columns=more)]


@innocent("batch")
def batch(rng: Rng, setting: Setting, n: int) -> list[Traffic]:
    """Classification and extraction over big volumes: one template in the prompt, documents in it, short answers."""
    crowd, clients, a = _arrive(rng, setting, n, 120.0, "batch")
    forms = [wrappers.framework_prompt(rng) for _ in range(max(2, n // 2))]
    heads = pl.Series([forms[int(i)] for i in rng.integers(0, len(forms), n)]).gather(a.account)
    text = pl.DataFrame({"h": heads, "d": tasks.document(rng, a.ts.size)}).select(
        pl.concat_str("h", pl.lit("\n"), "d", pl.lit("\nLabel:")).alias("t")
    )["t"]
    out = np.minimum(tokens(rng, clients[a.account], 1), 40)
    return [Traffic(crowd, a, text, None, None, out)]


@innocent("ci_review")
def ci_review(rng: Rng, setting: Setting, n: int) -> list[Traffic]:
    """A bot on each change of a repository."""
    crowd, clients, a = _arrive(rng, setting, n, 60.0, "ci_review")
    own = [f"Review the change below for {wrappers.product_system(rng)}" for _ in range(n)]
    return [
        Traffic(
            crowd,
            a,
            tasks.code(rng, a.ts.size),
            pl.Series(own).gather(a.account),
            tokens(rng, clients[a.account], 0) + 600,
            np.minimum(tokens(rng, clients[a.account], 1) + 120, 900),
        )
    ]


@innocent("llm_judge")
def llm_judge(rng: Rng, setting: Setting, n: int) -> list[Traffic]:
    """Customers who grade their own assistant's answers."""
    crowd, _, a = _arrive(rng, setting, n, 140.0, "llm_judge")
    own = [wrappers.judge_system(rng) for _ in range(n)]
    system, prompt = _placed(rng, own, tasks.answers(rng, a.ts.size), a.account)
    return [Traffic(crowd, a, prompt, system, *own_styles(rng, a.account, n))]


@innocent("indexer")
def indexer(rng: Rng, setting: Setting, n: int) -> list[Traffic]:
    """Search indexes: embeddings of documents."""
    crowd, _, a = _arrive(rng, setting, n, 250.0, "indexer")
    return [Traffic(crowd, a, tasks.document(rng, a.ts.size), embeddings=True)]


@innocent("localisation")
def localisation(rng: Rng, setting: Setting, n: int) -> list[Traffic]:
    """Agencies that translate and rewrite for a living: long answers, nothing followed up."""
    crowd, _, a = _arrive(rng, setting, n, 90.0, "localisation")
    own = [f"Translate and adapt the text for our readers. {wrappers.product_system(rng)}" for _ in range(n)]
    system, prompt = _placed(rng, own, tasks.document(rng, a.ts.size), a.account)
    size = (prompt.str.len_bytes().to_numpy() / 4).astype(np.int64)
    reply = np.maximum(size * rng.lognormal(0.1, 0.25, size.size), 3).astype(np.int64)
    return [Traffic(crowd, a, prompt, system, None, reply)]


@innocent("hobby_synthesis")
def hobby_synthesis(rng: Rng, setting: Setting, n: int) -> list[Traffic]:
    """People who make a few examples for a small model of their own, each in words that no campaign uses."""
    crowd = draw_accounts(rng, n, setting.start, "hobby_synthesis")
    count = np.maximum(rng.lognormal(2.6, 0.7, n) * setting.days / 7.0, 2).astype(np.int64)
    a = renewal(rng, count, np.full(n, 0.6), np.full(n, 0.05), setting.start, setting.days)
    pairs = [wrappers.hobby(rng) for _ in range(n)]
    before, after = (pl.Series([p[k] for p in pairs]).gather(a.account) for k in (0, 1))
    text = pl.DataFrame({"b": before, "m": tasks.mixed(rng, a.ts.size), "a": after}).select(
        pl.concat_str("b", "m", "a").alias("t")
    )["t"]
    return [Traffic(crowd, a, text, None, *own_styles(rng, a.account, n))]
