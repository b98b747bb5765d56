from __future__ import annotations

import io
import math

import pytest

from flux.training.progress import Lines, Meter, Pace, Report, display, duration, wrapped


def test_a_report_is_due_each_second_and_at_the_end() -> None:
    now = [0.0]
    meter = Meter(first=10, steps=16, every_s=1.0, clock=lambda: now[0])
    reports = []
    for step in range(11, 17):
        now[0] += 0.5
        reports.append(meter.add(step, float(step)))
    due = [report for report in reports if report is not None]
    assert [report.step for report in due] == [12, 14, 16]
    assert [report.loss for report in due] == [11.5, 12.5, 13.5]  # means, as there are few steps
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


FULL = Report(
    8, 10, 2.0, math.log(8), 2.5, 0.8, 3.0, 1e-3, 0.25, 1, Pace(64, "tokens", 4_000, 100_000.0)
)


def test_a_full_report_has_every_figure() -> None:
    assert FULL.line() == (
        "step  8/10  loss 2.0000  validation 2.0794  perplexity 8  3.000 bits/char"
        "  rate 1.00e-03  gradient 0.25  1 skipped  2.50 steps/s  160 tokens/s  10% of peak"
        "  ETA 1 s"
    )
    assert FULL.row()["tokens_per_s"] == 160
    assert FULL.row()["perplexity"] == pytest.approx(8)


def test_the_smoothed_loss_leaves_out_what_is_not_finite() -> None:
    meter = Meter(first=0, steps=4, every_s=0.0, clock=lambda: 0.0)
    losses = [2.0, float("nan"), 4.0, float("inf")]
    reports = [meter.add(step, loss) for step, loss in enumerate(losses, 1)]
    assert [report.loss for report in reports if report] == [2.0, 2.0, 3.0, 3.0]


def test_time_of_something_else_is_left_out() -> None:
    now = [0.0]
    meter = Meter(first=0, steps=2, every_s=0.0, clock=lambda: now[0])
    now[0] = 3.0
    meter.paused(2.0)
    report = meter.add(1, 1.0)
    assert report is not None
    assert report.steps_per_s == 1.0


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_bar() -> None:
    out = Terminal()
    with display(100, out) as shown:
        shown.show(Report(50, 100, 2.5, 3.0, 50.0, 1.0))
    assert "validation 3.0000" in out.getvalue()


@pytest.mark.parametrize("columns", ["40", "80", "200"])
def test_a_narrow_terminal_shows_all_of_a_report(
    columns: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    report = Report(50, 100, 2.5, 3.0, 50.0, 61.0, 1.2, 1e-3, 0.5, 3, Pace(64, "tokens", 10, 1e4))
    out = Terminal()
    with display(100, out) as shown:
        shown.show(report)
    for part in report.parts():
        assert part in out.getvalue()
    assert max(map(len, wrapped(report.parts(), int(columns)))) <= int(columns)
    assert "\N{HORIZONTAL ELLIPSIS}" not in out.getvalue()
