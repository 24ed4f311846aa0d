"""The alert book: which case continues which alert, and what merges and splits."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from detector.alerts.entry import Entry, Latest, alert_id, victim_case
from detector.alerts.later import settle
from detector.alerts.model import ACTIONABLE, Alert, Case, Member, Named

_SAME = 0.5  # share of the smaller side that two sets of accounts must have in common to be one actor


def _turn(case: Case) -> tuple[object, ...]:
    """Whose turn it is within a tick, whatever order the cases came in.

    Clusters before accounts, so that an account is grouped into its cluster; larger ones first, so that on a split the
    larger part keeps the alert.
    """
    return case.kind != "cluster", -len(case.members), sorted(case.accounts), -case.level, -case.risk


def same_actor(common: int, one: int, other: int) -> bool:
    """Whether two sets of accounts, of so many each, with so many in common are one actor."""
    return common >= _SAME * min(one, other)


def _fits_better(one: Entry, other: Entry, case: Case) -> bool:
    """Whether one alert knows all of the case's accounts that the other knows, and little else.

    So it is with a part that was split off: it stays apart, for its case says nothing new of the alert it left.
    """
    mine, theirs = case.accounts & one.named.keys(), case.accounts & other.named.keys()
    return theirs <= mine and len(mine) * len(other.named) > len(theirs) * len(one.named)


def _would_raise(case: Case, entry: Entry) -> bool:
    """Whether accounts that no cluster named at high or above would stand in an alert at high, since another cluster is alike.

    The members of a cluster below high may be bystanders of the one that is acted on: they stay in an alert of their own.
    """
    if entry.case.kind != "cluster" or (case.level >= ACTIONABLE) == (entry.level >= ACTIONABLE):
        return False
    if case.level >= ACTIONABLE:
        return not entry.named.keys() <= case.accounts
    return not case.accounts <= entry.named.keys()


Placed = tuple[Case, Entry, bool]


def moved_by(placed: Iterable[Placed]) -> list[Entry]:
    """Alerts that the cases of a tick moved, each once."""
    return list({entry.id: entry for _, entry, moved in placed if moved}.values())


@dataclass
class AlertBook:
    """All alerts of a run.

    Attributes:
        entries: by id, in the order of opening.
        version: grows with every change, so that a reader knows that there is nothing new.
    """

    entries: dict[str, Entry] = field(default_factory=dict)
    version: int = 0
    _of_account: dict[str, set[str]] = field(default_factory=dict)

    def tick(self, now: int, cases: Iterable[Case]) -> list[Entry]:
        """Take in the cases of a tick.

        The result does not depend on the order of the cases.

        Args:
            now: event time, µs.
            cases: clusters and accounts.

        Returns:
            Alerts that were opened, grew, rose or merged.
        """
        return moved_by(self.placed(now, cases))

    def placed(self, now: int, cases: Iterable[Case]) -> list[Placed]:
        """Take in the cases of a tick as `tick` does; each with its alert, and whether that opened, grew, rose or merged."""
        out: list[Placed] = []
        taken: set[str] = set()
        for case in sorted(cases, key=_turn):
            entry, moved = self._place(now, case, taken)
            taken.add(entry.id)
            self.version += 1
            out.append((case, entry, moved))
        return out

    def _place(self, now: int, case: Case, taken: set[str]) -> tuple[Entry, bool]:
        matches = [e for e in self._matching(case) if case.kind == "account" or e.id not in taken]
        if matches:
            entry, younger = matches[0], matches[1:] if case.kind == "cluster" else []
            for other in younger:
                entry.absorb(other)
                self._index(entry, other.named)
            moved = self._grow(now, entry, case) or bool(younger)
        else:
            entry, moved = self._open(now, case), True
            entry.take(now, case)
        self._remember(entry, case)
        self._index(entry, case.accounts)
        return entry, moved

    def _remember(self, entry: Entry, case: Case) -> None:
        """An account that another alert named was named then: a part that is split off does not begin anew."""
        if entry.level >= ACTIONABLE:
            for name in sorted({i for a in case.accounts for i in self._of_account.get(a, ())} - {entry.id}):
                entry.inherit(self.entries[name], case.accounts)

    @staticmethod
    def _grow(now: int, entry: Entry, case: Case) -> bool:
        if case.kind == "account" and entry.case.kind == "cluster":
            return entry.hear(now, case)
        return entry.take(now, case)

    def _matching(self, case: Case) -> list[Entry]:
        """Live alerts of the same actor, oldest first."""
        counts = Counter(i for a in case.accounts for i in self._of_account.get(a, ()))
        found = []
        for i, common in counts.items():
            entry = self.entries[i]
            if entry.merged_into is None and same_actor(common, len(case.members), len(entry.named)):
                found.append(entry)
        if case.kind == "cluster":
            found = [e for e in found if not _would_raise(case, e)]
            found = [e for e in found if not any(_fits_better(other, e, case) for other in found)]
        return sorted(found, key=lambda e: (e.opened, e.id))

    def _open(self, now: int, case: Case) -> Entry:
        first = min(case.accounts)
        generation = 0
        while (name := alert_id(case.kind, first, generation)) in self.entries:
            generation += 1
        entry = self.entries[name] = Entry(id=name, opened=now, case=case, level=case.level)
        return entry

    def _index(self, entry: Entry, accounts: Iterable[str]) -> None:
        for account in accounts:
            self._of_account.setdefault(account, set()).add(entry.id)

    def join(self, now: int, name: str, member: Member) -> bool:
        """Name an account in a known alert between ticks, or count that it shows its text again; whether that changed anything."""
        entry = self.find(name)
        joined = entry.join(now, member)
        if joined:
            self.version += 1
            self._of_account.setdefault(member.account_id, set()).add(entry.id)
        return joined

    def find(self, name: str) -> Entry:
        """The alert that an id stands for now: what it was merged into, where it was.

        Raises:
            KeyError: there is none.
        """
        entry = self.entries[name]
        while entry.merged_into is not None:
            entry = self.entries[entry.merged_into]
        return entry

    def update(self, entry: Entry, latest: Mapping[str, Latest], shown: Mapping[str, Any], *, joiners: bool) -> None:
        """Bring the figures of an alert up to date.

        Args:
            entry: the alert.
            latest: what accounts have done by now.
            shown: evidence that takes the place of what is there.
            joiners: also of members whose shows of the cluster's text are still counted.
        """
        self.version += entry.update(latest, shown, joiners=joiners)

    def acts(self, name: str) -> bool:
        """Whether anything is to be done about the alert that an id stands for."""
        return name in self.entries and self.find(name).level >= ACTIONABLE

    def doubt(self, name: str, accounts: Iterable[str]) -> None:
        """Bind accounts of an alert no sooner than it is known which of their keys or end users it is."""
        entry = self.find(name)
        entry.unsure.update(entry.named.keys() & set(accounts))

    def blame(self, now: int, name: str, account: str, culprits: list[Named]) -> list[Entry]:
        """Note which keys or end users of a named account it is; those bound in its place have alerts of their own.

        Args:
            now: event time, µs.
            name: of a cluster's alert.
            account: a member.
            culprits: of the account; nobody where it is the account itself.

        Returns:
            Alerts that changed.
        """
        found = [
            e
            for e in self._clusters_of(name, account)
            if account in e.unsure or e.culprits.get(account, []) != culprits
        ]
        if not found:
            return []
        for entry in found:
            entry.unsure.discard(account)
            entry.culprits[account] = culprits
            if not culprits:  # the other keys are used for it as well, by now
                del entry.culprits[account]
        self.version += 1
        return [*found, *(self._victim(now, found[0], account, c) for c in culprits if c.instead)]

    def _clusters_of(self, name: str, account: str) -> list[Entry]:
        """Live alerts of clusters that name an account, that of a name first where it does: a victim of one is bound by none."""
        first = [self.find(name)] if name in self.entries else []
        others = [self.entries[i] for i in sorted(self._of_account.get(account, ()))]
        known = {e.id: e for e in first + others if e.merged_into is None and e.case.kind == "cluster"}
        return [e for e in known.values() if account in e.named]

    def _victim(self, now: int, entry: Entry, account: str, culprit: Named) -> Entry:
        """The alert of a key or an end user. It is in no index: cases of the account go on to the alert of the cluster."""
        name = alert_id("account", f"{account}|{culprit.kind}|{culprit.id}")
        case = victim_case(entry, account)
        alone = self.entries.setdefault(name, Entry(id=name, opened=now, case=case, level=entry.level, subject=culprit))
        alone.subject, alone.culprits = culprit, {account: [culprit]}
        alone.take(now, case)
        return alone

    def live(self) -> list[Entry]:
        """Alerts that were not merged away, in the order of opening."""
        # A copy: a progress line may ask while another thread opens one.
        return [e for e in list(self.entries.values()) if e.merged_into is None]

    def alerts(self) -> list[Alert]:
        """All live alerts as they are written, most severe first."""
        live = self.live()
        settle(e.case.evidence for e in live)
        made = [e.alert() for e in live]
        order = {"critical": 0, "high": 1, "medium": 2, "low": 3}
        return sorted(made, key=lambda a: (order[a.severity], -a.risk, -len(a.accounts), a.id))
