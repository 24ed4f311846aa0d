"""Train the teacher of the closed loop.

`python benchmarks/train_teacher.py --seed 7 --out detector/simulator/data/teacher.npz`

Prints exact-answer accuracy on held-out questions, of the half-precision weights that are written. Deterministic on one
thread: the same seed and options give the same weights.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch

from detector.simulator.lab.schooling import school
from detector.simulator.lab.tasks import draw
from detector.simulator.lab.teacher import accuracy, load, save
from detector.simulator.lab.training import Recipe
from detector.simulator.lab.transformer import TEACHER, Shape, build


def main() -> None:
    """Train, measure, write."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--seed", type=int, default=7)
    ask.add_argument("--steps", type=int, default=1800)
    ask.add_argument("--batch", type=int, default=64)
    ask.add_argument("--rate", type=float, default=2e-3)
    ask.add_argument("--width", type=int, default=TEACHER.width)
    ask.add_argument("--layers", type=int, default=TEACHER.layers)
    ask.add_argument("--out", type=Path, default=Path("detector/simulator/data/teacher.npz"))
    said = ask.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(mode=True)
    recipe = Recipe(said.steps, said.batch, said.rate)
    rng, test = np.random.default_rng(said.seed), draw(np.random.default_rng(0), 1500, "test")
    model = build(Shape(said.width, said.layers), said.seed)
    started = time.monotonic()

    def tell(step: int, loss: float) -> None:
        if step % 250 == 0:
            shares = {k: round(v, 4) for k, v in accuracy(model.eval(), [q.take(slice(200)) for q in test]).items()}
            model.train()
            print(f"{step:5d}  {time.monotonic() - started:6.0f} s  loss {loss:.4f}  {shares}", flush=True)

    school(model, recipe, rng, tell)
    save(model, said.out)
    print(f"{model.parameters_count():,} parameters, {said.out.stat().st_size:,} bytes")
    print("held-out:", {k: round(v, 4) for k, v in accuracy(load(said.out), test).items()})


if __name__ == "__main__":
    main()
