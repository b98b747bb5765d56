"""What the commands that read a cohort share: their options, and a look at the output before.

The options say where the cohort is, whom to look at, and how to read it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

from flux.errors import ArgumentError
from flux.genotypes.cohort import files_of

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


def check_outputs(outputs: Iterable[str], genotypes: str, inputs: Iterable[str | None]) -> None:
    """Refuse, before the work, an output that is a folder, an input, or another output.

    Raises:
        ArgumentError: there is one.
    """
    read = [*files_of(genotypes), *(Path(one) for one in inputs if one is not None)]
    taken = {path.resolve() for path in read}
    for output in outputs:
        path = Path(output).resolve()
        if path.is_dir():
            raise ArgumentError(f"the output {output!r} is a folder")
        if path in taken:
            raise ArgumentError(f"{output!r} is an input too, or another output")
        taken.add(path)
