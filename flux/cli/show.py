"""`flux show`: what each stage of the compiler makes of a formula or a definition."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flux.cli.assignments import whole_numbers
from flux.errors import ArgumentError, UnknownNameError, did_you_mean
from flux.expr import Expr, constant, inputs, variable

if TYPE_CHECKING:
    from flux.syntax import Text

STAGES = ("ast", "expr", "gradient", "program")

# What `--format` writes of an expression.
FORMATS: Mapping[str, Callable[[Expr], str]] = {
    "text": str,
    "latex": Expr.to_latex,
    "mathml": Expr.to_mathml,
    "python": Expr.to_python,
    "c": Expr.to_c,
    "dot": Expr.to_dot,
    "svg": Expr.to_svg,
}


@dataclass(frozen=True)
class Subject:
    """What is shown.

    Attributes:
        text: its syntax tree.
        name: what it is called.
        result: its value.
        by: what a gradient is taken by: parameters, or the real inputs of a formula.
        taken: all inputs, parameters included, in declared order.
        rows: whether its inputs without axes are columns of a table.
    """

    text: Text
    name: str
    result: Expr
    by: tuple[Expr, ...]
    taken: tuple[Expr, ...]
    rows: bool


@click.command()
@click.argument("subject", metavar="FILE|FORMULA")
@click.option(
    "--stage", type=click.Choice(STAGES), default="expr", show_default=True, help="What to print."
)
@click.option(
    "--format",
    "language",
    type=click.Choice(list(FORMATS)),
    default="text",
    show_default=True,
    help="Of the expression.",
)
@click.option("--name", help="The layer or model of the FILE; default: its last one.")
@click.option("--option", multiple=True, metavar="NAME=N", help="An option, such as layers=2.")
@click.option("--size", multiple=True, metavar="AXIS=N", help="The size of an axis.")
@click.option("--simplify", is_flag=True, help="Simplify before printing.")
@click.option(
    "--dtype",
    type=click.Choice(["float32", "float64"]),
    default="float64",
    show_default=True,
    help="Of the program.",
)
def command(
    subject: str,
    stage: str,
    language: str,
    name: str | None,
    option: tuple[str, ...],
    size: tuple[str, ...],
    simplify: bool,
    dtype: str,
) -> None:
    """Print what a stage of the compiler makes of a FORMULA, or of a definition in a .flux FILE.

    \b
    ast       the syntax tree
    expr      the expression: shared parts have lines of their own
    gradient  its derivative by each parameter (of a formula: by each name); where the
              result has axes, that of its sum weighted by a cotangent
    program   the instructions, with shapes, bytes and floating-point operations

    \b
    flux show "sqrt(x^2 + y^2)" --stage gradient --simplify
    flux show "a*exp(-b*t)" --stage program
    flux show "a*exp(-b*t)" --format c
    flux show attention.flux --stage expr
    flux show model.flux --name gpt --option layers=1 --stage program \\
        --size b=1 --size t=32 --size n=32 --size d=64 ...
    """
    if language != "text" and stage != "expr":
        raise click.UsageError("--format goes with the stage expr")
    found = _subject(subject, name, whole_numbers(option, "--option"))
    if stage == "expr":
        click.echo(FORMATS[language](_simplifier(simplify)(found.result)).rstrip("\n"))
    elif stage == "program":
        click.echo(_program(found, whole_numbers(size, "--size"), dtype))
    else:
        click.echo(_STAGES[stage](found, _simplifier(simplify)))


def _simplifier(wanted: bool) -> Callable[[Expr], Expr]:
    return (lambda e: e.simplify()) if wanted else (lambda e: e)


def _subject(text: str, name: str | None, options: Mapping[str, int]) -> Subject:
    if text.endswith(".flux"):
        return _definition(Path(text), name, options)
    if name is not None or options:
        raise click.UsageError("--name and --option go with a .flux file")
    return _formula(text)


def _formula(text: str) -> Subject:
    from flux.syntax import parse, parse_ast

    e = parse(text)
    taken = tuple(dict.fromkeys(inputs(e)))
    real = tuple(x for x in taken if not x.attributes.integer)
    return Subject(parse_ast(text), "value", e, real, taken, rows=True)


def _definition(path: Path, name: str | None, options: Mapping[str, int]) -> Subject:
    from flux.syntax import load

    module = load(path)
    if not len(module):
        raise ArgumentError(f"{str(path)!r} defines nothing")
    chosen = list(module)[-1] if name is None else name
    if chosen not in list(module):
        hint = did_you_mean(chosen, list(module))
        raise UnknownNameError(f"{str(path)!r} defines no `{chosen}`", hint=hint)
    graph = module[chosen].build(**options)
    parameters = tuple(parameter.input for parameter in graph.parameters)
    real = tuple(x for x in graph.inputs if not x.attributes.integer)
    return Subject(
        module.text,
        chosen,
        graph.result,
        parameters or real,
        (*graph.inputs, *parameters),
        rows=False,
    )


def _ast(subject: Subject, simplified: Callable[[Expr], Expr]) -> str:
    return str(subject.text)


def _gradient(subject: Subject, simplified: Callable[[Expr], Expr]) -> str:
    from flux.calculus import vjp

    seed = _cotangent(subject)
    derivatives = vjp(subject.result, seed, subject.by)
    of = "" if not seed.axes else f", of the sum of {seed.attributes.name} times {subject.name}"
    blocks = [
        f"# by {x.attributes.name}{of}\n{simplified(derivative)}"
        for x, derivative in zip(subject.by, derivatives, strict=True)
    ]
    return "\n\n".join(blocks)


def _cotangent(subject: Subject) -> Expr:
    """What weighs the positions of the result: nothing for a scalar, else an input of its axes."""
    axes = [a for x in subject.taken for a in x.attributes.axes if a in subject.result.axes]
    if not subject.result.axes:
        return constant(1)
    name, names = "cotangent", {x.attributes.name for x in subject.taken}
    while name in names:
        name += "_"
    return variable(name, tuple(dict.fromkeys(axes)) or sorted(subject.result.axes))


_STAGES: Mapping[str, Callable[[Subject, Callable[[Expr], Expr]], str]] = {
    "ast": _ast,
    "gradient": _gradient,
}


def _program(subject: Subject, sizes: Mapping[str, int], dtype: str) -> str:
    from flux.lower import lower
    from flux.program import listing

    _check_sizes(subject, sizes)
    columns = [x.attributes.name for x in subject.taken if not x.axes] if subject.rows else []
    program = lower(
        {subject.name: subject.result},
        subject.taken,
        sizes=sizes,
        dtype=dtype,
        rows=frozenset(columns),
    )
    return listing(program)


def _check_sizes(subject: Subject, sizes: Mapping[str, int]) -> None:
    axes = dict.fromkeys(axis for x in subject.taken for axis in x.attributes.axes)
    missing = [axis for axis in axes if axis not in sizes]
    if missing:
        wanted = " ".join(f"--size {axis}=N" for axis in missing)
        raise click.UsageError(f"a program needs the sizes of its axes: {wanted}")
