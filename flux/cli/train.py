"""`flux train`: train a model, and save it in a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flux.cli.eval_model import ASKED
from flux.cli.machine import cpu_name, limit_blas, usable_cores
from flux.cli.pace import Pace
from flux.cli.ranks import ranks_of_command
from flux.cli.stopping import TERMINATED, stoppable
from flux.errors import DataError, DomainError

if TYPE_CHECKING:
    from flux.training import (
        Config,
        Corpus,
        Elsewhere,
        Files,
        Line,
        Origin,
        Ranks,
        Run,
        RunFolder,
        SavedRun,
        Sharing,
        Start,
        Table,
    )

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
_RESUMABLE = {"steps", "save_every"}
_SHOWN = 5  # of their answers
_SAMPLE = 300  # characters
_FOR_TEXT = {"tokenizer": "characters"}  # where nobody says more; symbols are for calculus


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
@click.option("--model", type=click.Path(path_type=Path), help="A .flux file with your own model.")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    multiple=True,
    help="UTF-8 text files, or a folder of them; for models of tables a .csv, .tsv or .npz file.",
)
@click.option(
    "--from",
    "start",
    type=click.Path(path_type=Path),
    help="Begin with the parameters and the vocabulary of a trained model: a run, an exported"
    " folder, or GPT-2 as transformers keeps it.",
)
@click.option("--config", type=click.Path(path_type=Path), help="A TOML file of keys and values.")
@click.option(
    "--set", "settings", metavar="KEY=VALUE", multiple=True, help="Change one key of all."
)
@click.option("--resume", type=click.Path(path_type=Path), help="Go on with this run's folder.")
@click.option("--out", type=click.Path(path_type=Path), help="The run's folder.")
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
    chosen = {name: value for name, value in changes.items() if value is not None}
    if resume is not None:
        fixed: dict[str, Any] = {
            "preset": preset,
            "model": model,
            "data": data,
            "from": start,
            "config": config,
            "out": out,
        }
        fixed |= {"seed": seed}
        given = {name for name, value in fixed.items() if value not in (None, ())}
        with ranks_of_command() as ranks:
            _go_on(resume, {**chosen, **dict.fromkeys(given)}, settings, threads, ranks)
        return
    words: dict[str, Any] = {"preset": preset, "model": model and str(model), "seed": seed}
    words["from"] = start and str(start)
    words["data"] = [str(path) for path in data] or None
    named = {name: value for name, value in words.items() if value is not None}
    with ranks_of_command() as ranks:
        _begin(config, settings, {**named, **chosen}, out, threads, ranks)


def _begin(
    path: Path | None,
    settings: tuple[str, ...],
    options: dict[str, Any],
    out: Path | None,
    threads: str | None,
    ranks: Ranks,
) -> None:
    from flux.training import configure, read_config, read_settings

    layers = [read_config(path)] if path else []
    layers += [read_settings(settings), options]
    own = any(str(layer.get("model", "")).endswith(".flux") for layer in layers)
    table = own and any(_is_table(layer.get("data")) for layer in layers)
    start = _start(layers)
    if not start and any(layer.get("data") for layer in layers):
        layers.insert(0, _FOR_TEXT)
    config = configure(layers, "table" if table else "tiny" if own else "calculus", start)
    limit_blas()
    origin = _origin(config, start, own)
    wanted = Path("runs") / _title(origin)
    folder = _free_folder(wanted) if out is None else _empty(out)
    run, lines = _prepare(origin, threads, ranks, start=start)
    peak = _introduce(run, lines, folder)
    with _held(folder, ranks):
        _train(run, lines, folder, origin.preset.steps, peak)


def _is_table(data: Any) -> bool:
    from flux.training import SUFFIXES

    paths = data if isinstance(data, list) else [data]
    return any(isinstance(path, str) and path.lower().endswith(SUFFIXES) for path in paths)


def _start(layers: list[dict[str, Any]]) -> Start | None:
    """The model to begin from, where the last layer that speaks of one names it."""
    from flux.training import read_start

    found = next((layer["from"] for layer in reversed(layers) if "from" in layer), "")
    return read_start(Path(found)) if found else None


def _origin(config: Config, start: Start | None, own: bool) -> Origin:
    """What a run is made from; `own` says that its configuration names a file with the model."""
    from flux.training import Origin

    data = tuple(str(Path(path).resolve()) for path in config.data)
    source = start.source if start and not own else ""
    if config.preset.own and not source:
        source = _source(Path(config.preset.model))
    begun = str(Path(config.start).resolve()) if config.start else ""
    return Origin(config.preset, data, config.seed, source, config.name, begun)


def _source(path: Path) -> str:
    """The text of a model's file; its mistakes are found here."""
    from flux.syntax import load

    return load(path).text.source.text


def _title(origin: Origin) -> str:
    preset = origin.preset
    return Path(preset.model).stem if preset.own else origin.name


def _go_on(
    folder: Path,
    changes: dict[str, Any],
    settings: tuple[str, ...],
    threads: str | None,
    ranks: Ranks,
) -> None:
    from flux.training import read_settings

    unknown = set(changes) - _RESUMABLE
    if unknown:
        name = min(unknown).replace("_", "-")
        raise click.UsageError(f"a run goes on as it began: --{name} cannot be changed")
    values = read_settings(settings)
    _check_resumable(values)
    _check_run(folder)
    with _held(folder, ranks):
        _resume(folder, {**values, **changes}, threads, ranks)


def _held(folder: Path, ranks: Ranks) -> AbstractContextManager[None]:
    """The folder's lock, which the first rank holds for all."""
    from flux.training import locked

    return nullcontext() if ranks.number else locked(folder)


def _check_run(folder: Path) -> None:
    """Look before the lock is taken, which would make the folder."""
    from flux.training import CHECKPOINT

    if not folder.is_dir():
        raise DataError(
            f"no run in {str(folder)!r}: it has no {CHECKPOINT}",
            hint="flux train makes one; its last lines name the folder",
        )


def _resume(folder: Path, values: dict[str, Any], threads: str | None, ranks: Ranks) -> None:
    from flux.training import changed, read_run, set_aside

    saved = read_run(folder)
    for remark in saved.remarks:
        _tell(f"{remark}; {saved.path.name}, of step {saved.step}, is used")
    if not ranks.number:
        set_aside(folder, saved.path)
    steps = values.pop("steps", saved.origin.preset.steps)
    origin = replace(saved.origin, preset=changed(saved.origin.preset, values))
    limit_blas()
    run, lines = _prepare(origin, threads, ranks, saved)
    peak = _introduce(run, lines, folder)
    _train(run, lines, folder, steps, peak)


def _check_resumable(values: dict[str, Any]) -> None:
    from flux.training import RESUMABLE

    for name in values:
        if name not in RESUMABLE:
            raise click.UsageError(
                f"a run goes on as it began: {name} cannot be changed;"
                f" these can: {', '.join(RESUMABLE)}"
            )


def _data(origin: Origin) -> tuple[Corpus | Files | Table, list[Line]]:
    """The data of a run, and the lines where it is the embedded corpus."""
    from flux.training import (
        Files,
        calculus_corpus,
        calculus_of,
        model_graph,
        read_table,
        reads_tokens,
    )

    preset, paths = origin.preset, [Path(path) for path in origin.data]
    graph = model_graph(preset, origin.source)
    if not reads_tokens(graph):
        if len(paths) != 1:
            raise DataError(
                f"{graph.name} reads rows of numbers, from one table", hint="--data table.csv"
            )
        return read_table(paths[0], graph.inputs), []
    if paths:
        return Files(paths, _reading(paths[0].name)), []
    lines = calculus_of(preset, origin.seed, Pace().counter("trees drawn", preset.trees))
    return calculus_corpus(lines), lines


def _reading(name: str) -> Callable[[int, int], None]:
    """Tells of the bytes of each pass over a text."""
    pace = Pace()
    return lambda done, of: pace(f"MB of {name}", done / 1e6, of / 1e6)


def _prepare(
    origin: Origin,
    threads: str | None,
    ranks: Ranks,
    saved: SavedRun | None = None,
    start: Start | None = None,
) -> tuple[Run, list[Line]]:
    """A run that is ready to train: from its beginning, another model, or a checkpoint."""
    from flux.training import Run

    sharing = _sharing(threads, saved)
    data, lines = _data(origin)
    vocabulary = saved.vocabulary if saved else start.tokenizer if start else None
    parameters = start.parameters if start else None
    run = Run(origin, data, vocabulary, sharing, ranks, parameters)
    for remark in run.restore(saved) if saved else ():
        _tell(remark)
    if threads == "auto" and not saved:
        _measure(run)
    return run, lines


def _sharing(threads: str | None, saved: SavedRun | None) -> Sharing:
    """How steps are shared: as asked for, else as the run began."""
    from flux.training import Sharing, limit_blas_to, threads_asked

    began = saved.sharing if saved else Sharing()
    if threads in (None, "auto"):
        sharing = replace(began, machine=cpu_name())
    else:
        sharing = threads_asked(threads, began, cpu_name())
    limit_blas_to(sharing.blas)
    return sharing


def _measure(run: Run) -> None:
    """Try each way of sharing, and keep the quickest."""
    from flux.training import mean_of, measure, trial

    def step_s(sharing: Sharing) -> float:
        if sharing != run.sharing:
            run.share(sharing)
        return mean_of(run.ranks, trial(run.trainer))  # so that all ranks choose alike

    def told(sharing: Sharing, spent_s: float) -> None:
        _tell(f"tried {sharing}: {1e3 * spent_s:,.3g} ms a step")

    cores = usable_cores()
    _tell(f"trying ways to share a step among {cores} cores")
    found = measure(cores, run.trainer.most_parts(cores), cpu_name(), step_s, told)
    run.share(found)
    click.echo(f"threads, measured: {found}")


def _train(run: Run, lines: list[Line], folder: Path, steps: int, peak: float) -> None:
    from flux.training import Elsewhere, RunFolder, display

    kept = Elsewhere(folder) if run.ranks.number else RunFolder(folder, run, _tell)
    every = run.origin.preset.save_every
    with stoppable() as stop, _explained(folder):
        stopped = run.train(
            steps,
            display(steps),
            kept.save_on_the_way,
            every,
            stop,
            callbacks=(kept.report,),
            improved=kept.improved,
            validated=kept.sample,
            peak=peak,
        )
        kept.save()
    if stopped:
        click.echo(f"saved at step {run.trainer.step}; to go on: flux train --resume {folder}")
        raise SystemExit(stop.exit_code or TERMINATED)  # the signal was another rank's
    _conclude(run, lines, kept, steps)


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    """Say how to go on after a loss that is not finite."""
    from flux.training import CHECKPOINT

    try:
        yield
    except DomainError as error:
        if (folder / CHECKPOINT).exists():
            note = f"to leave such steps out: flux train --resume {folder} --set not_finite=skip"
            error.notes = (*error.notes, note)
        raise


def _tell(remark: str) -> None:
    click.echo(f"note: {remark}", err=True)


def _introduce(run: Run, lines: list[Line], folder: Path) -> float:
    """Say what the run is and what it will cost; the machine's peak, in operations a second."""
    from flux.training import estimate

    source = f"{len(lines):,} lines of calculus" if lines else run.task.name
    expected = estimate(run, run.sharing.threads)
    click.echo(f"training {run.model.count:,} parameters on {source}; the run is saved in {folder}")
    if run.ranks.count > 1:
        click.echo(f"{run.ranks.count} ranks, each on its part of every batch")
    click.echo(str(expected))
    return expected.peak


def _conclude(run: Run, lines: list[Line], kept: RunFolder | Elsewhere, steps: int) -> None:
    folder = kept.path
    click.echo(f"validation loss {run.validation_loss():.4f} after {run.trainer.step} steps")
    if run.ranks.number:
        return
    if lines:
        _mark(run, lines)
    kept.plot()
    text = run.sample()
    if text is not None:
        click.echo(f"\na sample:\n{text}")
        prompt = '--prompt "x*sin(x) -> " --line --greedy' if lines else f"--length {_SAMPLE}"
        click.echo(f"\nto write more:  flux generate {folder} {prompt}")
    click.echo(f"to train on:    flux train --resume {folder} --steps {2 * steps}")


def _mark(run: Run, lines: list[Line]) -> None:
    from flux.training import mark

    marks = mark(run.language, lines, ASKED, run.origin.seed, Pace().counter("answers", ASKED))
    click.echo(f"{marks}\n{marks.table()}")
    for each in marks.marked[:_SHOWN]:
        verdict = "right" if each.right else "wrong"
        click.echo(f"  {verdict}  {each.line.problem} -> {each.answer}")


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
