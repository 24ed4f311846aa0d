"""Checks the part of a rule that every Sigma rule has."""

import datetime as dt
from typing import Final
from uuid import UUID

from detector.scoring.rules.model import CATEGORIES, LEVELS, PRODUCT, TECHNIQUES, Problem
from detector.scoring.rules.source import Source

KEYS: Final = (
    "title",
    "id",
    "status",
    "description",
    "references",
    "author",
    "date",
    "modified",
    "logsource",
    "detection",
    "falsepositives",
    "level",
    "tags",
    "revenuer",
)
_STATUSES: Final = ("experimental", "test", "stable", "deprecated", "unsupported")
_LONGEST: Final = {"title": 80, "description": 900}
_LISTS: Final = ("references", "falsepositives", "tags")


def check_header(source: Source) -> list[Problem]:
    """Problems of all keys but `detection` and `revenuer`."""
    rule = source.value
    problems = [source.problem(f"unknown key '{key}'", key) for key in rule if key not in KEYS]
    for key in ("title", "description", "author"):
        problems += _text(source, key)
    for key in _LISTS:
        problems += _texts(source, key)
    problems += _choice(source, "status", _STATUSES) + _choice(source, "level", LEVELS)
    return problems + _id(source) + _dates(source) + _tags(source) + _logsource(source)


def _text(source: Source, key: str) -> list[Problem]:
    value = source.value.get(key)
    if not isinstance(value, str) or not value.strip():
        return [source.problem(f"{key} is missing" if value is None else f"{key} must be text", key)]
    longest = _LONGEST.get(key)
    if longest is not None and len(value.strip()) > longest:
        return [source.problem(f"{key} has {len(value.strip())} characters, at most {longest} are allowed", key)]
    return []


def _texts(source: Source, key: str) -> list[Problem]:
    values = source.value.get(key)
    if values is None or values == []:
        return [source.problem(f"{key} are missing", key)]
    if not isinstance(values, list):
        return [source.problem(f"{key} must be a list", key)]
    return [
        source.problem(f"{key} must be texts", key, i)
        for i, value in enumerate(values)
        if not isinstance(value, str) or not value.strip()
    ]


def _choice(source: Source, key: str, allowed: tuple[str, ...]) -> list[Problem]:
    value = source.value.get(key)
    if value is None:
        return [source.problem(f"{key} is missing", key)]
    return [] if value in allowed else [source.problem(f"{key} '{value}' is none of {', '.join(allowed)}", key)]


def _id(source: Source) -> list[Problem]:
    value = source.value.get("id")
    if value is None:
        return [source.problem("id is missing", "id")]
    try:
        UUID(str(value))
    except ValueError:
        return [source.problem(f"id '{value}' is no UUID", "id")]
    return []


def _dates(source: Source) -> list[Problem]:
    problems = [] if "date" in source.value else [source.problem("date is missing", "date")]
    return problems + [
        source.problem(f"{key} must be a date, as in 2026-11-24", key)
        for key in ("date", "modified")
        if key in source.value and not isinstance(source.value[key], dt.date)
    ]


def _tags(source: Source) -> list[Problem]:
    tags = source.value.get("tags")
    return [
        source.problem(
            f"tag '{tag}' is none of the {len(TECHNIQUES)} ATLAS techniques used here ({', '.join(TECHNIQUES)})",
            "tags",
            i,
        )
        for i, tag in enumerate(tags if isinstance(tags, list) else [])
        if isinstance(tag, str) and tag not in TECHNIQUES
    ]


def _logsource(source: Source) -> list[Problem]:
    value = source.value.get("logsource")
    if not isinstance(value, dict):
        return [source.problem("logsource is missing", "logsource")]
    problems = [
        source.problem(f"unknown key '{key}' in logsource", "logsource", key)
        for key in value
        if key not in {"product", "category"}
    ]
    if value.get("product") != PRODUCT:
        problems.append(source.problem(f"product must be {PRODUCT}", "logsource", "product"))
    if value.get("category") not in CATEGORIES:
        reason = f"unknown category '{value.get('category')}': {' or '.join(CATEGORIES)}"
        problems.append(source.problem(reason, "logsource", "category"))
    return problems
