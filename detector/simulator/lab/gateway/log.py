"""The gateway's request log, in the form that the detector reads."""

import json
import threading
from pathlib import Path
from typing import Any

from detector.simulator.lab.gateway.answering import Answered
from detector.simulator.lab.gateway.asking import Asked
from detector.simulator.lab.gateway.keys import Holder


class Log:
    """Appends one line of `revenuer.exchange.v1` a request, refused ones too.

    Args:
        path: of the file.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, threading.Lock()

    def write(self, seen: "Seen", status: int, answered: Answered | None) -> None:
        """Appends an exchange."""
        line = json.dumps(seen.line(status, answered))
        with self._lock, self._path.open("a") as file:
            file.write(line + "\n")


class Seen:
    """What is known of a request before it is answered.

    Args:
        ts: epoch seconds.
        request_id: given by the gateway.
        holder: who asks.
        asked: the request.
        user_agent: of the caller.
    """

    def __init__(self, ts: float, request_id: str, holder: Holder, asked: Asked, user_agent: str | None) -> None:
        self.ts, self.request_id, self.holder, self.asked, self.user_agent = ts, request_id, holder, asked, user_agent

    def line(self, status: int, answered: Answered | None) -> dict[str, Any]:
        """The exchange as it is logged."""
        return self._record(status) | (_answer(answered) if answered else {})

    def tokens(self, answered: Answered) -> int:
        """What an answer costs."""
        return answered.input_tokens + answered.output_tokens

    def _record(self, status: int) -> dict[str, Any]:
        asked, system = self.asked, [m.content for m in self.asked.messages if m.role in {"system", "developer"}]
        return {
            "ts": self.ts,
            "request_id": self.request_id,
            "account_id": self.holder.account,
            "org_id": self.holder.org,
            "model": asked.model,
            "operation": "chat",
            "status": status,
            "system_prompt": system[0] if system else None,
            "prompt": asked.prompt(),
            "n_messages": len(asked.messages),
            "temperature": asked.temperature,
            "n": asked.n,
            "max_tokens": asked.max_completion_tokens or asked.max_tokens,
            "logprobs": asked.logprobs,
            "top_logprobs": asked.top_logprobs,
            "stream": asked.stream,
            "user_agent": self.user_agent,
        }


def _answer(answered: Answered) -> dict[str, Any]:
    return {
        "completion": answered.text(),
        "input_tokens": answered.input_tokens,
        "output_tokens": answered.output_tokens,
        "reasoning_tokens": answered.reasoning_tokens,
    }
