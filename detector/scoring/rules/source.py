"""A rule file as values and as places: which line does a key stand on?"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from detector.scoring.rules.model import Problem, RuleError

LARGEST: Final = 64 * 1024  # bytes; a rule is a page of text
DEEPEST: Final = 16


@dataclass(frozen=True)
class Source:
    """A rule file that is YAML.

    Attributes:
        path: the file.
        value: the mapping that it holds.
        root: the same as nodes, which know their lines.
    """

    path: Path
    value: dict[str, Any]
    root: yaml.MappingNode

    def line(self, *keys: str | int) -> int:
        """Line of a key or list item, or of its nearest ancestor that exists; 1-based."""
        node: yaml.Node = self.root
        line = 1
        for key in keys:
            found = _child(node, key)
            if found is None:
                break
            line, node = found
        return line

    def problem(self, reason: str, *keys: str | int) -> Problem:
        """A problem at the line of a key."""
        return Problem(self.path, self.line(*keys), reason)


def _child(node: yaml.Node, key: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for name, child in node.value:
            if name.value == key:
                return name.start_mark.line + 1, child
    if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
        item: yaml.Node = node.value[key]
        return item.start_mark.line + 1, item
    return None


def read_source(path: Path) -> Source:
    """Read a rule file.

    Raises:
        RuleError: it cannot be read, is no YAML, not one mapping, too large, repeats a key, or uses an alias.
    """
    try:
        raw = path.read_bytes()
        text = raw.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise RuleError([Problem(path, 1, f"cannot be read: {error}")]) from error
    if len(raw) > LARGEST:
        raise RuleError([Problem(path, 1, f"larger than {LARGEST // 1024} KiB")])
    try:
        return _parse(path, text)
    except RuleError:
        raise
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = 1 if mark is None else mark.line + 1
        told = str(error.problem or error.context)
        # Newer parsers have a bound on nesting of their own, which they reach before ours.
        why = f"nested deeper than {DEEPEST}" if "nesting depth" in told else f"not YAML: {told}"
        raise RuleError([Problem(path, line, why)]) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise RuleError([Problem(path, 1, f"not YAML: {str(error).partition(chr(10))[0]}")]) from error


def _parse(path: Path, text: str) -> Source:
    depth = 0
    for event in yaml.parse(text, yaml.CSafeLoader):
        line = 1 if event.start_mark is None else event.start_mark.line + 1
        # An alias can blow a small file up to gigabytes, deep nesting exhausts the stack; a rule needs neither.
        if isinstance(event, yaml.AliasEvent):
            raise RuleError([Problem(path, line, "aliases are not allowed in rules")])
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise RuleError([Problem(path, line, f"nested deeper than {DEEPEST}")])
    documents = list(yaml.compose_all(text, yaml.CSafeLoader))
    if len(documents) != 1 or not isinstance(documents[0], yaml.MappingNode):
        raise RuleError([Problem(path, 1, "a rule file holds one mapping")])
    repeated = _repeated(path, documents[0])
    if repeated:
        raise RuleError(repeated)
    return Source(path, yaml.load(text, yaml.CSafeLoader), documents[0])


def _repeated(path: Path, node: yaml.Node) -> list[Problem]:
    problems: list[Problem] = []
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for name, child in node.value:
            if not isinstance(name, yaml.ScalarNode):
                problems.append(Problem(path, name.start_mark.line + 1, "a key must be text"))
                continue
            if name.value in seen:
                problems.append(Problem(path, name.start_mark.line + 1, f"key '{name.value}' is repeated"))
            seen.add(name.value)
            problems += _repeated(path, child)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            problems += _repeated(path, item)
    return problems
