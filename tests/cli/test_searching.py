"""What is said of a search by SymPy: how many of its seconds are gone, in a terminal alone."""

from __future__ import annotations

import pytest

from flux.cli.searching import searching, tell
from flux.settings import current
from tests.cli.test_pace import Stream, Work


def test_the_seconds_that_are_gone_and_left_are_told() -> None:
    work = Work(live=True)
    clock = iter((0.0, 0.5, 3.0, 6.0))

    def now() -> float:
        work.now = next(clock)
        return work.now

    over = iter((False, False, False, True))
    tell(30, lambda _: next(over), work.pace, now)
    lines = work.stream.lines()
    assert lines[-1] == "6 of 30 seconds of the search at most, 1 a second, 20%, ETA 24 s"
    assert len(lines) == 2  # none before the first second
    assert work.stream.getvalue().endswith("\r")  # and none is left behind


@pytest.mark.parametrize("live", [False, True])
def test_the_seconds_hold_inside_and_quick_work_says_nothing(
    live: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = Stream(live)
    monkeypatch.setattr("sys.stderr", stream)
    before = current().max_seconds
    with searching(7):
        assert current().max_seconds == 7
    assert current().max_seconds == before
    assert stream.getvalue() == ""
