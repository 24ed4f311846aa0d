"""Settings as a TOML file that can be saved, changed and given back, each under a comment that says what it means."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel

from detector.config import Settings

_HEAD: Final = "# Save this, change it, and give it to --config. What begins with # and a name is not set."
_HIDDEN: Final = "hash_key"


def as_toml(settings: Settings) -> str:
    """All settings but the secret of the hashes, which is not shown."""
    values = json.loads(settings.model_dump_json())
    fields = Settings.model_fields
    tables = [name for name in fields if isinstance(getattr(settings, name), BaseModel) or name in {"notify", "jwt"}]
    lines = [_HEAD, ""]
    for name in fields:
        if name == _HIDDEN:
            secret = "set, and not shown" if settings.hash_key else "of the log in a replay, drawn and kept by serve"
            lines += [f"# {fields[name].description}", f"# {name} =  ({secret})"]
        elif name not in tables:
            lines += _setting(name, values[name], fields[name].description)
    for name in tables:
        meaning = (fields[name].description or "").removesuffix(", see below")
        lines += ["", f"# {meaning}", *_table(name, getattr(settings, name), values[name])]
    return "\n".join(lines) + "\n"


def _table(name: str, model: Any, values: Any) -> Iterator[str]:  # noqa: ANN401 - a model, a list of them, or none
    if isinstance(model, list):
        if not model:
            yield f"# [[{name}]]"
        for one, each in zip(model, values, strict=True):
            yield from (f"[[{name}]]", *_settings(one, each))
    elif model is None:
        yield f"# [{name}]"
    else:
        yield from (f"[{name}]", *_settings(model, values))


def _settings(model: BaseModel, values: Mapping[str, Any]) -> Iterator[str]:
    for name, info in type(model).model_fields.items():
        yield from _setting(name, values[name], info.description)


def _setting(name: str, value: Any, meaning: str | None) -> list[str]:  # noqa: ANN401 - of JSON
    return [f"# {meaning or ''}", f"# {name} =" if value is None else f"{name} = {_value(value)}"]


def _value(value: Any) -> str:  # noqa: ANN401 - of JSON
    """A value of JSON in TOML, on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_value(key)} = {_value(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    # JSON has the escapes of TOML, and but for one character no other.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
