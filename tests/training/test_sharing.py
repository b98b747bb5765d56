"""How steps are shared among threads, what they cost, and what a trial leaves behind."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from flux.errors import ArgumentError, LimitError
from flux.program import cost_of
from flux.training import Origin, Preset, Run, Sharing, estimate, limit_blas_to, split, trial
from flux.training import sharing as module
from flux.training.sharing import asked, measure, restored

PRESET = Preset(8, 2, 1, 12, 6, 4, 10, 1e-3)


@pytest.fixture
def run() -> Run:
    return Run(Origin(PRESET), split("abc" * 40, "letters", PRESET.context))


def state(run: Run) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in run.trainer.state().items()}


def test_a_trial_leaves_everything_as_it_was(run: Run) -> None:
    run.trainer.run(3)
    before = state(run)
    assert trial(run.trainer, 0.01) > 0
    assert state(run) == before
    assert run.trainer.step == 3


def test_sharing_anew_keeps_the_state_and_the_bits(run: Run) -> None:
    other = Run(Origin(PRESET), split("abc" * 40, "letters", PRESET.context))
    run.trainer.run(3)
    run.share(Sharing(2))
    run.trainer.run(3)
    other.trainer.run(6)
    assert state(run) == state(other)


def test_what_a_run_costs_is_said(run: Run) -> None:
    found = estimate(run, 1)
    assert found.parameters == run.model.count
    assert found.flops == cost_of(run.trainer.program).flops > 6 * run.model.count
    assert (found.units, found.unit) == (24, "tokens")
    assert found.peak > 1e8
    shown = str(found)
    for word in ("parameters", "arena", "FLOPs a token", "steps/s", "tokens/s", "GFLOP/s"):
        assert word in shown


ONE, OWN, BLAS, PARTS = Sharing(), Sharing(own=2), Sharing(blas=2), Sharing(parts=2)
TIMES = [
    ([1.0, 0.5, 1.0, 0.6], OWN),
    ([1.0, 0.7, 0.5, 0.6], BLAS),
    ([1.0, 0.7, 0.8, 0.6], PARTS),
    ([1.0, 1.2, 1.1, 1.3], ONE),
    ([1.0, 0.97, 0.98, 0.96], ONE),
]


@pytest.mark.parametrize(("times", "chosen"), TIMES)
def test_the_quickest_is_taken_where_it_pays(
    times: list[float], chosen: Sharing, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = [1]
    monkeypatch.setattr(module, "limit_blas", limits.append)
    spent = dict(zip((ONE, OWN, BLAS, PARTS), times, strict=True))
    told: list[tuple[Sharing, float]] = []

    def step_s(sharing: Sharing) -> float:
        assert limits[-1] == sharing.blas
        return spent[replace(sharing, machine="")]

    found = measure(2, 2, "m", step_s, lambda *one: told.append(one))
    assert found == replace(chosen, machine="m")
    assert limits[-1] == chosen.blas
    assert [one for _, one in told] == times


def test_a_batch_that_stays_whole_is_not_tried_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "limit_blas", lambda _: None)
    tried: list[Sharing] = []
    measure(2, 1, "", lambda sharing: tried.append(sharing) or 1.0)  # type: ignore[func-returns-value]
    assert tried == [ONE, OWN, BLAS]


def test_a_way_that_memory_does_not_hold_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "limit_blas", lambda _: None)

    def step_s(sharing: Sharing) -> float:
        if sharing.parts > 1:
            raise LimitError("a step needs 3 GiB of memory")
        return 1 / sharing.threads

    assert measure(2, 2, "", step_s) == OWN


def test_one_core_needs_no_measuring() -> None:
    def never(_: Sharing) -> float:
        raise AssertionError

    assert measure(1, 4, "m", never) == Sharing(machine="m")


ASKED = [
    ("3", Sharing(own=3, blas=2, parts=4, machine="m")),
    ("blas:3", Sharing(blas=3, machine="m")),
    ("batch:3", Sharing(parts=3, machine="m")),
    ("64", Sharing(own=64, blas=2, parts=4, machine="m")),
]


@pytest.mark.parametrize(("text", "expected"), ASKED)
def test_what_is_asked_for(text: str, expected: Sharing) -> None:
    assert asked(text, Sharing(own=2, blas=2, parts=4, machine="other"), "m") == expected


@pytest.mark.parametrize(
    "text",
    ["", "0", "65", "-1", "many", ":2", "own:2", "batch:", "batch:0", "1:1", "\u0663", "1e9"],
)
def test_what_cannot_be_asked_for(text: str) -> None:
    with pytest.raises(ArgumentError, match="threads are"):
        asked(text, Sharing(), "m")


def test_ways_of_sharing_are_told_apart() -> None:
    shown = [str(sharing) for sharing in (ONE, OWN, BLAS, PARTS)]
    assert len(set(shown)) == 4
    assert shown[0] == "one thread"
    assert [sharing.threads for sharing in (ONE, OWN, BLAS, PARTS)] == [1, 2, 2, 2]


def test_the_blas_is_limited() -> None:
    from threadpoolctl import threadpool_info

    limit_blas_to(1)
    blas = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    assert blas
    assert all(pool["num_threads"] == 1 for pool in blas)


def test_what_is_saved_comes_back() -> None:
    sharing = Sharing(2, 1, 3, "Linux x86_64")
    assert restored(sharing.saved()) == sharing
    assert restored({}) == Sharing()


@pytest.mark.parametrize(
    "changes",
    [{"own": 0}, {"own": True}, {"blas": "2"}, {"blas": 10**9}, {"parts": 0}, {"machine": 3}],
)
def test_what_no_run_has_saved_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError):
        restored({**Sharing().saved(), **changes})
