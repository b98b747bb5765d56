"""The table of commands, and the group that imports a command only when it is run."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

import click

from flux import __version__
from flux.errors import did_you_mean

# Command: its module (its object is `command`), and its line in `flux --help`.
COMMANDS: dict[str, tuple[str, str]] = {
    "train": ("flux.cli.train", "Train a small transformer on a text, and save it."),
    "generate": ("flux.cli.generate", "Write text with a trained model."),
    "eval-model": ("flux.cli.eval_model", "Print how well a model foretells a text."),
    "export": ("flux.cli.export", "Write a trained model into a folder that needs nothing else."),
    "import": ("flux.cli.import_model", "Read a GPT-2 of the library transformers."),
    "eval": ("flux.cli.evaluate", "Evaluate a formula."),
    "diff": ("flux.cli.diff", "Differentiate a formula."),
    "solve": ("flux.cli.solve", "Find the root of an equation."),
    "fit": ("flux.cli.fit", "Fit a model to a table."),
    "score": ("flux.cli.score", "Compute formulas for every row of a file."),
    "minimize": ("flux.cli.minimize", "Find where a formula is least, or greatest."),
    "plot": ("flux.cli.plot", "Draw a formula over a range."),
    "integrate": ("flux.cli.integrate", "Integrate a formula."),
    "taylor": ("flux.cli.taylor", "Expand a formula in powers about a point."),
    "simplify": ("flux.cli.simplify", "Simplify a formula."),
    "expand": ("flux.cli.expand", "Multiply out a formula."),
    "factor": ("flux.cli.factor", "Write a formula as a product."),
    "limit": ("flux.cli.limit", "Find the limit of a formula."),
    "domain": ("flux.cli.domain", "Say where a formula is defined."),
    "formulas": ("flux.cli.formulas", "List the library of published formulas, or show one."),
    "prs": ("flux.cli.prs", "Score people by published weights over their genotypes."),
    "assoc": ("flux.cli.assoc", "Statistics of single variants, and of a trait on each."),
    "show": ("flux.cli.show", "Print what the compiler makes of a formula or a .flux file."),
    "graph": ("flux.cli.graph", "Draw what a model computes, with its layers folded."),
    "profile": ("flux.cli.profile", "Time each instruction of a training step."),
    "gradcheck": ("flux.cli.gradcheck", "Compare a model's gradients with differences."),
    "repl": ("flux.cli.repl", "Answer formulas, with definitions and values kept."),
    "doctor": ("flux.cli.doctor", "Report the CPU, the BLAS, versions, and advice."),
}


class LazyGroup(click.Group):
    """A group whose commands are rows of COMMANDS."""

    def list_commands(self, context: click.Context) -> list[str]:
        """The commands in the table's order."""
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Import the command of that name."""
        if name not in COMMANDS:
            return None
        command: click.Command = import_module(COMMANDS[name][0]).command
        return command

    def resolve_command(
        self, context: click.Context, arguments: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which one was probably meant."""
        if arguments and arguments[0] not in COMMANDS and not arguments[0].startswith("-"):
            self._refuse(context, arguments[0])
        return super().resolve_command(context, arguments)

    def _refuse(self, context: click.Context, name: str) -> None:
        hint = did_you_mean(name, list(COMMANDS))
        raise click.UsageError(f"no command {name!r}" + (f"; {hint}" if hint else ""), context)

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands with their lines, from the table alone."""
        rows: Sequence[tuple[str, str]] = [(name, line) for name, (_, line) in COMMANDS.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="flux")
def flux() -> None:
    """Mathematics in; derivatives, kernels and trained models out.

    \b
    flux eval "a + b*2" a=5 b=10         a value
    flux diff "x*sin(x)" x               a derivative
    flux solve "x^3 - 2*x = 5" x=2       a root
    flux train --preset calculus         a small transformer that learns calculus
    flux doctor                          what this machine offers

    Every command explains itself: flux COMMAND --help.
    """
