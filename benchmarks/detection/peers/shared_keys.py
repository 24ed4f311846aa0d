"""Join accounts that share a card, a /24 or a system prompt, and name every group (`detector.evaluation.shared_keys`)."""

from benchmarks.detection.base import Case, Detections, Namer
from detector.evaluation.log import RequestLog, read_payments
from detector.evaluation.shared_keys import flag_groups, shared_pairs


class SharedKeys(Namer):
    """Union-find over the account–key graph: a row a kind of key, and one over all."""

    def name(self, case: Case) -> dict[str, Detections]:
        """Accounts from the moment on at which their group is large enough."""
        payments = read_payments(case.accounts) if case.accounts else None
        groups = flag_groups(shared_pairs(RequestLog(case.requests), payments))
        return {f"union-find: {label}": named for label, named in groups.items()}
