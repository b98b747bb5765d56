from __future__ import annotations

import io

import pytest

from flux.training.progress import Lines, Meter, Report, display, duration


def test_a_report_is_due_each_second_and_at_the_end() -> None:
    now = [0.0]
    meter = Meter(first=10, steps=16, every_s=1.0, clock=lambda: now[0])
    reports = []
    for step in range(11, 17):
        now[0] += 0.5
        reports.append(meter.add(step, float(step)))
    due = [report for report in reports if report is not None]
    assert [report.step for report in due] == [12, 14, 16]
    assert [report.loss for report in due] == [11.5, 13.5, 15.5]
    assert {report.steps_per_s for report in due} == {2.0}
    assert [report.remaining_s for report in due] == [2.0, 1.0, 0.0]


DURATIONS = [(0.2, "0 s"), (59.4, "59 s"), (61, "1 min 01 s"), (3_725, "1 h 02 min")]


@pytest.mark.parametrize(("seconds", "text"), DURATIONS)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_file_gets_plain_lines() -> None:
    out = io.StringIO()
    with display(100, out) as shown:
        assert isinstance(shown, Lines)
        shown.show(Report(5, 100, 2.5, None, 50.0, 1.9))
        shown.show(Report(100, 100, 1.25, 1.5, 1_250.0, 0.0))
    assert out.getvalue().splitlines() == [
        "step   5/100  loss 2.5000  validation    -    50 steps/s  ETA 2 s",
        "step 100/100  loss 1.2500  validation 1.5000  1,250 steps/s  ETA 0 s",
    ]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_bar() -> None:
    out = Terminal()
    with display(100, out) as shown:
        shown.show(Report(50, 100, 2.5, 3.0, 50.0, 1.0))
    assert "validation 3.0000" in out.getvalue()
