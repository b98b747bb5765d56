"""What is said of work that takes long: when, at which rate, and how long yet."""

from __future__ import annotations

import io

import pytest

from flux.cli.pace import Pace, paced


class Stream(io.StringIO):
    """A stream that may be a terminal."""

    def __init__(self, live: bool) -> None:
        super().__init__()
        self._live = live

    def isatty(self) -> bool:
        return self._live

    def lines(self) -> list[str]:
        return [x.strip() for x in self.getvalue().replace("\r", "\n").split("\n") if x.strip()]


class Work:
    """A pace with a clock that stands until it is set."""

    def __init__(self, live: bool = False) -> None:
        self.now = 0.0
        self.stream = Stream(live)
        self.pace = Pace(self.stream, lambda: self.now)

    def at(self, now: float, *told: object, **more: object) -> None:
        self.now = now
        self.pace(*told, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("live", [False, True])
def test_a_line_has_a_rate_and_the_time_left(live: bool) -> None:
    work = Work(live)
    for second, done in ((0.5, 100), (2, 1_000), (2.2, 1_200), (4, 2_000), (5, 10_000)):
        work.at(second, "variants", done, 10_000)
    assert work.stream.lines() == [
        "1,000 of 10,000 variants, 500 a second, 10%, ETA 18 s",
        "2,000 of 10,000 variants, 500 a second, 20%, ETA 16 s",
    ]
    # A terminal's line is wiped when the work is done; elsewhere lines stay.
    assert work.stream.getvalue().endswith("\r" if live else "\n")


def test_an_unknown_number_has_a_rate_and_other_work_one_of_its_own() -> None:
    work = Work()
    work.at(2, "records read", 4_000)
    work.at(4, "variants", 10, 20)
    assert work.stream.lines() == [
        "4,000 records read, 2,000 a second",
        "10 of 20 variants, 5 a second, 50%, ETA 2 s",
    ]


def test_work_that_starts_again_is_other_work() -> None:
    work = Work()
    for now, done in ((3, 20), (4, 30), (6, 8), (8, 16)):
        work.at(now, "MB", done, 40)
    assert work.stream.lines()[-1] == "16 of 40 MB, 4 a second, 40%, ETA 6 s"


def test_a_share_says_how_much_is_done_where_the_number_does_not() -> None:
    work = Work()
    work.at(6, "rows", 6_000, share=0.1, note="so far")
    assert work.stream.lines() == ["6,000 rows, 1,000 a second, 10%, ETA 54 s, so far"]


def test_what_was_done_before_counts_for_nothing() -> None:
    work = Work()
    work.pace.begin("rows", 5_000, 0.5)
    work.at(2, "rows", 6_000, share=0.6)
    assert work.stream.lines() == ["6,000 rows, 500 a second, 60%, ETA 8 s"]


@pytest.mark.parametrize("live", [False, True])
def test_quick_work_says_nothing(live: bool) -> None:
    work = Work(live)
    work.at(0.9, "rows", 10, 20)
    work.at(0.9, "rows", 20, 20)
    work.pace.end()
    assert work.stream.getvalue() == ""


def test_a_stream_that_is_gone_stops_nothing() -> None:
    class Gone(Stream):
        def write(self, text: str) -> int:
            raise OSError

    now = [0.0]
    pace = Pace(Gone(True), lambda: now[0])
    now[0] = 5
    pace("rows", 1, 2)
    pace.end()


def test_items_are_passed_on() -> None:
    assert list(paced("abc", "letters")) == ["a", "b", "c"]
