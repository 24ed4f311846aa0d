"""A world: population, campaigns, launches and bans, as a YAML file."""

from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
import yaml

from detector.simulator.campaigns import CAMPAIGNS, Plan
from detector.simulator.evasions import EVASIONS
from detector.simulator.population import INNOCENTS
from detector.simulator.traffic import Setting


class WorldError(ValueError):
    """A world file is broken; one line that names it."""


class _Campaign(msgspec.Struct, forbid_unknown_fields=True):
    kind: str
    accounts: int
    per_day: float
    start_day: float = 0.0
    days: float = 7.0
    dilution: float = 0.0
    burst: float = 0.0
    evasions: list[str] | dict[str, float] = []
    strength: float = 1.0  # of the evasions that have none of their own


class _Launch(msgspec.Struct, forbid_unknown_fields=True):
    day: float
    model: str


class _File(msgspec.Struct, forbid_unknown_fields=True):
    description: str
    seed: int
    start: float
    days: float
    model: str
    embedding_model: str
    population: dict[str, int]
    campaigns: dict[str, _Campaign] = {}
    launches: list[_Launch] = []
    bans: list[float] = []
    other_models: dict[str, float] = {}
    artefacts: bool = False


@dataclass(frozen=True)
class World:
    """What `simulate` plays.

    Attributes:
        name: file name without its ending.
        seed: of all chance.
        setting: time and models.
        population: innocent kind → accounts or groups.
        campaigns: plans.
    """

    name: str
    seed: int
    setting: Setting
    population: dict[str, int]
    campaigns: list[Plan] = field(default_factory=list)


def _evasions(campaign: _Campaign) -> dict[str, float]:
    wanted = campaign.evasions
    return dict.fromkeys(wanted, campaign.strength) if isinstance(wanted, list) else wanted


def shipped() -> dict[str, Path]:
    """Worlds that come with the package, by name."""
    folder = Path(str(files("detector.simulator").joinpath("worlds")))
    return {p.stem: p for p in sorted(folder.glob("*.yml"))}


def load_world(name: str | Path) -> World:
    """A shipped world by name, or one from a file.

    Raises:
        WorldError: there is none, or it is broken.
    """
    known = shipped()
    path = known.get(str(name), Path(name))
    if not path.is_file():
        raise WorldError(f"no world named {name}: choose one of {', '.join(known)} or give a YAML file")
    try:
        raw: Any = yaml.safe_load(path.read_text())
        spec = msgspec.convert(raw, _File)
    except (yaml.YAMLError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise WorldError(f"{path}: {' '.join(str(error).split())}") from error
    for kind in spec.population:
        if kind not in INNOCENTS:
            raise WorldError(f"{path}: no innocent kind {kind}: choose from {', '.join(sorted(INNOCENTS))}")
    for label, c in spec.campaigns.items():
        if c.kind not in CAMPAIGNS:
            raise WorldError(f"{path}: campaign {label}: no kind {c.kind}: choose from {', '.join(sorted(CAMPAIGNS))}")
        for wrong in sorted({*_evasions(c)} - {*EVASIONS}):
            raise WorldError(f"{path}: campaign {label}: no evasion {wrong}: choose from {', '.join(sorted(EVASIONS))}")
        if any(not 0.0 <= s <= 1.0 for s in _evasions(c).values()):
            raise WorldError(f"{path}: campaign {label}: strengths of evasions run from 0 to 1")
    setting = Setting(
        spec.start,
        spec.days,
        spec.model,
        spec.embedding_model,
        tuple((n.day, n.model) for n in spec.launches),
        tuple(spec.bans),
        tuple(spec.other_models.items()),
        spec.artefacts,
    )
    plans = [
        Plan(label, c.kind, c.accounts, c.per_day, c.start_day, c.days, c.dilution, c.burst, _evasions(c))
        for label, c in spec.campaigns.items()
    ]
    return World(path.stem, spec.seed, setting, spec.population, plans)
