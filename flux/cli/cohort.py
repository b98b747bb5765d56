"""Options of the commands that read a cohort: where it is, whom to look at, and how to read it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

_OPTIONS = (
    click.option("--genotypes", required=True, metavar="COHORT", help=".bed, .pgen, .vcf, .bcf."),
    click.option("--keep", metavar="FILE", help="People to keep: FID IID, or IID."),
    click.option("--remove", metavar="FILE", help="People to leave out."),
    click.option("--sex", metavar="FILE", help="Rows IID SEX, where the cohort has none."),
    click.option(
        "--field",
        type=click.Choice(("auto", "GT", "DS")),
        default="auto",
        show_default=True,
        help="Of a VCF: calls or dosages.",
    ),
)


def cohort_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add them, in this order, where the decorator stands."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
