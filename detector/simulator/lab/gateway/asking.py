"""What is asked of the gateway: OpenAI's request, as far as this teacher can answer it."""

import re
from typing import Final, Literal

import numpy as np
from pydantic import BaseModel, Field

from detector.simulator.lab.gateway.keys import Withheld
from detector.simulator.lab.tasks import CALLS, ITEMS, KEYS, LONGEST, OPERATIONS, Questions
from detector.simulator.lab.vocabulary import LETTERS, PROGRAMS, encode

MODEL: Final = "revenuer-teacher"
_DIGIT: Final = r"[0-9]"
_SHAPES: Final = {
    "sum": re.compile(rf"sum {_DIGIT}( [-+*] {_DIGIT}){{{OPERATIONS}}} \?"),
    "list": re.compile(rf"list( {_DIGIT}){{{ITEMS}}}( ({'|'.join(PROGRAMS)})){{{CALLS}}} \?"),
    "table": re.compile(rf"table( [{LETTERS}]){{{KEYS + 1}}} \?"),
}
_ANSWERS: Final = {"sum": 3, "list": ITEMS + 2, "table": 3}  # tokens, with the mark before and the end


class Message(BaseModel):
    """A message of a conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str


class Asked(BaseModel):
    """The body of `POST /v1/chat/completions`; members that are not named here are ignored."""

    model: str
    messages: list[Message] = Field(min_length=1)
    temperature: float = Field(1.0, ge=0, le=2)
    n: int = Field(1, ge=1, le=8)
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    logprobs: bool = False
    top_logprobs: int = Field(0, ge=0, le=20)
    stream: bool = False
    seed: int | None = Field(None, ge=0)
    metadata: dict[str, str] = {}

    @property
    def most(self) -> int:
        """Tokens that an answer may have."""
        return self.max_completion_tokens or self.max_tokens or LONGEST

    def without(self, withheld: frozenset[Withheld]) -> "Asked":
        """The request as it is answered where something is withheld; there are no embeddings to round."""
        changes: dict[str, object] = {}
        if "strip_logprobs" in withheld:
            changes |= {"logprobs": False, "top_logprobs": 0}
        if "single_candidate" in withheld:
            changes |= {"n": 1}
        return self.model_copy(update=changes)

    def prompt(self) -> str:
        """The last user message, its white space evened out."""
        said = [m.content for m in self.messages if m.role == "user"]
        return " ".join(said[-1].split()) if said else ""


def question(text: str) -> Questions | None:
    """The question that a prompt asks; None where it is none of the teacher's tasks."""
    task = next((task for task, shape in _SHAPES.items() if shape.fullmatch(text)), None)
    if task is None:
        return None
    prompt = encode(text.split())[None]
    table = prompt[:, 1 : 1 + KEYS] if task == "table" else prompt[:, :0]
    return Questions(task, prompt, prompt[:, :0], np.zeros((1, _ANSWERS[task]), np.int64), table)
