"""What the gateway answers: OpenAI's completion, whole or in pieces."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.simulator.lab.gateway.asking import MODEL, Asked
from detector.simulator.lab.tasks import Questions
from detector.simulator.lab.teacher import answer, log_probabilities
from detector.simulator.lab.transformer import Transformer
from detector.simulator.lab.vocabulary import ANSWER, PAD, WORDS, Tokens

Json = dict[str, Any]


@dataclass(frozen=True)
class Choice:
    """One answer to a question.

    Attributes:
        tokens: i64[length], what the teacher wrote, cut where the caller wanted no more.
        cut: whether it was.
        scores: f16[length, SIZE], log-probabilities at each token.
    """

    tokens: Tokens
    cut: bool
    scores: NDArray[np.float16]

    @property
    def reasoning(self) -> int:
        """Tokens before the answer."""
        return int((self.tokens == ANSWER).argmax()) if (self.tokens == ANSWER).any() else len(self.tokens)

    def answer(self) -> "Choice":
        """The same without the reasoning before the answer."""
        return Choice(self.tokens[self.reasoning :], self.cut, self.scores[self.reasoning :])

    def words(self) -> list[str]:
        """Its tokens as texts that join to its content."""
        return [(" " if k else "") + WORDS[int(token)] for k, token in enumerate(self.tokens)]

    def logprobs(self, top: int) -> Json:
        """Log-probabilities in OpenAI's form."""
        return {"content": [self._logprob(k, word, top) for k, word in enumerate(self.words())]}

    def _logprob(self, k: int, word: str, top: int) -> Json:
        likeliest = np.argsort(-self.scores[k], kind="stable")[:top]
        ranked = [_scored(WORDS[int(token)], self.scores[k, token]) for token in likeliest]
        return _scored(word, self.scores[k, self.tokens[k]]) | {"top_logprobs": ranked}


def _scored(text: str, score: np.float16) -> Json:
    return {"token": text, "logprob": float(score), "bytes": list(text.encode())}


def choices(teacher: Transformer, asked: Asked, questions: Questions) -> list[Choice]:
    """Lets the teacher answer as often as is asked."""
    rng = np.random.default_rng(asked.seed)
    written = answer(teacher, questions.take(np.zeros(asked.n, np.int64)), asked.temperature, rng)
    begin = questions.prompts.shape[1]
    scores = log_probabilities(teacher, written.tokens)
    return [
        _choice(tokens[begin:], each[begin - 1 :], asked.most)
        for tokens, each in zip(written.tokens, scores, strict=True)
    ]


def _choice(tokens: Tokens, scores: NDArray[np.float16], most: int) -> Choice:
    length = int((tokens != PAD).sum())
    return Choice(tokens[: min(length, most)], length > most, scores)


@dataclass(frozen=True)
class Answered:
    """The answer to a request.

    Attributes:
        id: of the request.
        created: epoch seconds.
        asked: the request.
        input_tokens: of the question.
        choices: the answers.
    """

    id: str
    created: int
    asked: Asked
    input_tokens: int
    choices: list[Choice]

    @property
    def output_tokens(self) -> int:
        """Of all answers."""
        return sum(len(choice.tokens) for choice in self.choices)

    @property
    def reasoning_tokens(self) -> int:
        """Of these, before the answer proper."""
        return sum(choice.reasoning for choice in self.choices)

    def text(self) -> str:
        """All answers, one a line."""
        return "\n".join("".join(choice.words()) for choice in self.choices)

    def whole(self) -> Json:
        """A completion."""
        made = [
            {
                "index": k,
                "message": {"role": "assistant", "content": "".join(choice.words()), "refusal": None},
                "logprobs": choice.logprobs(self.asked.top_logprobs) if self.asked.logprobs else None,
                "finish_reason": "length" if choice.cut else "stop",
            }
            for k, choice in enumerate(self.choices)
        ]
        return self._frame("chat.completion") | {"choices": made, "usage": self.usage()}

    def pieces(self) -> Iterator[str]:
        """The same as server-sent events, a token each."""
        for k, choice in enumerate(self.choices):
            for at, word in enumerate(choice.words()):
                yield self._piece(k, {"role": "assistant", "content": word} if at == 0 else {"content": word}, None)
            yield self._piece(k, {}, "length" if choice.cut else "stop")
        yield "data: [DONE]\n\n"

    def usage(self) -> Json:
        """Tokens, counted."""
        return {
            "prompt_tokens": self.input_tokens,
            "completion_tokens": self.output_tokens,
            "total_tokens": self.input_tokens + self.output_tokens,
            "completion_tokens_details": {"reasoning_tokens": self.reasoning_tokens},
        }

    def _piece(self, index: int, delta: Json, finish: str | None) -> str:
        body = {"choices": [{"index": index, "delta": delta, "finish_reason": finish}]}
        return f"data: {json.dumps(self._frame('chat.completion.chunk') | body)}\n\n"

    def _frame(self, kind: str) -> Json:
        return {"id": self.id, "object": kind, "created": self.created, "model": MODEL}
