"""Campaigns: a new kind is a file and a line here."""

from detector.simulator.campaigns import (
    banned_pool,
    diluted_proxy,
    embeddings_harvest,
    fixed_prompt,
    judge_farm,
    launch_pivot,
    low_and_slow,
    reasoning_hydra,
    soft_labels,
    swarm,
    wrapper_hydra,
)
from detector.simulator.campaigns.base import CAMPAIGNS, Plan, campaign

__all__ = [
    "CAMPAIGNS",
    "Plan",
    "banned_pool",
    "campaign",
    "diluted_proxy",
    "embeddings_harvest",
    "fixed_prompt",
    "judge_farm",
    "launch_pivot",
    "low_and_slow",
    "reasoning_hydra",
    "soft_labels",
    "swarm",
    "wrapper_hydra",
]
