"""Ten thousand inputs through the whole pipeline; `make fuzz` runs a million."""

from __future__ import annotations

import pytest

from tests.fuzz.exercise import Trace
from tests.fuzz.inputs import Input, make
from tests.fuzz.run import ROOMY, Limits, run_many, run_one
from tests.fuzz.shrink import shrink

_SEED = 20
_PART = 500


@pytest.mark.parametrize("part", range(20))
def test_nothing_but_flux_errors_leaves_the_pipeline(part: int) -> None:
    found = []
    run_many(
        _SEED,
        range(part * _PART, (part + 1) * _PART),
        lambda index, case, failure: found.append(
            f"--seed {_SEED} --from {index} --count 1\n{case.text!r}\n{failure.details}"
        ),
        ROOMY,
    )
    assert not found, "\n".join(found[:3])


@pytest.mark.parametrize(
    ("limits", "key"), [(Limits(0.0, 60.0), ": slow"), (Limits(60.0, 0.02), ": hang")]
)
def test_what_takes_too_long_is_a_failure(limits: Limits, key: str) -> None:
    product = "*".join(f"sin(x + {n})" for n in range(40))
    failure = run_one(Input("product", product, False, 1), Trace(), limits)
    assert failure is not None
    assert failure.key.endswith(key)


def test_an_input_follows_from_seed_and_index() -> None:
    assert make(3, 14) == make(3, 14)
    assert len({make(3, index).text for index in range(100)}) > 90


def test_every_kind_of_input_is_made() -> None:
    assert len({make(1, index).how for index in range(2_000)}) == 10


def test_a_failing_text_shrinks_to_what_matters() -> None:
    text = "a = sin(x)\nb = a + lambda*2\n(b + 1)^2"
    assert shrink(text, lambda t: "lambda" in t and "(" in t) in ("(lambda", "lambda(")
