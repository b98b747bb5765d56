"""`flux graph`: a model's Program as a graph, with its layers folded."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flux.cli.assignments import whole_numbers
from flux.cli.gradcheck import chosen_name
from flux.errors import DataError

if TYPE_CHECKING:
    from flux.program import Program

_SECONDS = 60  # that Graphviz may take


@click.command()
@click.argument("model", metavar="RUN|PRESET|FILE|NAME")
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

    The MODEL is that of a RUN's folder or of a PRESET, at the sizes of a step of its training; or a
    .flux FILE, or the NAME of a layer or model of the library, with options and sizes of your own.

    \b
    flux graph runs/tiny
    flux graph small --format svg > small.svg
    flux graph gpt --option layers=2
    flux graph my.flux --name block --format dot > block.dot
    """
    from flux.program.graph import FORMATS, fold

    if model.endswith(".flux") or not _trains(model):
        program = _of_text(model, name, option, size)
    elif name or option or size:
        raise click.UsageError(f"{model} has its own options and sizes")
    else:
        program = _of_training(model)
    text = FORMATS["dot" if form == "svg" else form](fold(program))
    click.echo(_drawn(text) if form == "svg" else text)


def _trains(model: str) -> bool:
    """Whether a model is that of a run, or of a preset."""
    from flux.training import PRESETS

    return model in PRESETS or Path(model).exists()


def _of_training(model: str) -> Program:
    from flux.nn.programs import value_program
    from flux.training.workload import workload

    work = workload(model)
    return value_program(work.model, work.model.graph.result, None, work.sizes)


def _of_text(
    model: str, name: str | None, option: tuple[str, ...], size: tuple[str, ...]
) -> Program:
    from flux.nn import Model
    from flux.nn.gradcheck import all_sizes
    from flux.nn.programs import value_program
    from flux.syntax import load, load_text

    module = load(Path(model)) if model.endswith(".flux") else load_text("", "<library>")
    graph = module[chosen_name(model, name, list(module))].build(
        **whole_numbers(option, "--option")
    )
    sizes = all_sizes(graph, whole_numbers(size, "--size"))
    return value_program(Model(graph, sizes), graph.result, None, sizes)


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
