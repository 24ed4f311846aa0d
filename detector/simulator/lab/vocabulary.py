"""The words that teacher and students read and write, as numbers."""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

Tokens = NDArray[np.int64]

PAD: Final = 0
DIGITS: Final = "0123456789"
OPERATORS: Final = "+-*"
LETTERS: Final = "abcdefgh"
PROGRAMS: Final = ("reverse", "rotate", "raise", "lower", "swap", "mirror")
# What starts a task, ends a question, ends a step, opens and closes a call, announces the answer, ends the text.
MARKS: Final = ("sum", "list", "table", "?", ";", "=", "(", ")", "answer", ".")

WORDS: Final[tuple[str, ...]] = ("_", *DIGITS, *OPERATORS, *LETTERS, *PROGRAMS, *MARKS)
NUMBER: Final[dict[str, int]] = {word: number for number, word in enumerate(WORDS)}
SIZE: Final = len(WORDS)

ASK: Final = NUMBER["?"]
STEP: Final = NUMBER[";"]
EQUALS: Final = NUMBER["="]
OPEN: Final = NUMBER["("]
CLOSE: Final = NUMBER[")"]
ANSWER: Final = NUMBER["answer"]
END: Final = NUMBER["."]
DIGIT: Final = NUMBER["0"]
LETTER: Final = NUMBER["a"]
OPERATOR: Final = NUMBER["+"]
PROGRAM: Final = NUMBER["reverse"]


def encode(words: Iterable[str]) -> Tokens:
    """Numbers of words.

    Raises:
        KeyError: a word is not in the vocabulary.
    """
    return np.array([NUMBER[word] for word in words], np.int64)


def decode(tokens: Sequence[int] | Tokens) -> str:
    """Words of numbers with spaces between them; padding is left out.

    Raises:
        IndexError: a number is not in the vocabulary.
    """
    return " ".join(WORDS[int(token)] for token in tokens if int(token) != PAD)
