"""What people said of accounts, and how far it may move the reference: evidence, and a way in for whoever wants to be let by.

Guards, each against one way of poisoning:

- two people have to say the same, and nobody the contrary;
- of a stratum's accounts at most `SHARE` come in by labels, those first that the detector finds least strange: so the benign 99th
  percentile of any feature is moved by labels to at most what was the 99.5th;
- in the null a label counts as one entity that reached the cut, however high it scored (`central`), and at most `SHARE` of all do.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, Literal, NamedTuple

import msgspec

Verdict = Literal["attack", "benign", "unsure"]

SHARE: Final = 0.005
WITNESSES: Final = 2


class Said(msgspec.Struct, frozen=True):
    """One label, as a line of a file and as the API gives it; further keys are ignored.

    Attributes:
        kind: of the subject.
        subject: id of an account, or of an alert, which stands for its accounts.
        label: the verdict.
        actor: who said it.
    """

    subject: str
    label: Verdict
    actor: str
    kind: Literal["account", "alert"] = "account"


class Verdicts(NamedTuple):
    """Accounts of whom enough people say the same, and nobody the contrary."""

    benign: frozenset[str] = frozenset()
    attack: frozenset[str] = frozenset()


def read_labels(path: Path) -> list[Said]:
    """Labels of an NDJSON file, in the order in which they were said.

    Raises:
        ValueError: a line is no label; it names the line.
        OSError: the file cannot be read.
    """
    out = []
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        if line.strip():
            try:
                out.append(msgspec.json.decode(line, type=Said))
            except msgspec.MsgspecError as error:
                raise ValueError(f"{path}:{number}: not a label: {error}") from error
    return out


def verdicts(labels: Iterable[Said], alerts: Mapping[str, Iterable[str]]) -> Verdicts:
    """What holds of each account; of each person the last word counts.

    Args:
        labels: in the order in which they were said.
        alerts: accounts of each alert.
    """
    latest: dict[str, dict[str, Verdict]] = {}
    for said in labels:
        for account in [said.subject] if said.kind == "account" else alerts.get(said.subject, ()):
            latest.setdefault(account, {})[said.actor] = said.label

    def agreed(verdict: Verdict) -> frozenset[str]:
        return frozenset(
            account
            for account, by in latest.items()
            if sum(v == verdict for v in by.values()) >= WITNESSES
            and all(v in {verdict, "unsure"} for v in by.values())
        )

    return Verdicts(agreed("benign"), agreed("attack"))
