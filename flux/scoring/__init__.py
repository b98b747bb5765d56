"""Scoring: formulas over tables of people, from a column in memory to a file larger than memory."""

from flux.scoring.entry import score, scorer
from flux.scoring.report import Report
from flux.scoring.table_scorer import Scorer

__all__ = ["Report", "Scorer", "score", "scorer"]
