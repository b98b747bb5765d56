"""`flux generate`: write text with a trained model."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flux.cli.machine import limit_blas
from flux.errors import FluxError

if TYPE_CHECKING:
    from flux.training import Choice, Exported, LanguageModel

# Options that say how a token is chosen: name, type and default, help; rows of `Choice`.
_CHOICES: tuple[tuple[str, type, float, str, str], ...] = (
    ("temperature", float, 0.8, "", "Below 1 safer, above 1 bolder, 0 greedy."),
    ("top-k", int, 0, "all", "Only the K likeliest tokens."),
    ("top-p", float, 1.0, "all", "Only the likeliest tokens that together have probability P."),
    ("min-p", float, 0.0, "all", "Only tokens with a share P of the likeliest one's probability."),
    ("repetition", float, 1.0, "none", "A penalty above 1 for tokens that have been met."),
    ("seed", int, 0, "", "The same seed writes the same text."),
)


def _choice_options(command: Any) -> Any:
    for name, kind, default, shown, text in reversed(_CHOICES):
        letter = {"top-k": "K", "top-p": "P", "min-p": "P"}.get(name)
        add = click.option(
            f"--{name}",
            type=kind,
            default=default,
            show_default=shown or True,
            metavar=letter,
            help=text,
        )
        command = add(command)
    return command


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--prompt", help="What the text begins with.", show_default="a line end")
@click.option("--interactive", is_flag=True, help="Ask for one prompt after another.")
@click.option("--length", default=200, show_default=True, type=click.IntRange(1), help="Tokens.")
@click.option("--stop", multiple=True, metavar="TEXT", help="End before this text; several may be.")
@click.option("--line", is_flag=True, help="End at the end of the line.")
@click.option("--greedy", is_flag=True, help="Always the likeliest token.")
@_choice_options
def command(
    run: Path,
    prompt: str | None,
    interactive: bool,
    length: int,
    stop: tuple[str, ...],
    line: bool,
    greedy: bool,
    **numbers: Any,
) -> None:
    """Write text with a model: the folder of a run, a checkpoint in it, or an exported folder.

    \b
    flux generate runs/calculus --prompt "x*sin(x) -> " --line --greedy
    flux generate runs/tiny --length 500 --temperature 0.6
    flux generate runs/tiny --prompt "ROMEO:" --top-p 0.9 --seed 3
    flux generate runs/tiny --interactive --stop "." --repetition 1.2
    """
    from flux.training import Choice, open_model

    _check(prompt, interactive, stop)
    limit_blas()
    choice = Choice(**{**numbers, **({"temperature": 0.0} if greedy else {})})
    model = open_model(run)
    stops = (*stop, "\n") if line else stop
    if interactive:
        _converse(model, choice, length, stops)
    else:
        pieces = _pieces(model, prompt or model.start, choice, length, stops)
        click.echo(prompt or "", nl=False)
        _show(pieces)


def _check(prompt: str | None, interactive: bool, stops: tuple[str, ...]) -> None:
    if interactive and prompt is not None:
        raise click.UsageError("--interactive asks for prompts: leave --prompt out")
    if prompt == "":
        raise click.UsageError("the prompt is empty; leave --prompt out to begin a text")
    if "" in stops:
        raise click.UsageError("an empty --stop would end every text at once")


def _pieces(
    model: LanguageModel | Exported,
    prompt: str,
    choice: Choice,
    length: int,
    stops: tuple[str, ...],
) -> Iterator[str]:
    from flux.training import until

    return until(islice(model.write(prompt, choice), length), stops)


def _show(pieces: Iterator[str]) -> None:
    """Write pieces as they come."""
    for piece in pieces:
        click.echo(piece, nl=False)
        sys.stdout.flush()
    click.echo()


def _converse(
    model: LanguageModel | Exported, choice: Choice, length: int, stops: tuple[str, ...]
) -> None:
    """Prompts from standard input, one a line, up to its end; a mistake costs one answer only."""
    asking = sys.stdin.isatty()
    if asking:
        click.echo("a prompt a line; Ctrl-D ends", err=True)
    while True:
        if asking:
            click.echo("> ", nl=False, err=True)
        text = sys.stdin.readline()
        if not text:
            return
        prompt = text.removesuffix("\n") or model.start
        try:
            pieces = _pieces(model, prompt, choice, length, stops)
        except FluxError as error:
            click.echo(str(error), err=True)
            continue
        click.echo(prompt.strip("\n"), nl=False)
        _show(pieces)
