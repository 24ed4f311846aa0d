"""Revenuer without one kind of evidence at a time: fields left out of the log, or rules left out of the folder.

The engine is the same and knows nothing of it: a log without a field is one that it must cope with anyway. The benign reference stays
the shipped one, measured with all fields and all rules. A rule asks for several signs at once, so that leaving out every rule that
reads one takes the others' help along: such a row is a lower bound of what would be left.
"""

import gzip
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from benchmarks.detection.base import Case, Detections, Namer
from benchmarks.detection.peers.revenuer import Revenuer
from detector.evaluation.inputs import GZIP
from detector.scoring.rules import ACCOUNT_WINDOW, CLUSTER_WINDOW, EVIDENCE, Rule, load_rules
from detector.scoring.rules.tree import fields

TEXT = ("prompt", "system_prompt", "completion", "messages")
NETWORK = ("ip", "asn", "country", "user_agent", "tls_fingerprint")
SIGNUP = ("payment_fingerprint", "signup_email_domain", "signup_ip", "country")
HABITS = (
    "temperature",
    "top_p",
    "n",
    "max_tokens",
    "logprobs",
    "top_logprobs",
    "stream",
    "response_format",
    "stop_reason",
)
LENGTHS = ("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens")
PACE = frozenset({"level_evidence", "step_correlation", "volume_evenness", "fixed_gap_share", "gap_cv", "active_hours"})
TWINS = frozenset({"twin_evidence", "length_twins"})


@dataclass(frozen=True)
class Ablation(Namer):
    """Revenuer with less to go by.

    Attributes:
        label: the row of the table.
        requests: fields that are left out of the request log.
        accounts: fields that are left out of the account file.
        facts: whether there is an account file at all.
        rules: which rules stay; None for all.
    """

    label: str
    requests: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    facts: bool = True
    rules: Callable[[Rule], bool] | None = None

    def prepared(self, case: Case, scratch: Path) -> tuple[Revenuer, Case]:
        """The method and the case that it is asked about; what is left out is left out of copies in `scratch`."""
        less = replace(case, accounts=case.accounts if self.facts else None)
        if self.requests:
            less = replace(less, requests=without(less.requests, self.requests, scratch))
        if self.accounts and less.accounts:
            less = replace(less, accounts=without(less.accounts, self.accounts, scratch))
        return Revenuer(self.label, self._folder(scratch)), less

    def name(self, case: Case) -> dict[str, Detections]:
        """Replay what is left."""
        with tempfile.TemporaryDirectory() as scratch:
            method, less = self.prepared(case, Path(scratch))
            return method.name(less)

    def _folder(self, scratch: Path) -> Path | None:
        if self.rules is None:
            return None
        folder = scratch / "rules"
        folder.mkdir()
        for rule in filter(self.rules, load_rules()):
            shutil.copy(rule.path, folder)
        return folder


def without(path: Path, names: tuple[str, ...], folder: Path) -> Path:
    """A copy of an NDJSON file, plain or gzip, without some fields; one that is required stays."""
    out = folder / path.name.removesuffix(".gz")
    encode = msgspec.json.Encoder().encode
    with out.open("wb") as file:
        for record in _records(path):
            for name in names:
                record.pop(name, None)
            file.write(encode(record) + b"\n")
    return out


def _records(path: Path) -> Iterator[dict[str, object]]:
    with path.open("rb") as probe:
        packed = probe.read(2) == GZIP
    decode = msgspec.json.Decoder(dict[str, object]).decode
    with gzip.open(path) if packed else path.open("rb") as lines:
        yield from map(decode, lines)


def _reads_none_of(names: frozenset[str]) -> Callable[[Rule], bool]:
    return lambda rule: not names & set(fields(rule.condition))


def _no(evidence: str) -> Callable[[Rule], bool]:
    return lambda rule: rule.evidence != evidence


def _only(category: str) -> Callable[[Rule], bool]:
    return lambda rule: rule.category == category


ABLATIONS = (
    Ablation("metadata only: no text", requests=TEXT),
    Ablation("no network, no payment, no sign-up", requests=NETWORK, accounts=SIGNUP),
    Ablation("no account file", facts=False),
    Ablation("no parameters of requests", requests=HABITS),
    Ablation("no token counts", requests=LENGTHS),
    Ablation("no activity in step (rules)", rules=_reads_none_of(PACE)),
    Ablation("no twins of lengths (rules)", rules=_reads_none_of(TWINS)),
    *(Ablation(f"no {kind} (rules)", rules=_no(kind)) for kind in EVIDENCE),
    Ablation("rules on accounts alone", rules=_only(ACCOUNT_WINDOW)),
    Ablation("rules on clusters alone", rules=_only(CLUSTER_WINDOW)),
)
