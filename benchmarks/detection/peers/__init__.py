"""The methods, one file each. A new one: its file, and its line here."""

from benchmarks.detection.base import Peer
from benchmarks.detection.peers.half_space_trees import HalfSpace
from benchmarks.detection.peers.honeypotllm import HoneypotLlm
from benchmarks.detection.peers.mmd import MmdWindow
from benchmarks.detection.peers.prada import Prada
from benchmarks.detection.peers.pyod_daily import Ecod, IsolationForest
from benchmarks.detection.peers.revenuer import Revenuer
from benchmarks.detection.peers.seat import Seat
from benchmarks.detection.peers.shared_keys import SharedKeys
from benchmarks.detection.peers.tree import Tree
from benchmarks.detection.peers.volume import DailyRequests, DailyTokens

PEERS: tuple[type[Peer], ...] = (
    DailyRequests,
    DailyTokens,
    IsolationForest,
    Ecod,
    HalfSpace,
    HoneypotLlm,
    Seat,
    Prada,
    MmdWindow,
    SharedKeys,
    Tree,
)

__all__ = ["PEERS", "Revenuer"]
