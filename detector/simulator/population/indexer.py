"""Search indexes: embeddings of documents."""

from detector.simulator.population.base import innocent
from detector.simulator.population.companies import arrive
from detector.simulator.texts import tasks
from detector.simulator.texts.compose import Rng
from detector.simulator.traffic import Setting, Traffic


@innocent("indexer")
def indexer(rng: Rng, setting: Setting, n: int) -> list[Traffic]:
    """Search indexes: embeddings of documents."""
    crowd, _, a = arrive(rng, setting, n, 250.0, "indexer")
    return [Traffic(crowd, a, tasks.document(rng, a.ts.size), embeddings=True)]
