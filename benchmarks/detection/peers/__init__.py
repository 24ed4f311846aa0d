"""The methods, one file each. A new one: its file, and its line here."""

from benchmarks.detection.base import Peer
from benchmarks.detection.peers.revenuer import Revenuer
from benchmarks.detection.peers.shared_keys import SharedKeys
from benchmarks.detection.peers.tree import Tree
from benchmarks.detection.peers.volume import DailyRequests, DailyTokens

PEERS: tuple[type[Peer], ...] = (
    DailyRequests,
    DailyTokens,
    SharedKeys,
    Tree,
)

__all__ = ["PEERS", "Revenuer"]
