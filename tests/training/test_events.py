"""Events for TensorBoard: what a reader of the format finds in them."""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flux.cli.entry import run
from flux.errors import ArgumentError
from flux.training import CHECKPOINT
from flux.training.events import EVENTS, Events
from flux.training.metrics import METRICS, read_metrics

pytest.importorskip("tensorboardX", reason="needs tensorboardX")

from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.record_writer import masked_crc32c


def _events(path: Path) -> Iterator[Any]:
    """The whole events of a file, as a reader takes them: up to the first that is broken."""
    content, place = path.read_bytes(), 0
    while len(content) >= place + 12:
        (length,) = struct.unpack_from("<Q", content, place)
        data = content[place + 12 : place + 12 + length]
        sums = [content[place + 8 : place + 12], content[place + 12 + length :][:4]]
        if len(data) < length or len(sums[1]) < 4:
            return
        wanted = [content[place : place + 8], data]
        assert [struct.unpack("<I", s)[0] for s in sums] == [masked_crc32c(w) for w in wanted]
        yield Event.FromString(data)
        place += 16 + length


def scalars(folder: Path) -> dict[str, dict[int, float]]:
    """Tag to step to number, with the steps taken back that a later start takes back."""
    found: dict[str, dict[int, float]] = {}
    for path in sorted(folder.glob(f"{EVENTS}.*")):
        events = list(_events(path))
        assert events[0].file_version == "brain.Event:2"
        for event in events:
            if event.session_log.status == SessionLog.START:
                for steps in found.values():
                    for step in [step for step in steps if step >= event.step]:
                        del steps[step]
            for value in event.summary.value:
                found.setdefault(value.tag, {})[event.step] = value.simple_value
    return found


def test_what_is_added_is_read_back(tmp_path: Path) -> None:
    events = Events(tmp_path, 0)
    events.add({"step": 1, "loss": 2.5, "validation": None, "gradient_norm": float("nan")})
    events.add({"step": 2, "loss": 2.25, "validation": 1.5, "skipped": 3})
    assert scalars(tmp_path) == {
        "loss": {1: 2.5, 2: 2.25},
        "validation": {2: 1.5},
        "skipped": {2: 3.0},
    }


def test_a_run_that_goes_on_takes_back_what_it_does_once_more(tmp_path: Path) -> None:
    first = Events(tmp_path, 0)
    for step in (1, 2, 3):
        first.add({"step": step, "loss": float(step)})
    (file,) = tmp_path.glob(f"{EVENTS}.*")
    with file.open("ab") as broken:  # as a kill may leave it
        broken.write(b"\x20\0\0\0\0\0\0\0ab")
    Events(tmp_path, 2).add({"step": 3, "loss": 30.0})
    assert scalars(tmp_path) == {"loss": {1: 1.0, 2: 2.0, 3: 30.0}}


def _train(folder: Path, *words: str) -> int:
    (folder / "text.txt").write_text("abc abd " * 99, encoding="utf-8")
    small = ["--preset", "tiny", "--width", "8", "--context", "8", "--steps", "20"]
    small += ["--set", "evaluate_every=5", "--set", "save_every=10", "--out", str(folder / "run")]
    return run(["train", *small, "--data", str(folder / "text.txt"), *words])


def test_a_run_writes_the_numbers_of_its_metrics_and_goes_on_with_them(tmp_path: Path) -> None:
    assert _train(tmp_path, "--set", "tensorboard=true") == 0
    folder = tmp_path / "run"
    (folder / "previous-1.safetensors").replace(folder / CHECKPOINT)
    assert run(["train", "--resume", str(folder)]) == 0
    assert len(list(folder.glob(f"{EVENTS}.*"))) == 2
    rows = read_metrics(folder / METRICS)
    assert [row["step"] for row in rows] == [5, 10, 15, 20]
    found = scalars(folder)
    assert {"loss", "validation", "learning_rate", "gradient_norm", "tokens_per_s"} <= set(found)
    for tag, values in found.items():
        wanted = {row["step"]: row[tag] for row in rows if row[tag] is not None}
        assert values == pytest.approx(wanted, rel=1e-6), tag


def test_a_run_writes_none_unless_it_is_told_to(tmp_path: Path) -> None:
    assert _train(tmp_path) == 0
    assert not list((tmp_path / "run").glob(f"{EVENTS}*"))


def test_without_the_library_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboardX.proto", None)
    with pytest.raises(ArgumentError, match="tensorboardX"):
        Events(tmp_path, 0)
    assert _train(tmp_path, "--set", "tensorboard=true") == 1
    assert "fluxparser[tensorboard]" in capsys.readouterr().err
