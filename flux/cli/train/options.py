"""The words of `flux train`, and which of its two ways they ask for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from flux.cli.ranks import ranks_of_command
from flux.cli.train.begin import begin
from flux.cli.train.resume import go_on


class _Path(click.Path):
    """A path; the empty one would be the folder that the command runs in."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """The path of a text."""
        if value == "":
            self.fail("it is empty", param, ctx)
        return Path(value)


# Options that change one number of the preset: field, type, help.
_CHANGES: tuple[tuple[str, type, str], ...] = (
    ("steps", int, "Steps of the whole run."),
    ("context", int, "Tokens that the model sees."),
    ("batch", int, "Windows of a step."),
    ("width", int, "Model width."),
    ("heads", int, "Attention heads."),
    ("layers", int, "Blocks."),
    ("feed-forward", int, "Width inside a block's MLP."),
    ("learning-rate", float, "The highest learning rate."),
    ("save-every", int, "Steps between two saves."),
)


def _change_options(command: Any) -> Any:
    for name, kind, text in reversed(_CHANGES):
        kind_range = click.IntRange(1) if kind is int else click.FloatRange(0, min_open=True)
        command = click.option(f"--{name}", type=kind_range, help=text)(command)
    return command


@click.command()
@click.option(
    "--preset",
    metavar="NAME",
    help="The model's sizes and how it is trained: calculus (the default), calculus-long, tiny,"
    " small, small-b16, nanogpt-cpu, medium, large; table for rows of numbers.",
)
@click.option("--model", type=_Path(), help="A .flux file with your own model.")
@click.option(
    "--data",
    type=_Path(),
    multiple=True,
    help="UTF-8 text files, or a folder of them; for models of tables a .csv, .tsv or .npz file.",
)
@click.option(
    "--from",
    "start",
    type=_Path(),
    help="Begin with the parameters and the vocabulary of a trained model: a run, an exported"
    " folder, or GPT-2 as transformers keeps it.",
)
@click.option("--config", type=_Path(), help="A TOML file of keys and values.")
@click.option(
    "--set", "settings", metavar="KEY=VALUE", multiple=True, help="Change one key of all."
)
@click.option("--resume", type=_Path(), help="Go on with this run's folder.")
@click.option("--out", type=_Path(), help="The run's folder.")
@click.option("--seed", type=int, help="The same seed gives the same bits.  [default: 0]")
@click.option(
    "--threads",
    metavar="N|auto",
    help="Threads of a step; auto measures once which way of sharing it pays; batch:N computes N"
    " parts of each batch side by side, blas:N shares out products.  [default: 1]",
)
@_change_options
def command(
    preset: str | None,
    model: Path | None,
    data: tuple[Path, ...],
    start: Path | None,
    config: Path | None,
    settings: tuple[str, ...],
    resume: Path | None,
    out: Path | None,
    seed: int | None,
    threads: str | None,
    **changes: Any,
) -> None:
    """Train a model, and save it in a folder under runs/.

    Without --data it learns calculus: lines `expression -> derivative` that Flux makes itself. At
    the end it is asked for derivatives that it has not seen, and Flux marks the answers.

    \b
    flux train                                   learn calculus, in a minute or two
    flux train --preset tiny --data novel.txt    learn to write like a novel
    flux train --data notes.txt --steps 2000 --set tokenizer=words
    flux train --model my.flux --data table.csv --set sizes.h=16
    flux train --config runs/tiny/config.toml    train the same once more
    flux train --from runs/tiny --data new.txt   train it further, on another text
    flux train --resume runs/tiny --steps 20000  go on with a run

    Ctrl-C saves the run and leaves; a second Ctrl-C leaves at once.
    """
    words: dict[str, Any] = {
        "preset": preset,
        "model": model and str(model),
        "data": [str(path) for path in data] or None,
        "from": start and str(start),
        "seed": seed,
        **changes,
    }
    chosen = {name: value for name, value in words.items() if value is not None}
    with ranks_of_command() as ranks:
        if resume is None:
            begin(config, settings, chosen, out, threads, ranks)
        else:
            anew = {"config": config, "out": out}
            given = {name: path for name, path in anew.items() if path is not None}
            go_on(resume, {**chosen, **given}, settings, threads, ranks)
