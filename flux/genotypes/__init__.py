"""Genotypes: cohorts, published weights, polygenic scores, and statistics of variants."""

from flux.genotypes.cohort import Cohort, open_cohort
from flux.genotypes.polygenic import prs
from flux.genotypes.scores import Scores
from flux.genotypes.weights import Weights, read_weights

__all__ = ["Cohort", "Scores", "Weights", "open_cohort", "prs", "read_weights"]
