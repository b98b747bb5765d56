"""A run that begins: what it is made from, and the folder that it is saved in."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flux.cli.machine import limit_blas
from flux.cli.output import typed
from flux.cli.train.build import prepare
from flux.cli.train.report import introduce, tell
from flux.cli.train.steps import held, train
from flux.errors import DataError

if TYPE_CHECKING:
    from flux.training import Config, Origin, Ranks, Start

_FOR_TEXT = {"tokenizer": "characters"}  # where nobody says more; symbols are for calculus


def begin(
    path: Path | None,
    settings: tuple[str, ...],
    options: dict[str, Any],
    out: Path | None,
    threads: str | None,
    ranks: Ranks,
) -> None:
    """Begin a run.

    Args:
        path: of a configuration.
        settings: KEY=VALUE, which come over it.
        options: by name, which come over both.
        out: the run's folder; None for a free one under runs/.
        threads: how steps are shared; None for one thread.
        ranks: that run this command together.
    """
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
    folder = _writable(_free_folder(wanted) if out is None else _empty(out))
    run, lines = prepare(origin, threads, ranks, start=start)
    peak = introduce(run, lines, folder)
    with held(folder, ranks):
        _empty(folder)  # another run may have come and gone since
        train(run, lines, folder, origin.preset.steps, peak)


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

    data = tuple(str(Path(path).absolute()) for path in config.data)
    source = start.source if start and not own else ""
    if config.preset.own and not source:
        source = _source(Path(config.preset.model))
    begun = str(Path(config.start).absolute()) if config.start else ""
    return Origin(config.preset, data, config.seed, source, config.name, begun)


def _source(path: Path) -> str:
    """The text of a model's file; its mistakes are found here."""
    from flux.syntax import load

    return load(path).text.source.text


def _title(origin: Origin) -> str:
    preset = origin.preset
    return Path(preset.model).stem if preset.own else origin.name


def _empty(folder: Path) -> Path:
    """The folder itself where no run would be overwritten."""
    from flux.training import CHECKPOINT

    if (folder / CHECKPOINT).exists():
        raise DataError(
            f"{str(folder)!r} holds a run already",
            hint=f"go on with it: {typed('train', '--resume', str(folder))};"
            " or choose another --out",
        )
    return folder


def _writable(folder: Path) -> Path:
    """The folder itself where it can be made: found out before anything long is done."""
    place = next(p for p in (folder.absolute(), *folder.absolute().parents) if p.exists())
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        raise DataError(f"cannot write to {str(folder)!r}: {str(place)!r} takes no files")
    return folder


def _free_folder(wanted: Path) -> Path:
    """The folder itself where it is new, else with the first free number behind its name."""
    folder, number = wanted, 1
    while folder.exists():
        before, number = folder, number + 1
        folder = wanted.with_name(f"{wanted.name}-{number}")
    if number > 1:
        _mention(before)
    return folder


def _mention(folder: Path) -> None:
    """Say so where the run of the same name before this one has not come to its end."""
    from flux.training import read_run

    try:
        saved = read_run(folder)
    except DataError:
        return
    steps = saved.origin.preset.steps
    if saved.step < steps:
        on = typed("train", "--resume", str(folder))
        tell(f"{folder} stopped at step {saved.step} of {steps}; to go on with it instead: {on}")
