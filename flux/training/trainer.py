"""The trainer: any model with a scalar loss, over named arrays.

One step is one Program: loss, gradients, clipping and the optimiser's update. What changes from
step to step (parameters, moments) lies in flat arrays that the Program updates in place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from math import isfinite
from numbers import Integral
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from flux.errors import ArgumentError, DataError, DomainError, FluxError
from flux.nn import Batch, Model, conform, sizes_of
from flux.nn.parts import most_parts
from flux.program import Program
from flux.training.feed import Feed, feed
from flux.training.ranks import ALONE, Ranks, check_alike
from flux.training.recipe import recipe_of
from flux.training.step import Step

Source = Feed | Mapping[str, Any] | Sequence[Mapping[str, Any]]


class Trainer:
    """Trains a model.

    Args:
        model: whose graph has a scalar result, the loss.
        optimizer: adamw or sgd.
        data: a batch, a list of batches, or a function from the step's number to its batch. A
            batch is a mapping from the names of the graph's inputs to arrays; all batches have the
            shapes of the first.
        seed: of random numbers in the model's text, such as those of dropout.
        threads: that a step may use; it never changes bits. Leave the BLAS one thread where this,
            or `parts`, is more.
        accumulate: the number of batches that a step takes, one after another: it follows the mean
            of their gradients, as if they were one batch. Step n takes the batches from
            n*accumulate on.
        parts: of each batch, computed side by side on as many threads; their number changes last
            bits, and it must divide the batch.
        ranks: processes that train together: a step follows the mean of their gradients. Each is
            given its own data; parameters begin as the first one's.
        **recipe: the other fields of `Recipe`: learning_rate, weight_decay, clip, ...

    Attributes:
        model: the model; its parameters change with every step.
        step: the number of steps done.
        recipe: the optimiser and its numbers.
        ranks: which train together.
        norm: of the last step's gradient, before clipping; nan before the first step.
        rate: the learning rate of the last step; nan before the first.
        skipped: steps whose loss or gradient was not finite, where they do not stop the training.

    Raises:
        FluxError: the loss is not a scalar, or the data do not fit the model.
    """

    def __init__(
        self,
        model: Model,
        optimizer: str = "adamw",
        data: Source | None = None,
        *,
        seed: int = 0,
        threads: int = 1,
        accumulate: int = 1,
        parts: int = 1,
        ranks: Ranks = ALONE,
        **recipe: Any,
    ) -> None:
        if not isinstance(model, Model):
            raise ArgumentError(
                f"a trainer trains a flux.Model, not a {type(model).__name__}",
                hint='flux.Model(module["name"].build(), sizes={...}) makes one of a text',
            )
        if data is None:
            raise DataError("a trainer needs data")
        self.model = model
        self.recipe = recipe_of(optimizer, recipe)
        self.step = 0
        self.norm = self.rate = float("nan")
        self.skipped = 0
        self.ranks = ranks
        self._accumulate = _counted("accumulate", accumulate)
        self._seed = seed
        self._feed = feed(data)
        self._inputs = model.training_graph.inputs
        first = conform(self._feed(0), self._inputs, model.dtype)
        self._sizes = sizes_of(first, self._inputs, model.sizes)
        self._compiled = self._compile(threads, _counted("parts", parts))
        self._begin_alike()

    def check_ranks(self) -> None:
        """See that all ranks have the same parameters still.

        Raises:
            DataError: on every rank, where one has drifted away.
        """
        if self.ranks.count > 1:
            digest = reduce(lambda found, a: crc32(a.data, found), self.state().values(), 0)
            check_alike(self.ranks, digest, f"parameters after step {self.step}")

    def _begin_alike(self) -> None:
        """Begin at the first rank's state."""
        check_alike(self.ranks, self.model.count, "models")
        check_alike(self.ranks, self.step, "steps")
        for array in self.state().values():
            self.ranks.copy(array)

    def run(self, steps: int, after: Callable[[int, float], bool | None] | None = None) -> float:
        """Train for some steps.

        Args:
            steps: how many.
            after: called after each step with the number of steps done and the step's loss; the
                training stops where it returns True.

        Returns:
            The loss of the last step, before its update; nan where there was none.

        Raises:
            ArgumentError: steps is not a whole number from 0 on.
            DomainError: a loss is not finite.
        """
        if not isinstance(steps, Integral) or steps < 0:
            raise ArgumentError(f"steps must be a whole number from 0 on, not {steps!r}")
        loss = float("nan")
        for _ in range(steps):
            loss = self.advance()
            if after is not None and after(self.step, loss):
                break
        return loss

    def advance(self) -> float:
        """One step; its loss, before the update.

        Raises:
            DomainError: the loss or the gradient is not finite, and the recipe says `stop`.
        """
        loss = self._compiled(self.step, *self._batches())
        self.norm, self.rate = self._compiled.norm, self._compiled.rate
        self.step += 1
        if not (isfinite(loss) and isfinite(self.norm)):
            self._not_finite(loss)
        return loss

    def share(self, threads: int, parts: int = 1) -> None:
        """Share steps in another way from the next one on.

        Args:
            threads: that a step may use; it changes no bits.
            parts: of each batch, computed side by side; it changes last bits.

        Raises:
            ArgumentError: a batch cannot be cut into that many parts; it is shared as before.
            LimitError: the machine has too little memory for that; likewise.
        """
        count = _counted("parts", parts)
        state = {name: array.copy() for name, array in self.state().items()}
        before = self._shared
        del self._compiled  # its memory is free before that of the next one is taken
        try:
            self._compiled = self._compile(threads, count)
        except FluxError:
            self._compiled = self._compile(*before)
            raise
        finally:
            for name, array in self.state().items():
                np.copyto(array, state[name])

    def _compile(self, threads: int, parts: int) -> Step:
        step = Step(
            self.model,
            self.recipe,
            self._sizes,
            threads,
            self._accumulate,
            watched=True,
            parts=parts,
            ranks=self.ranks,
        )
        self._shared = (threads, parts)
        return step

    def most_parts(self, limit: int) -> int:
        """The most parts, up to a limit, into which a batch can be cut; 1 where it cannot."""
        return most_parts(self.model.training_graph, self._sizes, limit)

    def try_step(self) -> None:
        """Run the next step without counting it; the caller puts the state back."""
        self._compiled(self.step, *self._batches())

    def _batches(self) -> list[dict[str, NDArray[Any]]]:
        first = self.step * self._accumulate
        return [self._arrays(n) for n in range(first, first + self._accumulate)]

    def _not_finite(self, loss: float) -> None:
        if self.recipe.not_finite != "stop":
            self.skipped += 1
            return
        what = "loss" if not isfinite(loss) else "norm of the gradient"
        raise DomainError(
            f"the {what} of step {self.step} is {self.norm if isfinite(loss) else loss}",
            hint="a smaller learning rate keeps it finite, or not_finite='skip' leaves such steps"
            " out; look at the data",
        )

    def loss(self, batch: Batch) -> float:
        """The loss of a batch, without an update."""
        return self.model.loss(**batch)

    def _arrays(self, number: int) -> dict[str, NDArray[Any]]:
        """The batch of that number; the model's random numbers are those of one step of its own."""
        own = number * self.ranks.count + self.ranks.number
        drawn = {"seed": np.array(self._seed), "step": np.array(own)}
        arrays = conform({**drawn, **self._feed(number)}, self._inputs, self.model.dtype)
        sizes_of(arrays, self._inputs, self._sizes)
        return arrays

    @property
    def program(self) -> Program:
        """One step, compiled; without the parts of a batch, where it is cut into such."""
        return self._compiled.program

    @property
    def flops(self) -> int:
        """Floating-point operations of a step."""
        return self._compiled.flops

    @property
    def arena_bytes(self) -> int:
        """Temporaries of a step."""
        return self._compiled.arena_bytes

    @property
    def bytes(self) -> int:
        """All that a step holds."""
        return self._compiled.bytes

    def state(self) -> dict[str, NDArray[Any]]:
        """The flat arrays that a resumed run needs, by name; not copies."""
        return self._compiled.state

    def load_state(self, arrays: Mapping[str, NDArray[Any]], step: int) -> None:
        """Take up a run where it was.

        Raises:
            DataError: arrays of another run.
        """
        state = self._compiled.state
        for name, array in state.items():
            found = arrays.get(name)
            if found is None or found.shape != array.shape or found.dtype != array.dtype:
                raise DataError(f"the saved state {name!r} does not fit this model and optimizer")
        for name, array in state.items():
            np.copyto(array, arrays[name])
        self.step = step
        self._begin_alike()


def _counted(name: str, count: int) -> int:
    good = isinstance(count, Integral) and not isinstance(count, bool)
    if not good or count < 1:
        raise ArgumentError(f"{name} must be a whole number from 1 on, not {count!r}")
    return int(count)
