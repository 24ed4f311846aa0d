"""A gateway that a whole world's traffic goes through.

A request says in its metadata which exchange of the world it stands for. The log has that exchange, as the world played it; what the
gateway decides is whether it is answered. An attacker puts a question to the teacher into it, and takes the answer home.
"""

from collections.abc import Mapping
from typing import Any, Final

from detector.simulator.lab.gateway.answering import Answered
from detector.simulator.lab.gateway.app import Gateway, Problem
from detector.simulator.lab.gateway.asking import Asked, question
from detector.simulator.lab.gateway.log import Seen

Json = dict[str, Any]
EXCHANGE: Final = "exchange"  # member of the metadata
_NOTHING: Final = {"completion": None, "output_tokens": 0, "reasoning_tokens": 0, "tool_calls": 0, "stop_reason": None}
_ERROR: Final = 400


class Carried(Seen):
    """What is known of a request that stands for an exchange.

    Args:
        seen: the request.
        exchange: as the world played it.
    """

    def __init__(self, seen: Seen, exchange: Json) -> None:
        super().__init__(seen.ts, seen.request_id, seen.holder, seen.asked, seen.user_agent)
        self._exchange = exchange

    def line(self, status: int, answered: Answered | None) -> Json:
        """The exchange of the world, without what it brought where the gateway refused it."""
        known = self._exchange | {"ts": self.ts, "account_id": self.holder.account, "status": status}
        return known | ({} if answered else _NOTHING)

    def tokens(self, _: Answered) -> int:
        """What the world says that it cost."""
        return int(self._exchange.get("input_tokens") or 0) + int(self._exchange.get("output_tokens") or 0)


class WorldGateway(Gateway):
    """Knows the exchanges that requests may stand for; all others are answered as ever.

    Attributes:
        exchanges: by request id.
    """

    exchanges: Mapping[str, Json] = {}

    def _seen(self, seen: Seen) -> Seen:
        exchange = self.exchanges.get(seen.asked.metadata.get(EXCHANGE, ""))
        return seen if exchange is None else Carried(seen, exchange)

    def _answered(self, request_id: str, created: int, asked: Asked) -> Answered:
        exchange = self.exchanges.get(asked.metadata.get(EXCHANGE, ""))
        if exchange is None:
            return super()._answered(request_id, created, asked)
        if exchange["status"] >= _ERROR:
            raise Problem(exchange["status"], "api_error", None, "It failed in the world, too.")
        if question(asked.prompt()) is None:
            return Answered(request_id, created, asked, 0, [])  # an innocent's, of which nobody reads the answer
        return super()._answered(request_id, created, asked)
