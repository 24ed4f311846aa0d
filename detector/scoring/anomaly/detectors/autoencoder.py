"""What does not survive a narrow passage: reconstruction error of a small network. Needs the extra `lab`."""

import importlib
from typing import ClassVar

import numpy as np

from detector.profiles.layout import F64
from detector.scoring.anomaly.base import Detector, Score

_WIDTHS = (32, 8)
_EPOCHS = 30
_BATCH = 512
_RATE = 5e-3


class MissingExtraError(ImportError):
    """The detector needs a package that is not installed; the message says which extra brings it."""


class Autoencoder(Detector):
    """An autoencoder in PyTorch, scored by the mean absolute error, which forgives strangers in the fit more than the square does."""

    name: ClassVar = "autoencoder"
    contamination_loss: ClassVar = 0.05

    @property
    def params(self) -> dict[str, float]:
        """Shape and schedule."""
        return {"width": _WIDTHS[0], "bottleneck": _WIDTHS[1], "epochs": _EPOCHS, "batch": _BATCH, "rate": _RATE}

    def _learn(self, z: F64) -> Score:
        try:
            torch = importlib.import_module("torch")
        except ImportError as error:
            raise MissingExtraError("the autoencoder needs torch: install revenuer[lab]") from error
        nn = torch.nn
        rows = torch.from_numpy(z).double()
        columns, (wide, narrow) = z.shape[1], _WIDTHS
        with torch.random.fork_rng(devices=[]):  # leave the caller's random state alone
            torch.manual_seed(self.seed)
            net = nn.Sequential(
                nn.Linear(columns, wide), nn.SiLU(), nn.Linear(wide, narrow), nn.SiLU(),
                nn.Linear(narrow, wide), nn.SiLU(), nn.Linear(wide, columns),
            ).double()  # fmt: skip
            optimiser = torch.optim.AdamW(net.parameters(), lr=_RATE, weight_decay=1e-4)
            for _ in range(_EPOCHS):
                for part in torch.randperm(rows.shape[0]).split(_BATCH):
                    optimiser.zero_grad()
                    (net(rows[part]) - rows[part]).abs().mean().backward()
                    optimiser.step()

        def score(q: F64) -> F64:
            with torch.no_grad():
                x = torch.from_numpy(np.ascontiguousarray(q)).double()
                return np.asarray((net(x) - x).abs().mean(dim=1).numpy(), dtype=np.float64)

        return score
