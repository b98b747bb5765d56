"""What the benchmarks time is right: Flux's rows give what the yardsticks give; measuring works."""

from __future__ import annotations

import math

import pytest

from tests.bench import formula_peers, symbolic_peers, training_peers
from tests.bench.measure import Sample, Worker, figure, speed_ratio, table, take_turns


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("formula", formula_peers.FORMULAS)
def test_formulas_have_the_values_that_numpy_gives(formula: str, dtype: str) -> None:
    task = (formula, dtype, 20_000)
    found, typed = formula_peers.flux(*task)(), formula_peers.numpy_typed(*task)()
    assert found.dtype == dtype
    assert found == pytest.approx(typed, rel=1e-4 if dtype == "float32" else 1e-11, abs=1e-5)
    assert formula_peers.numpy_in_blocks(*task)() == pytest.approx(typed)


@pytest.mark.parametrize("preset", ["tiny", "nanogpt-cpu"])
def test_both_training_steps_lose_alike(preset: str) -> None:
    flux, hand = training_peers.flux(preset), training_peers.numpy_by_hand(preset)
    assert [flux() for _ in range(3)] == pytest.approx([hand() for _ in range(3)], rel=1e-5)


@pytest.mark.parametrize("task", symbolic_peers.TASKS)
def test_symbolic_tasks_run(task: str) -> None:
    assert symbolic_peers.flux(task)() is not None


def test_a_scalar_call_has_pythons_value() -> None:
    task = symbolic_peers.CALL
    assert symbolic_peers.flux(task)() == pytest.approx(symbolic_peers.python(task)(), rel=1e-15)


def test_a_worker_times_what_it_is_asked_for() -> None:
    worker = Worker("tests.bench.symbolic_peers")
    try:
        worker.prepare("python", task=symbolic_peers.CALL)
        samples = take_turns({"python": worker}, 3, 0.001)["python"]
        assert len(samples) == 3
        assert all(0 < sample.seconds < 1e-3 for sample in samples)
        assert samples[0].value == pytest.approx(math.sin(2) + math.exp(-2))
    finally:
        worker.close()


def test_a_ratio_is_the_median_of_those_within_a_round() -> None:
    def samples(*seconds: float) -> list[Sample]:
        return [Sample(s, None, 1.0) for s in seconds]

    assert speed_ratio(samples(1, 2, 10), samples(2, 4, 10)) == 2


def test_figures_have_three_digits() -> None:
    shown = [figure(x) for x in (0.01234, 1.2345, 12.345, 123.45, 12345.6, math.nan)]
    assert shown == ["0.0123", "1.23", "12.3", "123", "12,346", "-"]
    assert table(["a", "b"], [["1", "2"]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"
