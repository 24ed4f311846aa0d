"""`revenuer config show | check`."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from detector.stop import USAGE, stop

if TYPE_CHECKING:
    from detector.config import Settings

config_app = typer.Typer(help="The settings: show them, check a file.", no_args_is_help=True)

ConfigFile = Annotated[Path | None, typer.Option("--config", help="Settings in TOML")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object")]


def settings_of(path: Path | None) -> "Settings":
    """The settings of a command; a broken file ends it."""
    from detector.config import ConfigError, load_settings

    try:
        return load_settings(path)
    except ConfigError as error:
        stop(str(error), USAGE)


@config_app.command("show")
def show(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Print every setting with its value and meaning, as TOML that can be given to --config."""
    from detector.config_toml import as_toml

    settings = settings_of(config)
    if not as_json:
        sys.stdout.write(as_toml(settings))
        return
    values = json.loads(settings.model_dump_json())
    values["hash_key"] = "set" if settings.hash_key else "of the log in a replay, drawn and kept by serve"
    sys.stdout.write(json.dumps(values) + "\n")


@config_app.command("check")
def check(
    path: Annotated[Path, typer.Argument(help="Settings in TOML", show_default=False)], as_json: AsJson = False
) -> None:
    """Check a settings file, and the files that it names; exit code 2 if one is broken."""
    from detector.config_check import problems_of, warnings_of

    problems = problems_of(path)
    warnings = [] if problems else warnings_of(path)
    if as_json:
        sys.stdout.write(json.dumps({"ok": not problems, "problems": problems, "warnings": warnings}) + "\n")
    elif problems:
        sys.stderr.write("".join(f"{problem}\n" for problem in problems))
    else:
        sys.stderr.write("".join(f"revenuer: {warning}\n" for warning in warnings))
        sys.stdout.write(f"{path}: good\n")
    if problems:
        raise typer.Exit(USAGE)
