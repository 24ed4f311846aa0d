"""Who may ask the gateway, and how much."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal

Clock = Callable[[], float]
Refusal = Literal["unknown", "blocked", "limited"]
Withheld = Literal["strip_logprobs", "summarise_reasoning", "round_embeddings", "single_candidate"]
MINUTE: Final = 60.0


@dataclass
class Budget:
    """What may be used in a minute; shared by all keys that draw on it.

    Attributes:
        rpm: requests; None is no limit.
        tpm: tokens; None is no limit.
    """

    rpm: int | None = None
    tpm: int | None = None
    _minute: int = 0
    _requests: int = 0
    _tokens: int = 0

    def left(self, now: float) -> bool:
        """Whether another request may be made at a time, epoch seconds."""
        if int(now // MINUTE) != self._minute:
            self._minute, self._requests, self._tokens = int(now // MINUTE), 0, 0
        return (self.rpm is None or self._requests < self.rpm) and (self.tpm is None or self._tokens < self.tpm)

    def use(self, requests: int, tokens: int) -> None:
        """Counts what was used."""
        self._requests += requests
        self._tokens += tokens


@dataclass
class Holder:
    """The holder of a key.

    Attributes:
        account: its id, which management calls name it by.
        org: that it belongs to.
        own: its own budget.
        team: whose budget it draws on too, where it was moved to one.
        blocked: whether all is refused.
        withheld: what is left out of its answers.
    """

    account: str
    org: str | None = None
    own: Budget = field(default_factory=Budget)
    team: Budget | None = None
    blocked: bool = False
    withheld: frozenset[Withheld] = frozenset()

    def budgets(self) -> list[Budget]:
        """All that a request of it counts against."""
        return [self.own, *([self.team] if self.team else [])]


class Keys:
    """The keys of a gateway.

    Args:
        holders: secret → holder.
        clock: epoch seconds.
    """

    def __init__(self, holders: dict[str, Holder], clock: Clock = time.time) -> None:
        self._holders, self._clock = holders, clock
        self._by_account = {holder.account: holder for holder in holders.values()}
        self._teams: dict[str, Budget] = {}

    def holder(self, secret: str) -> Holder | None:
        """Whose key it is."""
        return self._holders.get(secret)

    def admit(self, holder: Holder | None) -> Refusal | None:
        """Lets a request in and counts it, or says why not."""
        if holder is None:
            return "unknown"
        if holder.blocked:
            return "blocked"
        now = self._clock()
        # Every budget is asked, so that each begins its minute.
        left = [budget.left(now) for budget in holder.budgets()]
        if not all(left):
            return "limited"
        for budget in holder.budgets():
            budget.use(1, 0)
        return None

    def spend(self, holder: Holder, tokens: int) -> None:
        """Counts tokens of a request that was let in."""
        for budget in holder.budgets():
            budget.use(0, tokens)

    def block(self, account: str) -> None:
        """Refuses all that an account asks from now on.

        Raises:
            KeyError: nobody of that id holds a key.
        """
        self._by_account[account].blocked = True

    def unblock(self, account: str) -> None:
        """Lets an account ask again.

        Raises:
            KeyError: nobody of that id holds a key.
        """
        self._by_account[account].blocked = False

    def withhold(self, account: str, what: frozenset[Withheld]) -> None:
        """Leaves something out of all answers to an account from now on.

        Raises:
            KeyError: nobody of that id holds a key.
        """
        self._by_account[account].withheld |= what

    def restore(self, account: str) -> None:
        """Answers an account in full again.

        Raises:
            KeyError: nobody of that id holds a key.
        """
        self._by_account[account].withheld = frozenset()

    def new_team(self, team: str, rpm: int | None, tpm: int | None) -> None:
        """A budget that keys can be moved to; one of the same name is replaced for those to come."""
        self._teams[team] = Budget(rpm, tpm)

    def update(self, account: str, *, team: str | None = None, rpm: int | None = None, tpm: int | None = None) -> None:
        """Moves an account to a team, or sets limits of its own; None leaves as it is.

        Raises:
            KeyError: there is no such account or team.
        """
        holder = self._by_account[account]
        if team is not None:
            holder.team = self._teams[team]
        holder.own.rpm = holder.own.rpm if rpm is None else rpm
        holder.own.tpm = holder.own.tpm if tpm is None else tpm
