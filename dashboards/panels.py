# ruff: noqa: INP001  # beside a script, no package
"""Building blocks of Grafana dashboards in the classic JSON model."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

_SOURCE: Final = {"type": "prometheus", "uid": "${source}"}
_COLUMNS = 24
_SCHEMA = 39
# One colour for one severity on every board.
_COLOURS: Final = {"low": "blue", "medium": "yellow", "high": "orange", "critical": "red"}


def pick(metric: str, labels: str = "") -> str:
    """A selector of the chosen instances.

    Args:
        metric: its name, with the suffix of a histogram's part.
        labels: further matchers, e.g. `outcome="accepted"`.
    """
    matchers = ", ".join(part for part in (labels, 'instance=~"$instance"') if part)
    return f"{metric}{{{matchers}}}"


def rate(metric: str, labels: str = "", window: str = "$__rate_interval") -> str:
    """A counter's rate a second."""
    return f"rate({pick(metric, labels)}[{window}])"


def quantile(q: float, histogram: str, by: str = "") -> str:
    """A quantile of a histogram, over all instances, for each value of a label."""
    labels = ", ".join(part for part in ("le", by) if part)
    return f"histogram_quantile({q}, sum by ({labels}) ({rate(histogram + '_bucket')}))"


@dataclass(frozen=True)
class Panel:
    """One panel.

    Attributes:
        title: what it shows.
        queries: (expression, legend); the legend may use `{{label}}`.
        unit: Grafana's name of the unit.
        kind: `stat`, `timeseries` or `bargauge`.
        help: what a reader should think when it moves.
        width, height: of a grid of 24 columns.
        steps: (from value, colour) of thresholds, rising.
        stacked: whether series add up.
    """

    title: str
    queries: Sequence[tuple[str, str]]
    unit: str = "short"
    kind: str = "timeseries"
    help: str = ""
    width: int = 12
    height: int = 8
    steps: Sequence[tuple[float, str]] = ()
    stacked: bool = False


def stat(
    title: str, query: str, unit: str = "short", steps: Sequence[tuple[float, str]] = (), about: str = ""
) -> Panel:
    """A number."""
    return Panel(title, [(query, "")], unit, "stat", about, 4, 4, steps)


@dataclass(frozen=True)
class Board:
    """One dashboard.

    Attributes:
        uid: also the file's name; stays, for links point to it.
        title: shown.
        about: for whom and what for.
        panels: laid out in reading order.
        hours: of the first view.
    """

    uid: str
    title: str
    about: str
    panels: Sequence[Panel]
    hours: int = 24
    tags: Sequence[str] = field(default=("revenuer",))

    def json(self) -> dict[str, Any]:
        """The dashboard as Grafana takes it."""
        return {
            "uid": self.uid,
            "title": self.title,
            "description": self.about,
            "tags": list(self.tags),
            "schemaVersion": _SCHEMA,
            "version": 1,
            "editable": False,
            "graphTooltip": 1,
            "refresh": "30s",
            "timezone": "utc",
            "time": {"from": f"now-{self.hours}h", "to": "now"},
            "links": [{"type": "dashboards", "title": "Revenuer", "tags": list(self.tags), "asDropdown": True}],
            "annotations": {"list": []},
            "templating": {"list": _variables()},
            "panels": list(_laid_out(self.panels)),
        }


def _variables() -> list[dict[str, Any]]:
    return [
        {"name": "source", "label": "Data source", "type": "datasource", "query": "prometheus", "hide": 0},
        {
            "name": "instance",
            "label": "Instance",
            "type": "query",
            "datasource": _SOURCE,
            "query": "label_values(revenuer_accounts_tracked, instance)",
            "refresh": 2,
            "includeAll": True,
            "multi": True,
            "allValue": ".*",
            "current": {"text": "All", "value": "$__all"},
        },
    ]


def _laid_out(panels: Iterable[Panel]) -> Iterable[dict[str, Any]]:
    x = y = row = 0
    for number, panel in enumerate(panels, 1):
        if x + panel.width > _COLUMNS:
            x, y, row = 0, y + row, 0
        yield _panel(panel, number, x, y)
        x, row = x + panel.width, max(row, panel.height)


def _panel(panel: Panel, number: int, x: int, y: int) -> dict[str, Any]:
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.help,
        "datasource": _SOURCE,
        "gridPos": {"x": x, "y": y, "w": panel.width, "h": panel.height},
        "targets": [
            {"refId": chr(ord("A") + i), "datasource": _SOURCE, "expr": expr, "legendFormat": legend or "__auto"}
            for i, (expr, legend) in enumerate(panel.queries)
        ],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": [_coloured(name) for name in _COLOURS]},
        "options": _options(panel.kind),
    }


def _defaults(panel: Panel) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"value": None, "color": "green"}]
    steps += [{"value": value, "color": colour} for value, colour in panel.steps]
    out: dict[str, Any] = {"unit": panel.unit, "min": 0, "thresholds": {"mode": "absolute", "steps": steps}}
    if panel.kind == "timeseries":
        stack = {"mode": "normal" if panel.stacked else "none", "group": "A"}
        out["custom"] = {
            "fillOpacity": 30 if panel.stacked else 8,
            "lineWidth": 1,
            "showPoints": "never",
            "stacking": stack,
        }
    else:
        out["color"] = {"mode": "thresholds"}
    return out


def _coloured(name: str) -> dict[str, Any]:
    colour = {"id": "color", "value": {"mode": "fixed", "fixedColor": _COLOURS[name]}}
    return {"matcher": {"id": "byName", "options": name}, "properties": [colour]}


def _options(kind: str) -> dict[str, Any]:
    if kind == "timeseries":
        return {
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
            "tooltip": {"mode": "multi", "sort": "desc"},
        }
    return {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}}
