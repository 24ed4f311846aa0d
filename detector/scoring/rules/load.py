"""Finds the rule files and refuses them all if one is broken: half a rule set is a blind spot nobody sees."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from detector.scoring.rules.fields import Fields, known_fields
from detector.scoring.rules.lint import lint
from detector.scoring.rules.model import Rule, RuleError

_PACKAGE: Final = Path(__file__).parents[2]


def default_folder() -> Path:
    """The rules that ship: inside an installed package, or at the top of a checkout."""
    installed = _PACKAGE / "_rules"
    return installed if installed.is_dir() else _PACKAGE.parent / "rules"


def rule_files(paths: Iterable[Path]) -> list[Path]:
    """Rule files of files and folders, in the order given, a folder's by name.

    Raises:
        FileNotFoundError: a path does not exist, or a folder holds no rule.
    """
    files: list[Path] = []
    for path in paths:
        found = sorted(path.rglob("*.yml")) if path.is_dir() else [path] if path.is_file() else []
        if not found:
            raise FileNotFoundError(f"{path}: {'no .yml file in it' if path.is_dir() else 'no such file or folder'}")
        files += found
    return list(dict.fromkeys(files))


def load_rules(path: Path | None = None, fields: Fields | None = None, extra: Path | None = None) -> list[Rule]:
    """All rules of a folder or file, and of another one beside it.

    Args:
        path: where they are; by default those that ship.
        fields: category → field → unit; by default the declared features.
        extra: where further ones are; none of them may have the id or the code of another.

    Raises:
        FileNotFoundError: nothing is there.
        RuleError: any file is broken.
    """
    rules, problems = lint(rule_files(filter(None, (path or default_folder(), extra))), fields or known_fields())
    if problems:
        raise RuleError(problems)
    return rules


def unmeasured(rules: Iterable[Rule]) -> list[str]:
    """Codes of rules that are not as they ship: the rate of false alarms was measured without what they find.

    Fewer rules than ship only lower scores, so that what is left out is no matter.
    """
    shipped = {rule.code: (rule.condition, rule.weight) for rule in load_rules()}
    return [rule.code for rule in rules if shipped.get(rule.code) != (rule.condition, rule.weight)]


def left_out(rules: Sequence[Rule], folder: Path | None) -> str:
    """What is no longer looked for since a folder took the place of the rules that ship; empty where all of them are in use.

    Args:
        rules: all that are in use.
        folder: that the settings name, instead of the one that ships.
    """
    if folder is None:
        return ""
    shipped, used = {rule.code for rule in load_rules()}, {rule.code for rule in rules}
    missing = len(shipped - used)
    which = f"the {missing}" if missing == len(shipped) else f"{missing} of the {len(shipped)}"
    said = f"{len(used)} {'rule' if len(used) == 1 else 'rules'} in use, from {folder}; {which} shipped ones are not"
    return f"{said} (the setting extra_rules adds to them)" if missing else ""
