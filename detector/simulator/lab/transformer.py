"""A small decoder-only transformer; teacher and students are this one at different sizes."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from detector.simulator.lab.tasks import LONGEST
from detector.simulator.lab.vocabulary import SIZE

Cache = list[tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Shape:
    """How big a model is.

    Attributes:
        width: of its vectors; a multiple of `heads`.
        layers: blocks.
        heads: of attention.
    """

    width: int
    layers: int
    heads: int = 4


TEACHER = Shape(96, 3)
STUDENTS = {"smaller": Shape(64, 2), "equal": TEACHER, "larger": Shape(144, 3)}


class _Block(nn.Module):
    """Attention, then a feed-forward layer, each on normalised input and added to it."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.before, self.between = nn.LayerNorm(shape.width), nn.LayerNorm(shape.width)
        self.mix = nn.Linear(shape.width, 3 * shape.width, bias=False)
        self.out = nn.Linear(shape.width, shape.width, bias=False)
        self.up = nn.Linear(shape.width, 4 * shape.width)
        self.down = nn.Linear(4 * shape.width, shape.width)

    def forward(self, x: Tensor, past: tuple[Tensor, Tensor] | None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        n, length, width = x.shape
        mixed = self.mix(self.before(x)).view(n, length, 3, self.heads, width // self.heads)
        query, key, value = mixed.permute(2, 0, 3, 1, 4)
        if past is not None:
            key, value = torch.cat([past[0], key], 2), torch.cat([past[1], value], 2)
        # With a past there is one new token, which may look at everything.
        seen = functional.scaled_dot_product_attention(query, key, value, is_causal=past is None)
        x = x + self.out(seen.transpose(1, 2).reshape(n, length, width))
        return x + self.down(functional.gelu(self.up(self.between(x)))), (key, value)


class Transformer(nn.Module):
    """Next-token model over the vocabulary.

    Args:
        shape: its size.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.words = nn.Embedding(SIZE, shape.width)
        self.places = nn.Embedding(LONGEST, shape.width)
        self.blocks = nn.ModuleList(_Block(shape) for _ in range(shape.layers))
        self.last = nn.LayerNorm(shape.width)
        self.head = nn.Linear(shape.width, SIZE, bias=False)
        for weight in (self.words.weight, self.places.weight):
            nn.init.normal_(weight, std=0.1)

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits of the token after each: f32[n, length, SIZE] from i64[n, length]."""
        return self.step(tokens, None)[0]

    def step(self, tokens: Tensor, cache: Cache | None) -> tuple[Tensor, Cache]:
        """Logits, and keys and values to go on from.

        Args:
            tokens: i64[n, length]; one token a row where there is a cache.
            cache: of the tokens before.
        """
        features, kept = self._read(tokens, cache)
        return self.head(features), kept

    def features(self, tokens: Tensor) -> Tensor:
        """What the head reads after each token: f32[n, length, width]."""
        return self._read(tokens, None)[0]

    def _read(self, tokens: Tensor, cache: Cache | None) -> tuple[Tensor, Cache]:
        begin = 0 if cache is None else cache[0][0].shape[2]
        x = self.words(tokens) + self.places.weight[begin : begin + tokens.shape[1]]
        kept: Cache = []
        for number, block in enumerate(self.blocks):
            x, pair = block(x, None if cache is None else cache[number])
            kept.append(pair)
        return self.last(x), kept

    def parameters_count(self) -> int:
        """Numbers in the model."""
        return sum(p.numel() for p in self.parameters())


def build(shape: Shape, seed: int) -> Transformer:
    """An untrained model; the same seed gives the same weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Transformer(shape)
