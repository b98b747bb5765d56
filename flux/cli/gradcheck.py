"""`flux gradcheck`: a model's gradients against differences of its loss."""

from __future__ import annotations

from pathlib import Path

import click

from flux.cli.assignments import whole_numbers
from flux.cli.machine import limit_blas
from flux.errors import ArgumentError, UnknownNameError, did_you_mean

DIFFERENT = 1  # the exit code where a gradient differs, or is not known well enough


@click.command()
@click.argument("model", metavar="FILE|NAME")
@click.option("--name", help="The layer or model of the FILE; default: its last one.")
@click.option("--option", multiple=True, metavar="NAME=N", help="An option, such as layers=2.")
@click.option("--size", multiple=True, metavar="AXIS=N", help="The size of an axis.  [default: 4]")
@click.option("--seed", default=0, show_default=True, help="Of data, parameters and directions.")
def command(
    model: str, name: str | None, option: tuple[str, ...], size: tuple[str, ...], seed: int
) -> None:
    """Compare the gradient of each parameter with differences, in float64 on random data.

    The MODEL is a .flux FILE, or the NAME of a layer or model of the library. The exit code is 1
    where a gradient differs, or where the differences are not exact enough to tell.

    \b
    flux gradcheck gpt --option layers=1
    flux gradcheck my.flux --name block --size d=8
    """
    from flux.nn.gradcheck import check_gradients
    from flux.syntax import load, load_text

    limit_blas()
    module = load(Path(model)) if model.endswith(".flux") else load_text("", "<library>")
    chosen = chosen_name(model, name, list(module))
    found = check_gradients(
        module[chosen].build(**whole_numbers(option, "--option")),
        whole_numbers(size, "--size"),
        seed=seed,
    )
    sizes = ", ".join(f"{axis} = {count}" for axis, count in found.sizes.items())
    click.echo(f"{chosen} at {sizes}: loss {found.loss:.6g}")
    click.echo(found.table())
    if not found.agrees:
        raise SystemExit(DIFFERENT)


def chosen_name(model: str, name: str | None, defined: list[str]) -> str:
    """The definition that is meant: of a file, the last one where none is named."""
    if not model.endswith(".flux"):
        if name is not None:
            raise click.UsageError("--name goes with a .flux file")
        return model
    if not defined:
        raise ArgumentError(f"{model!r} defines nothing")
    chosen = defined[-1] if name is None else name
    if chosen not in defined:
        hint = did_you_mean(chosen, defined)
        raise UnknownNameError(f"{model!r} defines no `{chosen}`", hint=hint)
    return chosen
