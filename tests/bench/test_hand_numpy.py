"""The yardstick is itself checked, so that nobody is measured against a wrong step."""

from __future__ import annotations

import numpy as np
import pytest

from tests import reference_gpt as reference
from tests.bench.hand_numpy import Adam, HandWritten
from tests.bench.training_peers import (
    Case,
    library_model,
    library_paths,
    library_values,
    values_of,
)

SHAPE = reference.Shape(vocabulary=7, context=5, width=6, heads=2, layers=2, feed_forward=8)


def test_gradients_by_hand_are_those_of_the_reference() -> None:
    values = reference.initial(SHAPE, seed=0)
    tokens, targets = np.random.default_rng(1).integers(0, SHAPE.vocabulary, (2, 3, SHAPE.context))
    hand = HandWritten(SHAPE, 3, values, Adam())
    loss = hand(tokens, targets)
    expected_loss, expected = reference.gradients(values, tokens, targets)
    assert loss == pytest.approx(expected_loss, rel=1e-5)
    for path, gradient in expected.items():
        found = hand.gradients.view(path)
        np.testing.assert_allclose(found, gradient, rtol=1e-3, atol=1e-5, err_msg=path)


def test_training_by_hand_follows_the_reference() -> None:
    values = reference.initial(SHAPE, seed=0)
    drawn = np.random.default_rng(1).integers(0, SHAPE.vocabulary, (20, 2, 3, SHAPE.context))
    batches = [(tokens, targets) for tokens, targets in drawn]
    hand = HandWritten(SHAPE, 3, values, Adam(learning_rate=0.01))
    optimiser = reference.AdamW(learning_rate=0.01, clip=1e9, warm_up=0, final_fraction=1)
    expected = reference.train(values, batches, optimiser, frozenset(values))
    assert [hand(*batch) for batch in batches] == pytest.approx(expected, rel=1e-4)


def test_gradients_of_a_plain_model_are_those_of_the_library() -> None:
    case = Case(SHAPE, 3, plain=True)
    model = library_model(case, "float64")
    model.load_state_dict(library_values(case, model))
    tokens, targets = np.random.default_rng(1).integers(0, SHAPE.vocabulary, (2, 3, SHAPE.context))
    hand = HandWritten(SHAPE, 3, values_of(case), Adam(), plain=True)
    loss = hand(tokens, targets)
    assert loss == pytest.approx(model.loss(tokens=tokens, targets=targets), rel=1e-5)
    found = {path: hand.gradients.view(path) for path in values_of(case)}
    expected = model.gradient(tokens=tokens, targets=targets)
    for path, name in library_paths(case, model).items():
        np.testing.assert_allclose(found[name], expected[path], rtol=1e-3, atol=1e-5, err_msg=path)
