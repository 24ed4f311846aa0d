"""The formats that are known, a line each."""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Final

from streams.adapters.base import Adapter
from streams.adapters.bedrock import Bedrock
from streams.adapters.fieldmap import FieldMap, Mapped
from streams.adapters.litellm import LiteLLM
from streams.adapters.mapfile import MapError, load_map
from streams.adapters.otel import OTel

Make = Callable[[str | None], Adapter]
_PRESETS: Final = Path(__file__).parent / "presets"


@cache
def _shipped(name: str) -> FieldMap:
    return load_map(_PRESETS / f"{name}.yaml")


def _preset(name: str) -> Make:
    return lambda account_path: Mapped(_shipped(name), account_path)


ADAPTERS: Final[Mapping[str, Make]] = {
    "litellm": LiteLLM,
    "otel": OTel,
    "bedrock": Bedrock,
    "helicone": _preset("helicone"),
    "langfuse": _preset("langfuse"),
    "kong": _preset("kong"),
    "envoy": _preset("envoy"),
}
AUTO: Final = "auto"
NATIVE: Final = "revenuer"


def adapters(wanted: str, account_path: str | None = None) -> list[Adapter]:
    """Adapters of a format.

    Args:
        wanted: `auto` for all, a name, or the path of a field map (`.yaml`, `.yml`).
        account_path: dotted path of the account id.

    Raises:
        MapError: the name is none, or the map is broken.
    """
    if wanted == AUTO:
        return [make(account_path) for make in ADAPTERS.values()]
    if wanted in ADAPTERS:
        return [ADAPTERS[wanted](account_path)]
    if wanted.endswith((".yaml", ".yml")):
        return [Mapped(load_map(Path(wanted)), account_path)]
    raise MapError(f"{wanted} is no format; it may be {AUTO}, {NATIVE}, {', '.join(ADAPTERS)}, or a .yaml file")
