"""The run itself: data, model, and how its steps are shared among threads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from flux.cli.machine import cpu_name, usable_cores
from flux.cli.output import say
from flux.cli.pace import Pace
from flux.cli.train.report import tell
from flux.errors import DataError

if TYPE_CHECKING:
    from flux.training import (
        Corpus,
        Files,
        Line,
        Origin,
        Ranks,
        Run,
        SavedRun,
        Sharing,
        Start,
        Table,
    )


def prepare(
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
        tell(remark)
    if threads == "auto" and not saved:
        _measure(run)
    return run, lines


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
        tell(f"tried {sharing}: {1e3 * spent_s:,.3g} ms a step")

    cores = usable_cores()
    tell(f"trying ways to share a step among {cores} cores")
    found = measure(cores, run.trainer.most_parts(cores), cpu_name(), step_s, told)
    run.share(found)
    say(f"threads, measured: {found}")
