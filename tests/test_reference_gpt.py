"""The reference model is itself checked: against differences, and by what must hold of any GPT."""

from __future__ import annotations

import numpy as np
import pytest

from tests import reference_gpt as reference

SHAPE = reference.Shape(vocabulary=7, context=5, width=6, heads=2, layers=2, feed_forward=8)
PATHS = [path for path, _, _ in reference.layout(SHAPE)]


def _batch(seed: int = 1) -> tuple[reference.Tokens, reference.Tokens]:
    drawn = np.random.default_rng(seed).integers(0, SHAPE.vocabulary, (2, 3, SHAPE.context - 1))
    return drawn[0], drawn[1]


@pytest.mark.parametrize("path", PATHS)
def test_gradient_agrees_with_central_differences(path: str) -> None:
    parameters = reference.initial(SHAPE, seed=0)
    tokens, targets = _batch()
    _, found = reference.gradients(parameters, tokens, targets)
    flat = parameters[path].reshape(-1)
    step = 1e-5
    for i in range(0, flat.size, max(1, flat.size // 6)):
        kept = flat[i]
        flat[i] = kept + step
        above = reference.loss(parameters, tokens, targets)
        flat[i] = kept - step
        below = reference.loss(parameters, tokens, targets)
        flat[i] = kept
        assert found[path].reshape(-1)[i] == pytest.approx(
            (above - below) / (2 * step), rel=1e-6, abs=1e-9
        )


def test_a_token_does_not_change_the_logits_before_it() -> None:
    parameters = reference.initial(SHAPE, seed=0)
    tokens, _ = _batch()
    changed = tokens.copy()
    changed[:, 2] = (changed[:, 2] + 1) % SHAPE.vocabulary
    before, after = reference.logits(parameters, tokens), reference.logits(parameters, changed)
    assert np.array_equal(before[:, :2], after[:, :2])
    assert not np.array_equal(before[:, 2:], after[:, 2:])


def test_parameter_count_of_the_tiny_preset() -> None:
    tiny = reference.Shape(65, 32, 64, 2, 1, 128)
    assert sum(int(np.prod(dims)) for _, _, dims in reference.layout(tiny)) == 43_968


def test_one_batch_is_learnt_by_heart() -> None:
    parameters = reference.initial(SHAPE, seed=0)
    batch = _batch()
    optimiser = reference.AdamW(learning_rate=0.03, warm_up=5, steps=150, weight_decay=0.0)
    losses = reference.train(parameters, [batch] * 150, optimiser, frozenset())
    assert losses[0] > 1.5
    assert losses[-1] < 0.6  # equal beginnings with different ends keep it above zero
