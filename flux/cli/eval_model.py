"""`flux eval-model`: how well a model foretells a text, or answers for derivatives."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from flux.cli.machine import limit_blas
from flux.cli.pace import Pace
from flux.errors import DataError

if TYPE_CHECKING:
    from flux.training import Line, SavedRun

ASKED = 200  # held-out derivatives, where nobody says how many


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--data", type=click.Path(path_type=Path), help="Any UTF-8 text file.")
@click.option(
    "--asked", type=click.IntRange(1), help=f"Held-out derivatives to ask for.  [default: {ASKED}]"
)
def command(run: Path, data: Path | None, asked: int | None) -> None:
    """Print how well a model foretells every token of a text but the first.

    The text is cut into windows of the model's context, one after another, so that the same file
    always gives the same figures.

    A run that learnt calculus needs no --data: it is asked for derivatives that were held out, and
    its right and wrong answers are counted by rule.

    \b
    flux eval-model runs/tiny --data novel.txt
    flux eval-model exported --data novel.txt
    flux eval-model runs/calculus --asked 1000
    """
    limit_blas()
    if data is None:
        _ask(run, asked or ASKED)
    elif asked is not None:
        raise click.UsageError("--asked is for derivatives; a text given by --data has none")
    else:
        _foretell(run, data)


def _foretell(run: Path, data: Path) -> None:
    from flux.training import assess, open_model, read_text

    pace = Pace()

    def watch(done: int, count: int, loss: float) -> None:
        pace("tokens", done, count, f"loss {loss:.4f}")

    found = assess(open_model(run), read_text(data), data.name, watch)
    click.echo(f"loss                {found.loss:.6f} nats a token")
    click.echo(f"perplexity          {found.perplexity:.6g}")
    if found.unknown:
        click.echo(f"unknown             {found.unknown:,} tokens, so no bits per character")
    else:
        click.echo(f"bits per character  {found.bits_per_character:.6f}")
    click.echo(f"tokens              {found.tokens:,}, {found.tokens_per_s:,.0f} a second")


def _ask(folder: Path, asked: int) -> None:
    from flux.training import load_language_model, mark, read_run

    saved = read_run(folder)
    lines = lines_of(saved)
    language = load_language_model(folder)
    marks = mark(language, lines, asked, saved.origin.seed, Pace().counter("answers", asked))
    click.echo(f"{marks}\n{marks.table()}")


def lines_of(saved: SavedRun) -> list[Line]:
    """The lines that the run was trained on, and those that were held out."""
    from flux.training import calculus_corpus, calculus_of

    origin = saved.origin
    if origin.data:
        raise DataError("this run learnt from a text of its own", hint="--data FILE")
    drawing = Pace().counter("trees drawn", origin.preset.trees)
    lines = calculus_of(origin.preset, origin.seed, drawing)
    if calculus_corpus(lines).digest != saved.text:
        raise DataError(
            "this run learnt other lines of calculus than are made now, so that none is known to be"
            " held out",
            hint="train it again",
        )
    return lines
