"""Decoding: the value of a model's text at the end of a growing sequence, place after place.

Two Programs of one text. `step` computes one place, and keeps rows of it for the places to come;
`fill` computes the rows of a whole window at once, for a prompt. Where the window is full, its last
half is filled in again from the start: learnt positions make every row that was kept stale.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from flux.backends.runner import Runner
from flux.errors import AxisError
from flux.expr import Expr, inputs
from flux.lower import lower
from flux.lower.sizes import infer_sizes
from flux.nn.causal import check_causal
from flux.nn.model import Model
from flux.nn.one_step import PLACE, OneStep, one_step
from flux.nn.programs import VALUE, packs, value_program
from flux.program import Program, Role

_GROWN = "grown "
Tokens = NDArray[np.int64]
Buffers = Mapping[str, NDArray[Any]]


class Decoder(Protocol):
    """What follows a sequence of tokens.

    Attributes:
        context: the longest window.
    """

    context: int

    def start(self, tokens: Tokens) -> NDArray[Any]:
        """Begin with a sequence, at least one token; the value at its last place."""

    def advance(self, token: int) -> NDArray[Any]:
        """Add a token; the value at its place. The array is overwritten by the next call."""


@dataclass(frozen=True)
class DecodingPrograms:
    """The two Programs of cached decoding.

    Attributes:
        step: one place: the value, and a row for each buffer that is kept.
        fill: the rows of a whole window; None where nothing is kept.
    """

    step: Program
    fill: Program | None


def decoding_programs(
    model: Model, value: Expr, tokens: str, axis: str, context: int
) -> DecodingPrograms:
    """The Programs that decode a value of a model with what is kept of earlier places.

    Args:
        model: whose graph the value belongs to.
        value: such as the logits; it has the axis.
        tokens: the name of the input that is given place by place.
        axis: the time.
        context: its size, the longest window.

    Raises:
        AxisError: the text looks ahead, or needs all places at once.
    """
    along = [e for e in model.graph.inputs if axis in e.attributes.axes]
    scalars = [e for e in model.graph.inputs if not e.attributes.axes]  # seed and step, which are 0
    step = one_step(value, axis, along, model.graph.origins)
    _check_inputs(step, tokens)
    batch = {a: 1 for e in step.inputs for a in e.attributes.axes}
    sizes = infer_sizes(
        [value, *(kept.whole for kept in step.kept)], {**batch, **model.sizes, axis: context}
    )
    check_causal(step, sizes)
    return DecodingPrograms(
        _step(model, step, scalars, sizes), _fill(model, step, [*along, *scalars], sizes)
    )


def _check_inputs(step: OneStep, tokens: str) -> None:
    names = [e.attributes.name for e in step.inputs]
    if names != [tokens]:
        raise AxisError(f"decoding needs the input {tokens!r} alone; the value takes {names}")


def _step(
    model: Model, step: OneStep, scalars: Sequence[Expr], sizes: Mapping[str, int]
) -> Program:
    grown = {_GROWN + kept.name: kept.grown for kept in step.kept}
    parameters = [parameter.input for parameter in model.graph.parameters]
    return lower(
        {VALUE: step.value, **grown},
        [step.place, *step.inputs, *scalars, *(kept.buffer for kept in step.kept), *parameters],
        sizes=sizes,
        dtype=model.dtype,
        packs=packs(model),
        updates={_GROWN + kept.name: kept.name for kept in step.kept},
        origins=step.origins,
        relaxed=True,
        name=f"one place of {model.graph.name}",
    )


def _fill(
    model: Model, step: OneStep, given: Sequence[Expr], sizes: Mapping[str, int]
) -> Program | None:
    if not step.kept:
        return None
    whole = {kept.name: kept.whole for kept in step.kept}
    taken = set(inputs(*whole.values()))
    parameters = [parameter.input for parameter in model.graph.parameters]
    return lower(
        whole,
        [*(e for e in given if e in taken), *parameters],
        sizes=sizes,
        dtype=model.dtype,
        orders={kept.name: kept.buffer.attributes.axes for kept in step.kept},
        packs=packs(model),
        origins=model.graph.origins,
        relaxed=True,
        name=f"a window of {model.graph.name}",
    )


class CachedDecoder:
    """Decodes with two Programs and the buffers that they share.

    Args:
        programs: of a text.
        parameters: the flat buffers of the model, which are read as they are at each token.
        tokens: the name of the input of tokens.
        context: the longest window.
    """

    def __init__(
        self, programs: DecodingPrograms, parameters: Buffers, tokens: str, context: int
    ) -> None:
        self.context = context
        self._tokens = tokens
        self._kept = empty_buffers(programs.step)
        self._step = Runner(programs.step, state=self._kept, shared=parameters)
        fill = programs.fill
        self._fill = None if fill is None else Runner(fill, shared=parameters)
        self._place = self._step.buffer(PLACE)
        self._token = self._step.buffer(tokens)
        self._value = self._step.buffer(VALUE)
        self._window: list[int] = []

    def start(self, tokens: Tokens) -> NDArray[Any]:
        """Begin with a sequence, at least one token; the value at its last place."""
        self._window = [int(token) for token in tokens[-self.context :]]
        self._fill_in(self._window[:-1])
        return self._run(self._window[-1])

    def advance(self, token: int) -> NDArray[Any]:
        """Add a token; the value at its place. The array is overwritten by the next call."""
        if len(self._window) == self.context:
            self._window = last_half(self._window)
            self._fill_in(self._window)
        self._window.append(int(token))
        return self._run(token)

    def _fill_in(self, known: Sequence[int]) -> None:
        if self._fill is None or not known:
            return
        buffer = self._fill.buffer(self._tokens)
        buffer[: len(known)] = known
        buffer[len(known) :] = 0
        self._fill.step()
        for name, kept in self._kept.items():
            kept[:] = self._fill.buffer(name)

    def _run(self, token: int) -> NDArray[Any]:
        self._place[0] = len(self._window) - 1
        self._token[0] = token
        self._step.step()
        return self._value


def last_half(window: Sequence[int]) -> list[int]:
    """What stays of a full window."""
    return list(window[len(window) - len(window) // 2 :])


def empty_buffers(program: Program) -> dict[str, NDArray[Any]]:
    """Zeros for what a Program of one place keeps, by name."""
    buffers = [b for b in program.entry.buffers if b.role is Role.STATE]
    return {b.name: np.zeros(b.size, b.dtype.value) for b in buffers}


class FullDecoder:
    """Decodes by the whole window each time: for texts that cannot be decoded place by place.

    Args:
        window: as `window_program` makes it; of a batch, the first is used.
        parameters: the flat buffers of the model, which are read as they are at each token.
        tokens: the name of the input of tokens.
        context: the longest window.
    """

    def __init__(self, window: Program, parameters: Buffers, tokens: str, context: int) -> None:
        self.context = context
        self._runner = Runner(window, shared=parameters)
        self._tokens = self._runner.buffer(tokens)
        batch = self._tokens.size // context
        self._value = self._runner.buffer(VALUE).reshape(batch * context, -1)
        self._window: list[int] = []

    def start(self, tokens: Tokens) -> NDArray[Any]:
        """Begin with a sequence, at least one token; the value at its last place."""
        self._window = [int(token) for token in tokens[-self.context :]]
        return self._run()

    def advance(self, token: int) -> NDArray[Any]:
        """Add a token; the value at its place. The array is overwritten by the next call."""
        if len(self._window) == self.context:
            self._window = last_half(self._window)
        self._window.append(int(token))
        return self._run()

    def _run(self) -> NDArray[Any]:
        known = len(self._window)
        self._tokens[:known] = self._window
        self._tokens[known:] = 0
        self._runner.step()
        found: NDArray[Any] = self._value[known - 1]
        return found


def window_program(
    model: Model, value: Expr, tokens: str, axis: str, context: int, batch: int = 1
) -> Program:
    """The Program of a value at all places of whole windows.

    Shapes:
        tokens: (B, T); the value: (B, T, ...).
    """
    declared = next(e for e in model.graph.inputs if e.attributes.name == tokens).attributes.axes
    rest = sorted(value.axes.difference(declared))
    sizes = {**dict.fromkeys(declared, batch), **model.sizes, axis: context}
    return value_program(model, value, (*declared, *rest), infer_sizes([value], sizes))


def decoder_of(model: Model, value: Expr, tokens: str, axis: str, context: int) -> Decoder:
    """The decoder of a value: with what is kept, or by whole windows where that cannot be."""
    parameters = model.parameters.buffers
    try:
        programs = decoding_programs(model, value, tokens, axis, context)
    except AxisError:
        window = window_program(model, value, tokens, axis, context)
        return FullDecoder(window, parameters, tokens, context)
    return CachedDecoder(programs, parameters, tokens, context)
