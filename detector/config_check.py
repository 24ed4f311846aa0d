"""What is wrong with settings beyond each value by itself: files that they name are read as a run would read them."""

import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Final

from detector.config import ConfigError, Settings, load_settings


def problems_of(path: Path) -> list[str]:
    """Everything that would stop a run with these settings, a line each; nothing is written and nobody is asked.

    Args:
        path: of the file; the environment counts, too.
    """
    try:
        settings = load_settings(path)
    except ConfigError as error:
        return [str(error)]
    return [problem for name, check in _CHECKS for problem in _found(name, check, settings)]


def warnings_of(path: Path) -> list[str]:
    """What a run with good settings does, and nobody may have meant, a line each.

    Args:
        path: of the file, in which there is no problem.
    """
    from detector.scoring.rules import left_out, load_rules

    settings = load_settings(path)
    if settings.rules is None:
        return []
    return list(filter(None, [left_out(load_rules(settings.rules, extra=settings.extra_rules), settings.rules)]))


def _found(name: str, check: Callable[[Settings], list[str] | None], settings: Settings) -> list[str]:
    try:
        return check(settings) or []
    except ConfigError as error:  # says which setting it is about
        return [_line(error)]
    except OSError as error:
        return [f"{name}: {_line(error) if error.filename is None else f'{error.filename}: {error.strerror}'}"]
    except ValueError as error:
        return [f"{name}: {_line(error)}"]


def _line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _rules(settings: Settings) -> list[str]:
    """In the words of `rules lint`, which an editor can follow to file and line."""
    if settings.rules is None and settings.extra_rules is None:
        return []
    from detector.scoring.rules import RuleError, load_rules, rule_files

    try:
        rule_files(filter(None, [settings.extra_rules]))
    except FileNotFoundError as error:
        raise ConfigError(f"extra_rules: {error}") from error
    try:
        load_rules(settings.rules, extra=settings.extra_rules)
    except RuleError as error:
        return [str(problem) for problem in error.problems]
    return []


def _reference(settings: Settings) -> None:
    if settings.reference is not None:
        from detector.scoring.reference import load_reference

        load_reference(settings.reference)


def _anomaly_model(settings: Settings) -> None:
    if isinstance(settings.anomaly_model, Path):
        from detector.scoring.anomaly.model import AnomalyModel

        AnomalyModel.load(settings.anomaly_model)


def _format(settings: Settings) -> None:
    from streams.adapters.reader import Format

    Format(settings.format, settings.account_path)


def _indicators(settings: Settings) -> None:
    settings.indicators_key()


def _kafka(settings: Settings) -> None:
    settings.kafka.reach("localhost:9092")
    for name in ("cafile", "certfile", "keyfile"):
        path = getattr(settings.kafka, name)
        if path is not None and not path.is_file():
            raise ConfigError(f"kafka: {name}: {path}: no such file")


def _notify(settings: Settings) -> None:
    if settings.notify:
        from detector.service.channels import channels_of, check_names

        check_names(settings.notify)
        # A channel to a file mends what a crash left in it as soon as it is made.
        channels_of([one for one in settings.notify if one.kind != "file"], Path())


def _jwt(settings: Settings) -> None:
    if settings.jwt is not None:
        from detector.service.http.people import People

        # Its line in the log says the same once more, where one JSON object is expected.
        with redirect_stdout(sys.stderr):
            People(settings.jwt)


_CHECKS: Final[tuple[tuple[str, Callable[[Settings], list[str] | None]], ...]] = (
    ("rules", _rules),
    ("reference", _reference),
    ("anomaly_model", _anomaly_model),
    ("format", _format),
    ("indicators_key_file", _indicators),
    ("kafka", _kafka),
    ("notify", _notify),
    ("jwt", _jwt),
)
