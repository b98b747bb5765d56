"""A Program made callable over named arrays, by either backend.

State and small inputs live in arrays that the runner keeps, so that their views are made once and
a step of training allocates nothing; outputs are fresh arrays unless `out` is given.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from flux.backends.arrays import Array, check_names, flat, numpy_type, port_array
from flux.backends.clock import Clock
from flux.backends.numpy_backend import Compiled, Pool
from flux.backends.vm import VirtualMachine
from flux.errors import ArgumentError
from flux.program.types import Function, Program, Role

BACKENDS = ("numpy", "vm")


class Runner:
    """Runs a Program without rows.

    Args:
        program: a verified Program.
        backend: "numpy" or "vm".
        state: a flat array for each STATE buffer, by name; overwritten by every run.
        threads: that a run may use; it never changes bits. The BLAS has threads of its own, and
            should be left one where this is more.
        shared: a flat array for some of the INPUT buffers, by name, which every run reads as it is
            then; the others are arrays of the runner's own.
        clock: which times each instruction of the numpy backend, on one thread; None for none.

    Shapes:
        inputs and outputs: as the Program's ports say; packs are flat.
    """

    def __init__(
        self,
        program: Program,
        backend: str = "numpy",
        state: Mapping[str, Array] | None = None,
        threads: int = 1,
        shared: Mapping[str, Array] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.program = program
        entry = program.entry
        self._entry = entry
        self._inputs = _named(entry, Role.INPUT)
        self._outputs = _named(entry, Role.OUTPUT)
        states = _named(entry, Role.STATE)
        check_names(state or {}, list(states), "state")
        self._arrays: dict[int, Array] = {}
        for name, number in states.items():
            self._arrays[number] = _state_array(name, (state or {})[name], entry, number)
        for number in (*self._inputs.values(), *self._outputs.values()):
            buffer = entry.buffers[number]
            self._arrays[number] = np.zeros(buffer.size, numpy_type(buffer))
        for name, array in (shared or {}).items():
            number = self._inputs[name]
            self._arrays[number] = _state_array(name, array, entry, number)
        self._ports = {port.name: port for port in entry.outputs}
        self._run = self._make_run(backend, threads, clock)

    def _make_run(self, backend: str, threads: int, clock: Clock | None) -> Any:
        if backend == "vm":
            machine = VirtualMachine(self.program)
            return lambda: machine.run(self._arrays)
        if backend != "numpy":
            raise ArgumentError(f"no backend `{backend}`", hint=f"one of {', '.join(BACKENDS)}")
        compiled = Compiled(self.program, frozenset(self._arrays), threads, clock)
        return compiled.instance(0, self._arrays)

    def buffer(self, name: str) -> Array:
        """The runner's own flat array of an input, output or state: write to it, read from it."""
        for number in self._arrays:
            if self._entry.buffers[number].name == name:
                return self._arrays[number]
        raise ArgumentError(f"no buffer `{name}`")

    def step(self) -> None:
        """Run on what the buffers hold, and allocate nothing."""
        with np.errstate(all="ignore"):
            self._run()

    def __call__(self, **inputs: Any) -> dict[str, Any]:
        """Run once on named inputs.

        Returns:
            The outputs by name, each a fresh array with the shape of its axes.
        """
        check_names(inputs, list(self._inputs), "input")
        for name, value in inputs.items():
            number = self._inputs[name]
            own = self._arrays[number]
            if type(value) is np.ndarray and value.dtype == own.dtype and value.size == own.size:
                own[:] = value.reshape(-1)
            else:
                own[:] = flat(name, value, self._entry.buffers[number])
        self.step()
        return {name: self._result(name) for name in self._ports}

    def _result(self, name: str) -> Array:
        port = self._ports[name]
        number = port.view.buffer
        array = port_array(port, self._entry.buffers[number], self._arrays[number])
        return array if self._entry.buffers[number].role is Role.STATE else array.copy()


def _named(entry: Function, role: Role) -> dict[str, int]:
    return {b.name: n for n, b in enumerate(entry.buffers) if b.role is role}


def _state_array(name: str, array: Array, entry: Function, number: int) -> Array:
    buffer = entry.buffers[number]
    good = isinstance(array, np.ndarray) and array.flags.c_contiguous and array.flags.writeable
    if not good or array.dtype != numpy_type(buffer) or array.size != buffer.size:
        kind = f"{buffer.size} {buffer.dtype.value}"
        raise ArgumentError(f"state {name} must be a writeable contiguous array of {kind}")
    return array.reshape(-1)


__all__ = ["BACKENDS", "Compiled", "Pool", "Runner"]
