"""`flux generate`: write text with a trained model."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import click

from flux.cli.machine import limit_blas


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--prompt", default="\n", help="What the text begins with.", show_default="a line end"
)
@click.option(
    "--length", default=200, show_default=True, type=click.IntRange(1), help="Characters."
)
@click.option("--line", is_flag=True, help="Stop at the end of the line.")
@click.option("--greedy", is_flag=True, help="Always the likeliest character.")
@click.option(
    "--temperature", default=0.8, show_default=True, help="Below 1 safer, above 1 bolder."
)
@click.option(
    "--top-k", default=0, show_default="all", help="Only the K likeliest characters.", metavar="K"
)
@click.option("--seed", default=0, show_default=True, help="The same seed writes the same text.")
def command(
    run: Path,
    prompt: str | None,
    length: int,
    line: bool,
    greedy: bool,
    temperature: float,
    top_k: int,
    seed: int,
) -> None:
    """Write text with the model in the folder RUN, which `flux train` has made.

    \b
    flux generate runs/calculus --prompt "x*sin(x) -> " --line --greedy
    flux generate runs/tiny --length 500 --temperature 0.6
    flux generate runs/tiny --prompt "ROMEO:" --top-k 10 --seed 3
    """
    from flux.training import Choice, load_language_model

    limit_blas()
    choice = Choice(0.0 if greedy else temperature, top_k, seed)
    language = load_language_model(run)
    click.echo(prompt or "", nl=False)
    for letter in islice(language.write(prompt or language.start, choice), length):
        if line and letter == "\n":
            break
        click.echo(letter, nl=False)
    click.echo()
