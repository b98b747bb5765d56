"""`flux expand`: products multiplied out, or ordered by powers of a name."""

from __future__ import annotations

import click

import flux
from flux.cli.output import json_option, show


@click.command()
@click.argument("formula")
@click.option("--by", "name", metavar="NAME", help="Collect powers of NAME.")
@click.option("--latex", is_flag=True, help="Print LaTeX.")
@json_option
def command(formula: str, name: str | None, latex: bool, as_json: bool) -> None:
    """Multiply out the products and whole powers of FORMULA.

    \b
    flux expand "(x + 1)^3"
    flux expand "(a + b)*(a - b)" --latex
    flux expand "(x + a)*(x + b)" --by x
    """
    e = flux.parse(formula)
    found = e.expand() if name is None else e.collect(name)
    text = found.to_latex() if latex else str(found)
    show(as_json, text, text)
