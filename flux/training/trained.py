"""The models of runs, with the parameters of their checkpoints."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from flux.errors import DataError
from flux.nn import Model
from flux.training.blueprint import model_graph
from flux.training.language import LanguageModel
from flux.training.saved import SavedRun, read_run


def load_language_model(folder: Path) -> LanguageModel:
    """The trained model of a run's folder, or of one of its checkpoints.

    Raises:
        DataError: there is none, or it is damaged.
    """
    saved = read_run(folder)
    origin = saved.origin
    language = LanguageModel(origin.preset, saved.tokenizer, 0, origin.source)
    _fill(language.model, saved)
    return language


def model_of(saved: SavedRun) -> Model:
    """The trained model of a run, of text or of tables.

    Raises:
        DataError: its checkpoint does not fit it.
    """
    origin = saved.origin
    if saved.vocabulary is not None:
        model = LanguageModel(origin.preset, saved.vocabulary, 0, origin.source).model
    else:
        model = Model(model_graph(origin.preset, origin.source), dict(origin.preset.sizes))
    _fill(model, saved)
    return model


def _fill(model: Model, saved: SavedRun) -> None:
    for group, buffer in model.parameters.buffers.items():
        found = saved.arrays.get(group)
        if found is None or found.shape != buffer.shape:
            raise DataError(f"the checkpoint {str(saved.path)!r} does not fit its own preset")
        np.copyto(buffer, found)
