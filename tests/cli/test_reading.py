"""What is said while a long text is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from flux.cli import reading
from flux.cli.reading import Reading
from flux.training import Files


def test_lines_come_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [100.0]
    monkeypatch.setattr(reading, "monotonic", lambda: now[0])
    told = Reading("novel.txt")
    for done in (10, 20, 30, 40):
        now[0] += 1.5
        told(done * 10**6, 40 * 10**6)
    assert capsys.readouterr().err == "reading novel.txt: 50%, 7 MB/s, ETA 3 s\n"
    for done in (8, 16):  # another pass, with a clock of its own
        now[0] += 2
        told(done * 10**6, 40 * 10**6)
    assert capsys.readouterr().err == "reading novel.txt: 40%, 8 MB/s, ETA 3 s\n"


def test_every_pass_is_told_of(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("ab\n" * 700_000)
    told: list[tuple[int, int]] = []
    files = Files([tmp_path], lambda *pair: told.append(pair))
    size = 2 * 2_100_000
    assert told[-1] == (size, size)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    count = len(told)
    assert "".join(files.texts()) == "ab\n" * 1_400_000
    assert len(told) == 2 * count
