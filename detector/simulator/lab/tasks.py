"""The questions: three kinds of multi-step task, with the reasoning that leads to the answer.

Each is a chain of easy steps, so its answer is hard to learn from question and answer alone, and easy with the steps
shown: what makes reasoning worth stealing. A fixed share of all questions is held out, by a hash of the question.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from detector.simulator.lab.vocabulary import (
    ANSWER,
    ASK,
    CLOSE,
    DIGIT,
    END,
    EQUALS,
    LETTER,
    LETTERS,
    NUMBER,
    OPEN,
    OPERATOR,
    PAD,
    PROGRAM,
    PROGRAMS,
    STEP,
    Tokens,
)

Split = Literal["train", "test"]

OPERATIONS: Final = 4  # in a sum
ITEMS: Final = 4  # of a list
CALLS: Final = 3  # programs run on it
KEYS: Final = len(LETTERS)  # of a table
HOPS: Final = 4  # look-ups in it
HELD_OUT: Final = 8  # one question in so many
LONGEST: Final = 40  # tokens of question, reasoning and answer
_HASH: Final = 0x9E3779B97F4A7C15


@dataclass(frozen=True)
class Questions:
    """Questions of one task, all of one length, with worked solutions.

    Attributes:
        task: its name.
        prompts: i64[n, q], question with its mark.
        reasoning: i64[n, r], the worked steps.
        answers: i64[n, a], with the mark before and the end after.
        table: i64[n, keys], token that each letter stands for; what the tool looks up; empty where there is none.
    """

    task: str
    prompts: Tokens
    reasoning: Tokens
    answers: Tokens
    table: Tokens

    def __len__(self) -> int:
        return len(self.prompts)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_] | slice) -> "Questions":
        """Some of them."""
        return Questions(self.task, self.prompts[rows], self.reasoning[rows], self.answers[rows], self.table[rows])

    def worked(self) -> Tokens:
        """Question, reasoning and answer: i64[n, LONGEST], padded."""
        return padded(np.concatenate([self.prompts, self.reasoning, self.answers], axis=1))


def stacked(questions: "list[Questions]") -> Questions:
    """Questions of the same task as one."""
    columns = ("prompts", "reasoning", "answers", "table")
    return Questions(questions[0].task, *(np.concatenate([getattr(q, name) for q in questions]) for name in columns))


def padded(tokens: Tokens) -> Tokens:
    """Rows filled up to the longest text.

    Raises:
        ValueError: they are longer.
    """
    return np.pad(tokens, ((0, 0), (0, LONGEST - tokens.shape[1])), constant_values=PAD)


def _marked(answer: Tokens) -> Tokens:
    n = len(answer)
    return np.concatenate([np.full((n, 1), ANSWER), answer, np.full((n, 1), END)], axis=1)


def _column(n: int, token: int) -> Tokens:
    return np.full((n, 1), token, np.int64)


def sums(rng: np.random.Generator, n: int) -> Questions:
    """Chains of additions, subtractions and multiplications from left to right, by the last digit."""
    numbers = rng.integers(1, 6, (n, OPERATIONS + 1))
    operators = rng.integers(0, 3, (n, OPERATIONS))
    prompt, steps = [_column(n, NUMBER["sum"]), DIGIT + numbers[:, :1]], []
    value = numbers[:, 0]
    for k in range(OPERATIONS):
        operator, right = operators[:, k], numbers[:, k + 1]
        result = np.choose(operator, [value + right, value - right, value * right]) % 10
        steps += [
            DIGIT + value,
            OPERATOR + operator,
            DIGIT + right,
            np.full(n, EQUALS),
            DIGIT + result,
            np.full(n, STEP),
        ]
        prompt += [OPERATOR + operator[:, None], DIGIT + right[:, None]]
        value = result
    prompt.append(_column(n, ASK))
    answer = _marked(DIGIT + value[:, None])
    return Questions("sum", np.concatenate(prompt, axis=1), np.stack(steps, axis=1), answer, np.zeros((n, 0), np.int64))


def _run(program: Tokens, items: Tokens) -> Tokens:
    """One program on each list."""
    swapped, mirrored = items.copy(), items.copy()
    swapped[:, [0, 1]] = items[:, [1, 0]]
    mirrored[:, 2:] = items[:, [1, 0]]
    outcomes = np.stack(
        [items[:, ::-1], np.roll(items, -1, axis=1), (items + 1) % 10, (items - 1) % 10, swapped, mirrored]
    )
    return outcomes[program, np.arange(len(items))]


def lists(rng: np.random.Generator, n: int) -> Questions:
    """Programs run one after the other on a list of digits."""
    items = rng.integers(0, 10, (n, ITEMS))
    programs = rng.integers(0, len(PROGRAMS), (n, CALLS))
    prompt = np.concatenate([_column(n, NUMBER["list"]), DIGIT + items, PROGRAM + programs, _column(n, ASK)], axis=1)
    steps = []
    for k in range(CALLS):
        items = _run(programs[:, k], items)
        steps += [PROGRAM + programs[:, k : k + 1], DIGIT + items, _column(n, STEP)]
    return Questions("list", prompt, np.concatenate(steps, axis=1), _marked(DIGIT + items), np.zeros((n, 0), np.int64))


def tables(rng: np.random.Generator, n: int) -> Questions:
    """Look-ups from key to key in a table, each by a call of a tool that reads the table."""
    table = rng.integers(0, KEYS, (n, KEYS))
    key = rng.integers(0, KEYS, n)
    prompt = np.concatenate(
        [_column(n, NUMBER["table"]), LETTER + table, LETTER + key[:, None], _column(n, ASK)], axis=1
    )
    steps = []
    for _ in range(HOPS):
        found = table[np.arange(n), key]
        steps += [np.full(n, OPEN), LETTER + key, np.full(n, CLOSE), LETTER + found]
        key = found
    return Questions("table", prompt, np.stack(steps, axis=1), _marked(LETTER + key[:, None]), LETTER + table)


TASKS: Final[dict[str, Callable[[np.random.Generator, int], Questions]]] = {"sum": sums, "list": lists, "table": tables}


def held_out(prompts: Tokens) -> NDArray[np.bool_]:
    """Which questions are never trained on."""
    code = np.zeros(len(prompts), np.uint64)
    for column in prompts.T:
        code = (code ^ column.astype(np.uint64)) * np.uint64(_HASH)
        code ^= code >> np.uint64(29)
    return code % np.uint64(HELD_OUT) == 0


def draw(rng: np.random.Generator, n: int, split: Split = "train") -> list[Questions]:
    """Questions of all tasks in equal parts.

    Args:
        rng: of the draw.
        n: how many in all; each task gets a third, the first ones what is left over.
        split: `test` for held-out questions, `train` for the others.
    """
    counts = [n // len(TASKS) + (k < n % len(TASKS)) for k in range(len(TASKS))]
    return [_draw(make, rng, count, split) for make, count in zip(TASKS.values(), counts, strict=True)]


def _draw(
    make: Callable[[np.random.Generator, int], Questions], rng: np.random.Generator, n: int, split: Split
) -> Questions:
    oversample = 2 if split == "train" else 2 * HELD_OUT
    made = make(rng, oversample * n + 64)
    kept = np.flatnonzero(held_out(made.prompts) == (split == "test"))[:n]
    if len(kept) < n:
        raise AssertionError("the hash of questions is not even")  # pragma: no cover - one in 10^30
    return made.take(kept)
