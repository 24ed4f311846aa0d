"""The formats by name, and what holds for all of them: dry runs never enforce, gaps are said."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import msgspec
import yaml

from detector.alerts.model import Recommendation
from detector.alerts.render.base import BY_HAND, Rendered, Renderer
from detector.alerts.render.envoy import envoy
from detector.alerts.render.ietf import ietf
from detector.alerts.render.kong import kong
from detector.alerts.render.litellm import AccountIs, litellm

FORMATS: Final[Mapping[str, Renderer]] = {"envoy": envoy, "ietf": ietf, "kong": kong, "litellm": litellm}
_MARK: Final = "DRY RUN: for reading only, enforces nothing."


def render(recommendation: Recommendation, fmt: str, account_is: AccountIs = "user") -> dict[str, Any]:
    """A recommendation as a gateway's configuration.

    Args:
        recommendation: from an alert.
        fmt: a name of `FORMATS`.
        account_is: what an account id is at LiteLLM.

    Returns:
        `format`, `recommendation_id`, `alert_id`, `action`, `subject`, `expires_at`, `dry_run`, `notes` and `config`.
        Of a dry run, `config` is empty and `preview` holds what it would be as YAML in which every line is a comment,
        so that pasting it enforces nothing.

    Raises:
        ValueError: if the format is unknown.
    """
    renderer = FORMATS.get(fmt)
    if renderer is None:
        raise ValueError(f"unknown format {fmt!r}; known: {', '.join(sorted(FORMATS))}")
    if renderer is litellm:
        renderer = partial(litellm, account_is=account_is)
    made = _rendered(recommendation, renderer)
    out: dict[str, Any] = {
        "format": fmt,
        "recommendation_id": recommendation.id,
        "alert_id": recommendation.alert_id,
        "action": recommendation.action,
        "subject": {**msgspec.to_builtins(recommendation.subject), "accounts": list(recommendation.subject.accounts)},
        "expires_at": recommendation.expires_at,
        "dry_run": recommendation.dry_run,
        "notes": made.notes,
        "config": made.config,
    }
    if recommendation.dry_run:
        out |= {"config": {}, "marker": _MARK, "preview": _commented(made.config)}
    return out


def _rendered(recommendation: Recommendation, renderer: Renderer) -> Rendered:
    if recommendation.action in BY_HAND:
        return Rendered(notes=[f"The action {recommendation.action} is taken outside the gateway."])
    if not recommendation.subject.accounts:
        return Rendered(notes=["It binds no account: no member is a core member."])
    made = _limiting(recommendation, renderer)
    if recommendation.action == "rotate_key":
        made.notes.insert(0, _rotating(applied=bool(made.config)))
    if recommendation.degrade:
        made.notes.append(f"The gateway cannot do these; the model server must: {', '.join(recommendation.degrade)}.")
    if made.config:
        made.notes.append(f"Nothing removes it by itself: take it back at {recommendation.expires_at}.")
    return made


def _limiting(recommendation: Recommendation, renderer: Renderer) -> Rendered:
    if not recommendation.limits and recommendation.action != "suspend":
        return Rendered(notes=["It sets no limit: the usage of ordinary accounts is not known yet."])
    return renderer(recommendation)


def _rotating(*, applied: bool) -> str:
    until = "what is here is for the old one until then" if applied else "until then nothing here binds the old one"
    return f"No gateway is told to rotate a key: the provider issues a new one and revokes the old one; {until}."


def _commented(config: dict[str, Any]) -> str:
    text = yaml.safe_dump(config, sort_keys=False, width=120) if config else ""
    return "".join(f"# {line}\n" for line in (_MARK, *text.splitlines()))
