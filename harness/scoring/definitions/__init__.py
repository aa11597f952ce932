"""Definitions: each metric is one object, and everything that states a formula prints it."""

from harness.scoring.definitions.catalogue import METRICS, SECTIONS, find_metric, metric_of
from harness.scoring.definitions.metric import Metric, Section, Unit
from harness.scoring.definitions.page import metrics_page

__all__ = ["METRICS", "SECTIONS", "Metric", "Section", "Unit", "find_metric", "metric_of", "metrics_page"]
