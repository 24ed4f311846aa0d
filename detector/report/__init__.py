"""The self-contained `report.html` of a replay: one file, no network, safe to mail around."""

from detector.report.model import Graph, Histogram, Node, ReportData, Timeline
from detector.report.page import render_report

__all__ = ["Graph", "Histogram", "Node", "ReportData", "Timeline", "render_report"]
