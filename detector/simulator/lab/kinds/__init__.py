"""The kinds of student, by name."""

from collections.abc import Mapping
from typing import Final

from detector.simulator.lab.kinds import data_free, features, texts, votes
from detector.simulator.lab.kinds.lesson import Kind

KINDS: Final[Mapping[str, Kind]] = {
    "text": texts.plain,
    "soft": texts.soft,
    "features": features.tokens,
    "embeddings": features.embeddings,
    "random_prompts": data_free.random_prompts,
    "self_written": data_free.self_written,
    "votes": votes.votes,
}
