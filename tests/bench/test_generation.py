"""Writing with the preset `small`: with kept rows and without, within the window and beyond it.

Equal tokens are checked before anything is timed.
"""

from __future__ import annotations

import time
from itertools import islice

import numpy as np
import pytest

from flux.nn import Decoder, FullDecoder, decoder_of, window_program
from flux.training import GREEDY, PRESETS, LanguageModel, Tokenizer, write_tokens
from tests.bench.measure import table

pytestmark = pytest.mark.bench

_CHARACTERS = "".join(chr(32 + n) for n in range(65))  # as many as a book has
_WANTED = 3_000  # tokens a second within the window
_ROUNDS, _LONG = 5, 2_000


def _written(decoder: Decoder, count: int) -> tuple[list[int], float]:
    """Tokens, and how many a second, the first one left out: it fills the window."""
    tokens = write_tokens(decoder, np.array([1]), GREEDY)
    first = next(tokens)
    began = time.perf_counter()
    rest = list(islice(tokens, count - 1))
    return [first, *rest], (count - 1) / (time.perf_counter() - began)


def test_writing() -> None:
    language = LanguageModel(PRESETS["small"], Tokenizer(_CHARACTERS), seed=0)
    model, context = language.model, language.context
    logits, buffers = model.graph.values["logits"], model.parameters.buffers
    kept = decoder_of(model, logits, "tokens", "t", context)
    window = window_program(model, logits, "tokens", "t", context)
    whole = FullDecoder(window, buffers, "tokens", context)
    assert _written(kept, 3 * context)[0] == _written(whole, 3 * context)[0]
    regimes = (
        ("kept rows, within the window", kept, context - 1),
        (f"kept rows, over {_LONG:,} tokens", kept, _LONG),
        ("whole windows", whole, context - 1),
    )
    best = {n: max(_written(d, count)[1] for _ in range(_ROUNDS)) for n, d, count in regimes}
    print("\n" + table(("", "tokens/s"), [(n, f"{v:,.0f}") for n, v in best.items()]))
    assert best[regimes[0][0]] >= _WANTED
