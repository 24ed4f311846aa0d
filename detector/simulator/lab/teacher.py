"""Answers questions with a model: reasoning, calls of the tool, answer, and log-probabilities."""

from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from detector.simulator.lab.tasks import LONGEST, Questions
from detector.simulator.lab.training import Texts
from detector.simulator.lab.transformer import Shape, Transformer
from detector.simulator.lab.vocabulary import ANSWER, CLOSE, END, LETTER, LETTERS, PAD, Tokens


@dataclass(frozen=True)
class Written:
    """What a model wrote to questions of one task.

    Attributes:
        questions: what was asked.
        tokens: i64[n, LONGEST], questions and all that followed.
        told: bool[n, LONGEST], what the tool said: not the model's own.
    """

    questions: Questions
    tokens: Tokens
    told: NDArray[np.bool_]

    def answers(self) -> Tokens:
        """Each answer with its mark and end: i64[n, a] as long as the right ones; all padding where there is none."""
        length = self.questions.answers.shape[1]
        own = self.tokens.copy()
        own[:, : self.questions.prompts.shape[1]] = PAD
        begin = np.where((own == ANSWER).any(axis=1), (own == ANSWER).argmax(axis=1), LONGEST)
        wide = np.pad(own, ((0, 0), (0, length)), constant_values=PAD)
        return np.take_along_axis(wide, begin[:, None] + np.arange(length), axis=1)

    def right(self) -> NDArray[np.bool_]:
        """Whose answer is exactly right."""
        return (self.answers() == self.questions.answers).all(axis=1)

    def texts(self) -> Texts:
        """The whole text, to learn from."""
        learned = (self.tokens != PAD) & ~self.told
        learned[:, : self.questions.prompts.shape[1]] = False
        return Texts(self.tokens, learned)

    def answers_only(self) -> Texts:
        """Question and answer without what was written between."""
        body = np.concatenate([self.questions.prompts, self.answers()], axis=1)
        tokens = np.pad(body, ((0, 0), (0, LONGEST - body.shape[1])), constant_values=PAD)
        learned = tokens != PAD
        learned[:, : self.questions.prompts.shape[1]] = False
        return Texts(tokens, learned)


def _tool(questions: Questions, tokens: Tokens, at: int) -> tuple[NDArray[np.bool_], Tokens]:
    """Rows in which the tool speaks at a place, and what it says there."""
    n = len(questions)
    key = tokens[:, at - 2] - LETTER
    called = (tokens[:, at - 1] == CLOSE) & (key >= 0) & (key < len(LETTERS)) & (questions.table.shape[1] > 0)
    said = questions.table[np.arange(n), key.clip(0, len(LETTERS) - 1)] if questions.table.shape[1] else tokens[:, at]
    return called, said


class Writer(Protocol):
    """Whatever scores the next token: a model, or several that vote."""

    def step(self, tokens: Tensor, cache: list[Any] | None) -> tuple[Tensor, list[Any]]:
        """Scores after the last token, highest is likeliest, and what to go on from."""
        ...


@torch.inference_mode()
def answer(
    model: Writer, questions: Questions, temperature: float = 0.0, rng: np.random.Generator | None = None
) -> Written:
    """Lets a model answer; calls of the look-up tool are answered from the question's table.

    Args:
        model: teacher, student, or several that vote.
        questions: of one task.
        temperature: 0 takes the likeliest token, above that tokens are drawn.
        rng: of the draws; needed where the temperature is above 0.

    Raises:
        ValueError: tokens are to be drawn without `rng`.
    """
    if temperature > 0 and rng is None:
        raise ValueError("sampling needs a random generator")
    n, begin = questions.prompts.shape
    tokens, told = np.full((n, LONGEST), PAD, np.int64), np.zeros((n, LONGEST), np.bool_)
    tokens[:, :begin] = questions.prompts
    logits, cache = model.step(torch.from_numpy(questions.prompts), None)
    going = np.ones(n, np.bool_)
    for at in range(begin, LONGEST):
        last = logits[:, -1].numpy()
        if rng is not None and temperature > 0:
            last = last / temperature + rng.gumbel(size=last.shape)
        called, said = _tool(questions, tokens, at)
        chosen = np.where(called, said, last.argmax(axis=1))
        tokens[:, at] = np.where(going, chosen, PAD)
        told[:, at] = going & called
        going &= tokens[:, at] != END
        if not going.any() or at == LONGEST - 1:
            break
        logits, cache = model.step(torch.from_numpy(tokens[:, at : at + 1]), cache)
    return Written(questions, tokens, told)


@torch.inference_mode()
def log_probabilities(model: Transformer, tokens: Tokens) -> NDArray[np.float16]:
    """Of each possible token after each token: f16[n, length - 1, SIZE]."""
    parts = [
        torch.log_softmax(model(torch.from_numpy(part[:, :-1])), dim=-1).half().numpy()
        for part in np.array_split(tokens, max(1, len(tokens) // 512))
    ]
    return np.concatenate(parts)


def accuracy(model: Transformer, questions: list[Questions]) -> dict[str, float]:
    """Share of exactly right answers by task, and of all questions as `all`."""
    right = {q.task: answer(model, q).right() for q in questions}
    everything = np.concatenate(list(right.values()))
    return {task: float(r.mean()) for task, r in right.items()} | {"all": float(everything.mean())}


def save(model: Transformer, path: Path) -> None:
    """Writes weights in half precision, without pickles."""
    shape = np.array([model.shape.width, model.shape.layers, model.shape.heads])
    weights = {name: value.half().numpy() for name, value in model.state_dict().items()}
    np.savez_compressed(path, shape=shape, **weights)


def load(path: Path) -> Transformer:
    """A model from its file.

    Raises:
        OSError: the file cannot be read.
        ValueError: it holds no such model.
    """
    with np.load(path, allow_pickle=False) as file:
        if "shape" not in file:
            raise ValueError(f"{path}: no model of the lab")
        model = Transformer(Shape(*(int(v) for v in file["shape"])))
        weights = {name: torch.from_numpy(file[name].astype(np.float32)) for name in file.files if name != "shape"}
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise ValueError(f"{path}: {str(error).splitlines()[0]}") from error
    return model.eval()


def shipped() -> Transformer:
    """The teacher that comes with the package."""
    with as_file(files("detector.simulator").joinpath("data", "teacher.npz")) as path:
        return load(path)
