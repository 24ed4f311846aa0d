"""Recommendations as configuration of a gateway: `render(recommendation, fmt)`; one file a format."""

from detector.alerts.render.registry import FORMATS, render

__all__ = ["FORMATS", "render"]
