"""`flux profile`: where the time of a training step, or of writing a token, goes."""

from __future__ import annotations

from pathlib import Path

import click

from flux.cli.machine import limit_blas
from flux.files import replace_file


@click.command()
@click.argument("subject", metavar="RUN|PRESET")
@click.option(
    "--by",
    type=click.Choice(["line", "layer", "opcode", "instruction"]),
    default="line",
    show_default=True,
    help="What times are gathered by.",
)
@click.option("--writing", is_flag=True, help="Of a token that is written, not of a training step.")
@click.option("--runs", default=20, show_default=True, type=click.IntRange(1, 100_000))
@click.option("--most", default=20, show_default=True, type=click.IntRange(1), help="Rows shown.")
@click.option("--svg", type=click.Path(path_type=Path), help="Write a flame graph here.")
def command(subject: str, by: str, writing: bool, runs: int, most: int, svg: Path | None) -> None:
    """Time each instruction of a training step, on one thread.

    A PRESET is measured with random characters, a RUN with random data of its model's kind. Bytes
    are those that instructions read and write, in the cache or not; the peak is that of a large
    matrix product, measured now.

    \b
    flux profile small
    flux profile runs/tiny --by layer --svg flame.svg
    flux profile small --writing --by opcode
    """
    from flux.training.profile import flame_graph
    from flux.training.workload import step_profile, workload, writing_profile

    limit_blas()
    found = (writing_profile if writing else step_profile)(workload(subject), runs)
    click.echo(found.table(by, most))
    if svg is not None:
        kind = "a token" if writing else "a training step"
        replace_file(svg, flame_graph(found, f"{subject}, {kind}").encode("utf-8"))
        click.echo(f"a flame graph is in {svg}")
