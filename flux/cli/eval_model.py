"""`flux eval-model`: how well a model foretells a text."""

from __future__ import annotations

from pathlib import Path
from time import monotonic

import click

from flux.cli.machine import limit_blas

_EVERY_S = 2.0  # between two lines of progress


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--data", required=True, type=click.Path(path_type=Path), help="Any UTF-8 text file.")
def command(run: Path, data: Path) -> None:
    """Print how well a model foretells every token of a text but the first.

    The text is cut into windows of the model's context, one after another, so that the same file
    always gives the same figures.

    \b
    flux eval-model runs/tiny --data novel.txt
    flux eval-model exported --data novel.txt
    """
    from flux.training import assess, open_model, read_text

    limit_blas()
    model = open_model(run)
    found = assess(model, read_text(data), data.name, _Progress())
    click.echo(f"loss                {found.loss:.6f} nats a token")
    click.echo(f"perplexity          {found.perplexity:.6g}")
    click.echo(f"bits per character  {found.bits_per_character:.6f}")
    click.echo(f"tokens              {found.tokens:,}, {found.tokens_per_s:,.0f} a second")


class _Progress:
    """A line on standard error now and then."""

    def __init__(self) -> None:
        self._told = monotonic()

    def __call__(self, done: int, count: int, loss: float) -> None:
        if monotonic() - self._told < _EVERY_S or done == count:
            return
        self._told = monotonic()
        click.echo(f"{done:,} of {count:,} tokens  loss {loss:.4f}", err=True)
