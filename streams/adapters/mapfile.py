"""A field map out of a YAML file; whatever is wrong is told with file and line."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NoReturn

import yaml

from streams.adapters.casts import CASTS
from streams.adapters.fieldmap import Condition, FieldMap, Source
from streams.exchange import EXCHANGE, MESSAGES, REQUIRED

_FIELDS: Final = frozenset({*(f.name for f in EXCHANGE if f.name != "n_tool_results"), MESSAGES})
_TOP: Final = ("name", "about", "recognise", "where", "records", "fields")
_SOURCE: Final = ("path", "cast", "values", "otherwise", "constant")


class MapError(ValueError):
    """A field map is broken; one line that names file, line and key."""


def load_map(path: Path) -> FieldMap:
    """Read a map.

    Raises:
        MapError: the file cannot be read, or says something that a map has no word for.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise MapError(f"{path}: {getattr(error, 'strerror', None) or 'no UTF-8'}") from error
    return _Reader(str(path)).read(text)


class _Reader:
    """Reads nodes of YAML, which know their lines.

    Args:
        file: its name, for what is wrong.
    """

    def __init__(self, file: str) -> None:
        self._file = file

    def read(self, text: str) -> FieldMap:
        try:
            root = yaml.compose(text, Loader=yaml.SafeLoader)
        except (yaml.YAMLError, RecursionError, ValueError) as error:
            mark = getattr(error, "problem_mark", None)
            problem = getattr(error, "problem", None) or "this is no YAML"
            raise MapError(f"{self._file}:{mark.line + 1 if mark else 1}: {problem}") from error
        if root is None:
            raise MapError(f"{self._file}:1: the file is empty")
        top = self._object(root, "a map", _TOP)
        for needed in ("name", "recognise", "fields"):
            if needed not in top:
                self._fail(root, f"{needed} is missing")
        return FieldMap(
            name=self._text(top["name"], "name"),
            recognise=self._condition(top["recognise"], "recognise", needed=True),
            where=self._condition(top["where"], "where") if "where" in top else Condition(),
            records=self._text(top["records"], "records") if "records" in top else None,
            fields=self._fields(top["fields"]),
        )

    def _fail(self, node: yaml.Node, message: str) -> NoReturn:
        raise MapError(f"{self._file}:{node.start_mark.line + 1}: {message}")

    def _object(self, node: yaml.Node, what: str, known: tuple[str, ...] | None = None) -> dict[str, yaml.Node]:
        if not isinstance(node, yaml.MappingNode):
            self._fail(node, f"{what} must have keys and values")
        out: dict[str, yaml.Node] = {}
        for key, value in self._pairs(node):
            name = self._text(key, f"a key of {what}")
            if known is not None and name not in known:
                self._fail(key, f"{name} is no key of {what}; it may be {', '.join(known)}")
            if name in out:
                self._fail(key, f"{name} stands twice")
            out[name] = value
        return out

    @staticmethod
    def _pairs(node: yaml.Node) -> Iterator[tuple[yaml.Node, yaml.Node]]:
        yield from node.value

    def _text(self, node: yaml.Node, what: str) -> str:
        if not isinstance(node, yaml.ScalarNode) or not node.value:
            self._fail(node, f"{what} must be text")
        return str(node.value)

    def _texts(self, node: yaml.Node, what: str) -> tuple[str, ...]:
        if isinstance(node, yaml.SequenceNode) and node.value:
            return tuple(self._text(inner, what) for inner in node.value)
        return (self._text(node, what),)

    def _value(self, node: yaml.Node, what: str) -> str | int | float:
        if not isinstance(node, yaml.ScalarNode):
            self._fail(node, f"{what} must be one value")
        try:
            value = yaml.SafeLoader("").construct_object(node)
        except (yaml.YAMLError, ValueError) as error:
            raise MapError(f"{self._file}:{node.start_mark.line + 1}: {what} cannot be read") from error
        if not isinstance(value, str | int | float):
            self._fail(node, f"{what} must be text, a number, true or false")
        return value

    def _values(self, node: yaml.Node, what: str) -> tuple[str | int | float, ...]:
        if isinstance(node, yaml.SequenceNode) and node.value:
            return tuple(self._value(inner, what) for inner in node.value)
        return (self._value(node, what),)

    def _condition(self, node: yaml.Node, what: str, *, needed: bool = False) -> Condition:
        told = self._object(node, what, ("present", "equal"))
        if needed and not told:
            self._fail(node, f"{what} must ask for something")
        present = self._texts(told["present"], "present") if "present" in told else ()
        equal = self._object(told["equal"], "equal") if "equal" in told else {}
        return Condition(present, {path: self._values(value, path) for path, value in equal.items()})

    def _fields(self, node: yaml.Node) -> Mapping[str, Source]:
        told = self._object(node, "fields")
        for key, _ in self._pairs(node):
            if key.value not in _FIELDS:
                self._fail(key, f"{key.value} is no field of an exchange")
        for needed in REQUIRED:
            if needed not in told:
                self._fail(node, f"{needed} is missing: every exchange needs it")
        return {name: self._source(value, name) for name, value in told.items()}

    def _source(self, node: yaml.Node, field: str) -> Source:
        if not isinstance(node, yaml.MappingNode):
            return Source(self._texts(node, field))
        told = self._object(node, field, _SOURCE)
        if "otherwise" in told and "values" not in told:
            self._fail(told["otherwise"], f"otherwise says nothing where {field} has no values")
        if "path" not in told and "constant" not in told:
            self._fail(node, f"{field} needs a path or a constant")
        cast = self._text(told["cast"], "cast") if "cast" in told else None
        if cast is not None and cast not in CASTS:
            self._fail(told["cast"], f"{cast} is no cast; it may be {', '.join(CASTS)}")
        values = self._object(told["values"], "values") if "values" in told else {}
        return Source(
            self._texts(told["path"], "path") if "path" in told else (),
            CASTS[cast] if cast else None,
            {name: self._value(value, name) for name, value in values.items()},
            self._value(told["otherwise"], "otherwise") if "otherwise" in told else None,
            self._value(told["constant"], "constant") if "constant" in told else None,
        )
