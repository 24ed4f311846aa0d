"""What `revenuer render` does with what a replay recommends."""

import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import yaml

from detector.alerts.model import Advice, Recommendation
from detector.alerts.render import render
from detector.alerts.render.litellm import AccountIs
from detector.stop import USAGE, misuse, stop


def rendered(path: Path, fmt: str, wanted: str | None, account_is: AccountIs, *, as_json: bool) -> None:
    """Print recommendations for a gateway.

    Args:
        path: recommendations.ndjson of a replay.
        fmt: of `FORMATS`.
        wanted: id of a recommendation; by default all that stand at the end.
        account_is: what an account id is at LiteLLM.
        as_json: an object a line, YAML without.
    """
    with misuse(command="render"):
        told = list(_read(path))
    found = _standing(told) if wanted is None else _named(told, wanted)
    if wanted is not None and not found:
        stop(f"{path}: there is no recommendation {wanted}", USAGE, "render")
    if not found:
        sys.stderr.write(f"revenuer render: {path}: there is no recommendation in it\n")
    for each in found:
        made = render(each, fmt, account_is)
        if as_json:
            sys.stdout.write(msgspec.json.encode(made).decode() + "\n")
        else:
            preview = made.pop("preview", "")  # comments already
            sys.stdout.write(f"---\n{yaml.safe_dump(made, sort_keys=False, width=120, allow_unicode=True)}{preview}")


def _read(path: Path) -> Iterator[Advice]:
    """Its lines; the first that holds no recommendation ends the command."""
    decode = msgspec.json.Decoder(Advice).decode
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                try:
                    yield decode(line)
                except (msgspec.DecodeError, UnicodeDecodeError) as error:
                    stop(f"{path}:{number}: no recommendation of a replay: {error}", USAGE, "render")


def _standing(told: list[Advice]) -> list[Recommendation]:
    """The last of each alert; what was recommended for an alert is over once it is merged into another."""
    last = {each.recommendation.alert_id: each.recommendation for each in told}
    over = {alert for each in told for alert in each.supersedes}
    return [made for alert, made in last.items() if alert not in over]


def _named(told: list[Advice], wanted: str) -> list[Recommendation]:
    """The last with an id: while a cluster grows, the same one binds more accounts."""
    return [each.recommendation for each in told if each.recommendation.id == wanted][-1:]
