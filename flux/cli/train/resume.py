"""A run that goes on: from its newest whole checkpoint, as it began."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flux.cli.machine import limit_blas
from flux.cli.train.build import prepare
from flux.cli.train.report import introduce, tell
from flux.cli.train.steps import held, train
from flux.errors import DataError

if TYPE_CHECKING:
    from flux.training import Ranks

_RESUMABLE = {"steps", "save_every"}


def go_on(
    folder: Path,
    changes: dict[str, Any],
    settings: tuple[str, ...],
    threads: str | None,
    ranks: Ranks,
) -> None:
    """Go on with the run in a folder.

    Args:
        folder: of the run.
        changes: options by name; those that would make another run of it are refused.
        settings: KEY=VALUE, likewise.
        threads: how steps are shared; None for as before.
        ranks: that run this command together.
    """
    from flux.training import read_settings

    unknown = set(changes) - _RESUMABLE
    if unknown:
        name = min(unknown).replace("_", "-")
        raise click.UsageError(f"a run goes on as it began: --{name} cannot be changed")
    values = read_settings(settings)
    _check_resumable(values)
    _check_run(folder)
    with held(folder, ranks):
        _resume(folder, {**values, **changes}, threads, ranks)


def _check_resumable(values: dict[str, Any]) -> None:
    from flux.training import RESUMABLE

    for name in values:
        if name not in RESUMABLE:
            raise click.UsageError(
                f"a run goes on as it began: {name} cannot be changed;"
                f" these can: {', '.join(RESUMABLE)}"
            )


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
        tell(f"{remark}; {saved.path.name}, of step {saved.step}, is used")
    if not ranks.number:
        set_aside(folder, saved.path)
    steps = values.pop("steps", saved.origin.preset.steps)
    origin = replace(saved.origin, preset=changed(saved.origin.preset, values))
    limit_blas()
    run, lines = prepare(origin, threads, ranks, saved)
    peak = introduce(run, lines, folder)
    train(run, lines, folder, steps, peak)
