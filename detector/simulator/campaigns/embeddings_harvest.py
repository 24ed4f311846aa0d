"""Embeddings harvest: feature distillation from a document list, over a few accounts of one payer."""

from detector.simulator.campaigns.base import Plan, campaign, recruit, scheduled
from detector.simulator.texts import tasks
from detector.simulator.texts.compose import Rng
from detector.simulator.traffic import Setting, Traffic


@campaign("embeddings_harvest")
def embeddings_harvest(rng: Rng, setting: Setting, plan: Plan) -> list[Traffic]:
    """A list of documents, shared without repeats, at one pace."""
    crowd = recruit(rng, setting, plan)
    cards = crowd.frame["payment_fingerprint"].gather(rng.integers(0, max(1, plan.accounts // 3), plan.accounts))
    a = scheduled(rng, setting, plan, 9.0)
    return [Traffic(crowd.set(payment_fingerprint=cards), a, tasks.document(rng, a.ts.size), embeddings=True)]
