"""Genotypes: cohorts, published weights, polygenic scores, and statistics of variants."""

from flux.genotypes.association import Association, assoc
from flux.genotypes.cohort import Cohort, open_cohort
from flux.genotypes.linkage import ld
from flux.genotypes.polygenic import prs
from flux.genotypes.scores import Scores
from flux.genotypes.weights import Weights, read_weights

__all__ = [
    "Association",
    "Cohort",
    "Scores",
    "Weights",
    "assoc",
    "ld",
    "open_cohort",
    "prs",
    "read_weights",
]
