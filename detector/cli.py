"""The command `revenuer`: each of its commands is loaded when it is asked for, for what stands behind most takes seconds."""

import importlib
from collections.abc import Mapping
from typing import Any, Final

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group

COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "demo": (
        "detector.demo:demo",
        "Simulate a week with campaigns in it, find them, print the alerts and how many were right.",
    ),
    "replay": ("detector.service.cli:replay", "Replay historical logs and write alerts, scores and a report."),
    "render": (
        "detector.service.cli:render",
        "Write the recommendations of a replay for a gateway. They are dry runs: what they would set is a comment.",
    ),
    "serve": (
        "detector.service.cli:serve",
        "Serve the API and the console, and detect what is posted or put into the inbox.",
    ),
    "audit": (
        "detector.service.cli:audit",
        "Verify the audit log: every entry must follow from the one before. Exit code 1 where one does not.",
    ),
    "forget": (
        "detector.service.cli:forget",
        "Erase an account from the running service, its store, checkpoints and journal, and print the receipt.",
    ),
    "simulate": (
        "detector.simulator.cli:simulate",
        "Write labelled traffic of a world: requests, accounts, events, truth.",
    ),
    "validate": (
        "detector.simulator.lab.cli:validate",
        "Distil a student from what attackers harvest, with and without enforcement, and say what it gained.",
    ),
    "evaluate": (
        "detector.evaluation.cli:evaluate",
        "Measure alerts against the truth of a simulated world: precision, recall, leak, time to detect.",
    ),
    "train": (
        "detector.scoring.anomaly.cli:train",
        "Fit the anomaly models on your own traffic and distil them into a scorer.",
    ),
    "calibrate": (
        "detector.service.cli:calibrate",
        "Measure the benign reference on your own traffic, though attackers may be in it.",
    ),
    "rules": ("detector.scoring.rules.cli:rules_app", "The detection rules: list them, check them, run their tests."),
    "config": ("detector.config_cli:config_app", "The settings: show them, check a file."),
}
"""Where each command is, and the first line of its help, which its own documentation repeats (a test holds them together)."""


def load(name: str) -> Any:  # noqa: ANN401 - typer's commands have no public type
    """A command, with all that stands behind it."""
    module, _, attribute = COMMANDS[name][0].partition(":")
    found = getattr(importlib.import_module(module), attribute)
    holder = typer.Typer()
    if isinstance(found, typer.Typer):
        holder.add_typer(found, name=name)
    else:
        holder.command(name)(found)
    return get_group(holder).commands[name]


def whole() -> TyperGroup:
    """The command with all of its commands loaded, for the documentation."""
    group = get_command(app)
    assert isinstance(group, TyperGroup)
    group.commands = {name: load(name) for name in COMMANDS}
    return group


class _Lazy(TyperGroup):
    """A group that shows its commands by what the table says, and loads the one that is run."""

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401 - handed on
        super().__init__(**settings)
        self.commands = {name: TyperCommand(name, help=line) for name, (_, line) in COMMANDS.items()}

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:  # noqa: ANN401 - typer's own
        name, shown, rest = super().resolve_command(ctx, args)
        return name, load(name) if name is not None and name in COMMANDS else shown, rest


app = typer.Typer(
    cls=_Lazy,
    help="Finds distillation attacks on model APIs in request logs.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # a prompt may be in them
)


@app.callback()
def _root() -> None:
    pass


def main() -> None:
    """Entry point."""
    app()
