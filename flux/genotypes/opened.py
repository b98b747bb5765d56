"""The cohort that a call is about: opened where it is a path, with the sexes that are given."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path

from flux.errors import ArgumentError
from flux.genotypes.checked import a_path
from flux.genotypes.cohort import Cohort, open_cohort
from flux.genotypes.lines import Progress
from flux.genotypes.people import with_sex


def opened(
    genotypes: str | Path | Cohort,
    field: str = "auto",
    sex: str | Path | Mapping[str, object] | None = None,
    progress: Progress | None = None,
) -> Cohort:
    """The cohort.

    Raises:
        ArgumentError: it is neither a path nor a cohort.
        DataError: a file is missing or damaged.
    """
    if isinstance(genotypes, str | PathLike):
        cohort = open_cohort(a_path("genotypes", genotypes), field, progress)
    elif hasattr(genotypes, "blocks"):
        cohort = genotypes
    else:
        kind = type(genotypes).__name__
        raise ArgumentError(f"genotypes is of type {kind}, neither a path nor a cohort")
    return cohort if sex is None else cohort.with_people(with_sex(cohort.people, sex))
