"""Writes the pages of the docs that are tables of the code: `python docs/build.py`."""  # noqa: INP001 - a script

import inspect
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from typer.core import TyperGroup

from detector.alerts import model
from detector.alerts.allowance import COVERS, EVERYTHING
from detector.cli import whole
from detector.config import (
    ChannelSettings,
    ClusterSettings,
    EnforcementSettings,
    JwtSettings,
    RetentionSettings,
    Settings,
)
from detector.coordination.features import CLUSTER_FEATURES
from detector.profiles.features.table import features_markdown
from detector.scoring.rules import load_rules, rules_markdown
from streams.account import ACCOUNT
from streams.event import EVENT
from streams.exchange import EXCHANGE
from streams.fields import Field, json_schema, markdown

DOCS = Path(__file__).parent
MARK = "<!-- Made by docs/build.py; changes by hand are lost. -->"
RECORDS: Mapping[str, tuple[str, Sequence[Field]]] = {
    "exchange": ("A request to a model API and its response; the log holds one a line.", EXCHANGE),
    "account": ("What the provider knows of an account; a later version of an account follows it.", ACCOUNT),
    "event": ("What happened at the provider.", EVENT),
}

MEANINGS: Mapping[str, Mapping[str, str]] = {
    "Alert": {
        "id": "hash of the kind and the member detected first; fixed at opening",
        "kind": "one account, or a cluster of them",
        "accounts": "every account that the alert stands for",
        "account_detected_at": "event time at which each account was first named at high or above, or at all where the alert is "
        "below it; RFC 3339",
        "severity": "high and above is actionable",
        "risk": "0–100, from the p-value",
        "p_value": "against benign traffic",
        "status": "what an analyst made of it",
        "first_seen": "event time of the members' first exchange, RFC 3339",
        "detected_at": "the earliest of those, RFC 3339",
        "last_seen": "event time of the members' last exchange, RFC 3339",
        "exchanges": "of the members so far",
        "exchanges_before_detection": "those before each member was named at high or above; all so far of one that was not",
        "output_tokens_leaked": "tokens answered before each member was named at high or above; all so far for one that was not",
        "techniques": "MITRE ATLAS ids",
        "reasons": "strongest first",
        "evidence": "links by kind, masked skeletons, capability mix, counts; `timeline`: hours, RFC 3339, and members "
        "active in each; `explanation`: the score by reason, feature and link, and without each; `anomaly`: how strange an "
        "account is, and in what; `culprits`: keys or end users by account; `log_refs`: pointers into the log by account",
        "members": "the accounts, with how far each belongs",
        "recommendation": "what to do; null where nothing is advised",
        "supersedes": "ids of alerts that were merged into this one",
        "merged_into": "id of the alert that stands for this one since a merge",
        "headline": "the sentence that report and console put above it; empty in alerts that were stored before it was there",
        "schema": "name and version of the schema",
    },
    "Recommendation": {
        "id": "the recommendation",
        "subject": "whom it binds",
        "action": "what to do",
        "limits": "quotas to set; one budget for all members where the subject is a cluster",
        "degrade": "what to take out of answers",
        "reason_codes": "reasons of the alert",
        "alert_id": "the alert",
        "created_at": "event time, RFC 3339",
        "expires_at": "event time, RFC 3339",
        "dry_run": "true: shown, not to be enforced",
        "blast_radius": "what acting would hit",
    },
    "Subject": {"kind": "what the id names", "id": "the subject", "accounts": "accounts that it covers"},
    "Limit": {"unit": "what is counted", "quota": "units in a window", "window_s": "window, seconds"},
    "BlastRadius": {
        "accounts": "accounts hit",
        "requests_per_day": "requests a day hit",
        "revenue_tier_mix": "accounts hit by tier",
    },
}


def pages() -> dict[str, str]:
    """Text of every generated file by its path below `docs/`.

    Raises:
        RuleError: a shipped rule is broken.
    """
    schemas = {
        f"schema/{name}.json": json_schema(f"revenuer.{name}.v1", fields) for name, (_, fields) in RECORDS.items()
    }
    schemas["schema/alert.json"] = model.alert_schema()
    return {
        "commands.md": _page("Commands", "Exit codes: 0 good, 1 findings or failure, 2 usage.", *_commands()),
        "features.md": _page("Features", *_features()),
        "rules.md": _page(
            "Rules",
            "What the shipped rules in `rules/` say; weights are nats. `level` changes neither score nor severity. "
            "[A rule of your own](own-rules.md)",
            rules_markdown(load_rules()),
        ),
        "schema.md": _page("Records", *_records(), *_alert()),
        "settings.md": _page("Settings", *_settings()),
        **{path: json.dumps(schema, indent=2, ensure_ascii=False) + "\n" for path, schema in schemas.items()},
    }


def _page(title: str, *parts: str) -> str:
    return "\n\n".join([MARK, f"# {title}", *(part.strip() for part in parts)]) + "\n"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _features() -> list[str]:
    rows = [
        (f"`{f.name}`", f.unit, f.formula, ", ".join(f"`{n}`" for n in f.needs) or "—", f.meaning, f.window)
        for f in CLUSTER_FEATURES.values()
    ]
    return [
        "A rule may name any of them; a feature is unknown where the log lacks a field that it needs.",
        "## Of accounts and of clusters",
        "A cluster's profile is the pool of its members' profiles.",
        features_markdown(),
        "## Of clusters alone",
        _table(("feature", "unit", "formula", "needs", "high means", "window"), rows),
    ]


def _records() -> list[str]:
    parts = ["Keys that are not listed are ignored. Times in logs are RFC 3339 or seconds since 1970."]
    for name, (meaning, fields) in RECORDS.items():
        parts += [f"## `revenuer.{name}.v1`", f"{meaning} [JSON Schema](schema/{name}.json)", markdown(fields)]
        if name == "account":
            parts += _allowances()
    return parts


def _allowances() -> list[str]:
    rows = [
        (f"`{name}`", "every reason" if EVERYTHING in codes else ", ".join(f"`{code}`" for code in codes))
        for name, codes in COVERS.items()
    ]
    return ["### Allowances", _ALLOWANCES, _table(("name", "covers"), rows)]


_ALLOWANCES = (
    "An allowance takes the reasons that it covers from the account's own score; all others still alert ([what each reason "
    "means](rules.md)). Each covers `ANOMALY`, too: unusual work is what leave is given for. A member leaves a cluster where every "
    "reason of the cluster is covered for it. A `scope` (a list of reason codes, or one string with commas) limits an "
    "allowance to those of its name's reasons; `ANOMALY` is then covered only where it is named, "
    "and a code that no rule has covers "
    "nothing. Nothing is covered after `expires_at`, nor by a name that is not in this table: "
    "`replay`, `calibrate` and `serve` warn of both."
)


def _alert() -> list[str]:
    parts = ["## `revenuer.alert.v1`", "A line of `alerts.ndjson`. [JSON Schema](schema/alert.json)"]
    for name, definition in model.alert_schema()["$defs"].items():
        first_line = (inspect.getdoc(getattr(model, name)) or "").partition("\n")[0]
        said = meanings(name)
        rows = [(f"`{key}`", _type(kind), said[key]) for key, kind in definition["properties"].items()]
        parts += [f"### {name}", first_line, _table(("field", "type", "meaning"), rows)]
    return parts


def meanings(name: str) -> dict[str, str]:
    """What the fields of a record of the alert path mean, from its docstring or from `MEANINGS`."""
    attributes = (inspect.getdoc(getattr(model, name)) or "").partition("Attributes:")[2]
    found = dict(MEANINGS.get(name, {}))
    for line in filter(None, map(str.strip, attributes.splitlines())):
        fields, _, meaning = line.partition(": ")
        found |= dict.fromkeys(fields.split(", "), meaning.removesuffix("."))
    return found


def _type(kind: Mapping[str, Any]) -> str:
    if "anyOf" in kind:
        return " or ".join(_type(one) for one in kind["anyOf"])
    if "enum" in kind:
        return ", ".join(f"`{value}`" for value in kind["enum"])
    if "$ref" in kind:
        return str(kind["$ref"]).rpartition("/")[2]
    if "format" in kind:
        return str(kind["format"])
    inner = kind.get("items") or kind.get("additionalProperties")
    return (
        f"{kind.get('type', 'any')} of {_type(inner)}"
        if isinstance(inner, dict) and inner
        else str(kind.get("type", "any"))
    )


def _settings() -> list[str]:
    prefix = Settings.model_config["env_prefix"]
    rows = []
    for name, schema in Settings.model_json_schema()["properties"].items():
        default = Settings.model_fields[name].default
        default = None if default == [] or isinstance(default, BaseModel) else default
        rows.append(
            (
                f"`{name}`",
                f"`{prefix}{name.upper()}`",
                "—" if default is None else f"`{default}`",
                _range(schema),
                schema.get("description", ""),
            )
        )
    return [
        _SOURCES,
        _table(("setting", "environment", "default", "values", "meaning"), rows),
        "## Channels of notifications",
        _CHANNELS,
        _table(("key", "default", "values", "meaning"), _model(ChannelSettings)),
        _NOTIFY,
        "## Kafka",
        _KAFKA,
        _table(("key", "default", "values", "meaning"), _model(ClusterSettings)),
        "## Enforcement",
        _ENFORCEMENT,
        _table(("key", "default", "values", "meaning"), _model(EnforcementSettings)),
        "## Retention",
        _RETENTION,
        _table(("key", "default", "values", "meaning"), _model(RetentionSettings)),
        "## People by JWT",
        _PEOPLE,
        _table(("key", "default", "values", "meaning"), _model(JwtSettings)),
        _ISSUER,
    ]


_SOURCES = (
    "From a TOML file (`--config`) over the environment over the defaults; an unknown setting is an error. In the environment, "
    """tables and lists are JSON: `REVENUER_ENFORCEMENT='{"mode": "live"}'`. Where both have a table, what the file does not say """
    "is taken from the environment. `revenuer config show` prints all settings as a file."
)
_CHANNELS = (
    "Each `[[notify]]` of the file is a channel. Every version of an alert reaches every channel at least once, under the same key, "
    "also when the service is killed in between; a new channel is not told the past."
)
_NOTIFY = """```toml
[[notify]]
name = "soc"
kind = "webhook"
to = "https://soc.example.com/hooks/revenuer"
secret_file = "/run/secrets/webhook"

[[notify]]
name = "alertmanager"
kind = "alertmanager"
to = "http://192.0.2.10:9093/api/v2/alerts"
allow = ["192.0.2.0/24"]
```"""


_KAFKA = (
    "The `[kafka]` table: for the topic of exchanges (`serve --kafka`), for that of dead letters beside it, and for channels of kind "
    "`kafka`. Both client libraries take the same settings and pass the same tests."
)
_ENFORCEMENT = (
    "The `[enforcement]` table. In shadow mode, the default, every recommendation is a dry run. In live mode a recommendation "
    "binds once it is released: the step past a cap pulls the brake instead, and from then on everything is only observed, until "
    "an admin lets go (`POST /v1/enforcement/reset`)."
)


_RETENTION = (
    "The `[retention]` table; 0 keeps for ever. A minute after the start and then every six hours the service removes what is older, "
    "a few hundred rows at a time, and writes into the audit log how much. A version that a channel was not told of stays. "
    "Before entries of the audit log go, an entry says which, with the hash of the last one: the rest can still be verified."
)
_PEOPLE = (
    "The `[jwt]` table, beside our own tokens. A JWT needs `exp`, `iss`, `aud`, `sub` and a key id; `sub` is whom the audit log "
    "names. Keys are read at the first token, then hourly, and for an unknown key id at most once a minute. With a mapping as below, "
    "a value that is not in it gives nothing."
)
_ISSUER = """```toml
[jwt]
jwks = "https://login.example.com/.well-known/jwks.json"
issuer = "https://login.example.com/"
audience = "revenuer"
scopes_claim = "roles"

[jwt.scopes]
soc-analyst = ["read", "triage"]
soc-lead = ["admin"]
```"""


def _model(of: type[BaseModel]) -> list[tuple[str, ...]]:
    rows = []
    for name, schema in of.model_json_schema()["properties"].items():
        field = of.model_fields[name]
        default = (
            "required" if field.is_required() else "—" if field.default in (None, [], {}) else f"`{field.default}`"
        )
        values = ", ".join(f"`{value}`" for value in schema["enum"]) if "enum" in schema else _range(schema)
        rows.append((f"`{name}`", default, values, schema.get("description", "")))
    return rows


def _range(schema: Mapping[str, Any]) -> str:
    bounds = (("minimum", "≥"), ("exclusiveMinimum", ">"), ("maximum", "≤"), ("exclusiveMaximum", "<"))
    said = [f"{sign} {schema[key]}" for key, sign in bounds if key in schema]
    return ", ".join([_type(schema), *said])


def _commands() -> list[str]:
    return [part for name, command in leaves(whole()) for part in _command(name, command)]


def leaves(group: TyperGroup, prefix: str = "revenuer") -> list[tuple[str, Any]]:
    """Every command with its full name, those of groups included."""
    found: list[tuple[str, Any]] = []
    for name, command in group.commands.items():
        full = f"{prefix} {name}"
        found += leaves(command, full) if isinstance(command, TyperGroup) else [(full, command)]
    return sorted(found, key=lambda pair: pair[0])


def _command(name: str, command: Any) -> list[str]:  # noqa: ANN401 - typer's commands have no public type
    rows = [
        (
            f"`{'`, `'.join(p.opts)}`" if p.opts[0].startswith("-") else f"`{p.metavar or p.name.upper()}`",
            "required" if p.required else "—" if p.default in (None, False, "") else f"`{p.default}`",
            f"`{p.envvar}`" if p.envvar else "—",
            p.help or "",
        )
        for p in command.params
    ]
    return [
        f"## `{name}`",
        command.help or "",
        _table(("argument or option", "default", "environment", "meaning"), rows),
    ]


def main() -> None:
    """Write every page."""
    for path, text in pages().items():
        target = DOCS / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
