"""`flux graph`: a model's Program as a graph, with its layers folded."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import click

from flux.cli.assignments import whole_numbers
from flux.cli.gradcheck import chosen_name
from flux.errors import DataError

_SECONDS = 60  # that Graphviz may take


@click.command()
@click.argument("model", metavar="FILE|NAME")
@click.option("--name", help="The layer or model of the FILE; default: its last one.")
@click.option("--option", multiple=True, metavar="NAME=N", help="An option, such as layers=2.")
@click.option("--size", multiple=True, metavar="AXIS=N", help="The size of an axis.  [default: 4]")
@click.option(
    "--format",
    "form",
    type=click.Choice(["dot", "mermaid", "svg"]),
    default="mermaid",
    show_default=True,
    help="The language of the graph; svg needs Graphviz.",
)
def command(
    model: str, name: str | None, option: tuple[str, ...], size: tuple[str, ...], form: str
) -> None:
    """Print what a model computes as a graph: its layers, and what goes from one to the next.

    The MODEL is a .flux FILE, or the NAME of a layer or model of the library.

    \b
    flux graph gpt --option layers=2
    flux graph my.flux --name block --format dot > block.dot
    flux graph gpt --option layers=1 --format svg > gpt.svg
    """
    from flux.nn import Model
    from flux.nn.gradcheck import all_sizes
    from flux.nn.programs import value_program
    from flux.program.graph import FORMATS, fold
    from flux.syntax import load, load_text

    module = load(Path(model)) if model.endswith(".flux") else load_text("", "<library>")
    graph = module[chosen_name(model, name, list(module))].build(
        **whole_numbers(option, "--option")
    )
    sizes = all_sizes(graph, whole_numbers(size, "--size"))
    program = value_program(Model(graph, sizes), graph.result, None, sizes)
    text = FORMATS["dot" if form == "svg" else form](fold(program))
    click.echo(_drawn(text) if form == "svg" else text)


def _drawn(text: str) -> str:
    """The picture that Graphviz makes of a graph."""
    tool = shutil.which("dot")
    if tool is None:
        raise DataError(
            "Graphviz is not installed: there is no command `dot`",
            hint="--format mermaid needs nothing else",
        )
    done = subprocess.run(
        [tool, "-Tsvg"], input=text.encode(), capture_output=True, timeout=_SECONDS, check=False
    )
    if done.returncode:
        raise DataError(f"Graphviz does not draw the graph: {done.stderr.decode(errors='replace')}")
    return done.stdout.decode("utf-8", "replace")
