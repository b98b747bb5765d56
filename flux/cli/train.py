"""`flux train`: train a small transformer on a text."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flux.cli.machine import limit_blas
from flux.cli.stopping import stoppable
from flux.errors import DataError

if TYPE_CHECKING:
    from flux.training import Corpus, Line, Origin, Run

# Options that change one number of the preset: field, type, help.
_CHANGES: tuple[tuple[str, type, str], ...] = (
    ("steps", int, "Steps of the whole run."),
    ("context", int, "Characters that the model sees."),
    ("batch", int, "Windows of a step."),
    ("width", int, "Model width."),
    ("heads", int, "Attention heads."),
    ("layers", int, "Blocks."),
    ("feed-forward", int, "Width inside a block's MLP."),
    ("learning-rate", float, "The highest learning rate."),
)
_ASKED = 200  # held-out derivatives that are marked at the end
_SAMPLE = 300  # characters


def _change_options(command: Any) -> Any:
    for name, kind, text in reversed(_CHANGES):
        kind_range = click.IntRange(1) if kind is int else click.FloatRange(0, min_open=True)
        command = click.option(f"--{name}", type=kind_range, help=text)(command)
    return command


@click.command()
@click.option(
    "--preset",
    type=click.Choice(["calculus", "tiny", "small"]),
    default="calculus",
    show_default=True,
    help="The model's sizes and how it is trained.",
)
@click.option("--data", type=click.Path(path_type=Path), help="Any UTF-8 text file.")
@click.option("--resume", type=click.Path(path_type=Path), help="Go on with this run's folder.")
@click.option("--out", type=click.Path(path_type=Path), help="The run's folder.")
@click.option("--seed", default=0, show_default=True, help="The same seed gives the same bits.")
@click.option(
    "--threads",
    default=1,
    show_default=True,
    type=click.IntRange(1, 64),
    help="Threads of a step; they change no bits.",
)
@click.option(
    "--save-every", default=1_000, show_default=True, type=click.IntRange(1), help="Steps."
)
@_change_options
def command(
    preset: str,
    data: Path | None,
    resume: Path | None,
    out: Path | None,
    seed: int,
    threads: int,
    save_every: int,
    **changes: Any,
) -> None:
    """Train a small transformer on characters, and save it in a folder under runs/.

    Without --data it learns calculus: lines `expression -> derivative` that Flux makes itself. At
    the end it is asked for derivatives that it has not seen, and Flux marks the answers.

    \b
    flux train                                   learn calculus, in a minute or two
    flux train --preset tiny --data novel.txt    learn to write like a novel
    flux train --data notes.txt --steps 2000 --context 128
    flux train --resume runs/tiny --steps 20000  go on with a run

    Ctrl-C saves the run and leaves; a second Ctrl-C leaves at once.
    """
    chosen = {name: value for name, value in changes.items() if value is not None}
    if resume is not None:
        _go_on(resume, chosen, threads, save_every)
    else:
        _begin(preset, data, out, seed, threads, save_every, chosen)


def _begin(
    name: str,
    data: Path | None,
    out: Path | None,
    seed: int,
    threads: int,
    save_every: int,
    changes: dict[str, Any],
) -> None:
    limit_blas()
    from flux.training import PRESETS, Origin, Run

    preset = replace(PRESETS[name], **changes)
    origin = Origin(preset, str(data.resolve()) if data else "", seed)
    folder = _free_folder(Path("runs") / name) if out is None else _empty(out)
    corpus, lines = _text(origin)
    _train(Run(origin, corpus, threads=threads), lines, folder, preset.steps, save_every)


def _go_on(folder: Path, changes: dict[str, Any], threads: int, save_every: int) -> None:
    from flux.training import Run, read_run

    unknown = set(changes) - {"steps"}
    if unknown:
        raise click.UsageError(f"a run goes on as it began: --{min(unknown)} cannot be changed")
    saved = read_run(folder)
    origin = saved.origin
    limit_blas()
    corpus, lines = _text(origin)
    run = Run(origin, corpus, saved.tokenizer, threads)
    for remark in run.restore(saved):
        click.echo(f"note: {remark}", err=True)
    steps = changes.get("steps", origin.preset.steps)
    _train(run, lines, folder, steps, save_every)


def _text(origin: Origin) -> tuple[Corpus, list[Line]]:
    """The text of a run, and its lines where it is the embedded corpus."""
    from flux.training import calculus_corpus, calculus_lines, read_text, split

    context = origin.preset.context
    if origin.data:
        path = Path(origin.data)
        return split(read_text(path), path.name, context), []
    lines = calculus_lines(origin.seed, origin.preset.trees, context)
    return calculus_corpus(lines), lines


def _train(run: Run, lines: list[Line], folder: Path, steps: int, save_every: int) -> None:
    from flux.training import display, locked

    _introduce(run, lines, folder)
    with locked(folder), stoppable() as stop:
        run.train(steps, display(steps), lambda: run.save(folder), save_every, stop)
    if stop():
        click.echo(f"saved at step {run.trainer.step}; to go on: flux train --resume {folder}")
        raise SystemExit(stop.exit_code)
    _conclude(run, lines, folder, steps)


def _introduce(run: Run, lines: list[Line], folder: Path) -> None:
    source = f"{len(lines):,} lines of calculus" if lines else run.origin.data
    count = run.language.model.count
    click.echo(f"training {count:,} parameters on {source}; the run is saved in {folder}")


def _conclude(run: Run, lines: list[Line], folder: Path, steps: int) -> None:
    click.echo(f"validation loss {run.validation_loss():.4f} after {run.trainer.step} steps")
    if lines:
        _mark(run, lines)
    _sample(run)
    prompt = '--prompt "x*sin(x) -> " --line --greedy' if lines else f"--length {_SAMPLE}"
    click.echo(f"\nto write more:  flux generate {folder} {prompt}")
    click.echo(f"to train on:    flux train --resume {folder} --steps {2 * steps}")


def _mark(run: Run, lines: list[Line]) -> None:
    from flux.training import mark

    marks = mark(run.language, lines, _ASKED, run.origin.seed)
    click.echo(str(marks))
    for problem, answer, right in marks.examples:
        click.echo(f"  {'right' if right else 'wrong'}  {problem} -> {answer}")


def _sample(run: Run) -> None:
    from flux.training import Choice

    language = run.language
    letters = islice(language.write(language.start, Choice(seed=run.origin.seed)), _SAMPLE)
    click.echo("\na sample:")
    click.echo("".join(letters).strip("\n"))


def _empty(folder: Path) -> Path:
    """The folder itself where no run would be overwritten."""
    from flux.training import CHECKPOINT

    if (folder / CHECKPOINT).exists():
        raise DataError(
            f"{str(folder)!r} holds a run already",
            hint=f"go on with it: flux train --resume {folder}; or choose another --out",
        )
    return folder


def _free_folder(wanted: Path) -> Path:
    """The folder itself where it is new, else with the first free number behind its name."""
    folder, number = wanted, 1
    while folder.exists():
        number += 1
        folder = wanted.with_name(f"{wanted.name}-{number}")
    return folder
