"""A compiled formula: called with numbers, arrays, mappings or tables.

It is specialised on first use to the types of its arguments, which of them have rows, and the
sizes of named axes; what has been made is kept. Calls are safe from many threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from threading import Lock
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds
from numpy.typing import NDArray

from flux.backends.arrays import check_bytes
from flux.backends.scalar_code import scalar_function
from flux.compiled.arguments import Shape, bind, broadcast
from flux.compiled.bound import Bound
from flux.compiled.domain import hides, raise_outside
from flux.compiled.rows import Column, RowProgram
from flux.errors import ArgumentError, DomainError, LimitError, ShapeError
from flux.expr import Expr, count_nodes, inputs, topological
from flux.expr.arguments import as_array, as_float, as_integer, exact_float, float_dtype, is_number
from flux.expr.signature import check_inputs, result_axes
from flux.lower import lower
from flux.lower.sizes import infer_sizes
from flux.ops import Kind, Op
from flux.program.types import Program

Array = NDArray[Any]
_OPTIONS = ("out", "domain", "threads")
_DOMAINS = ("nan", "raise")
_MOST_DIMENSIONS = 32  # that NumPy walks along
_MOST_SPECIALISATIONS = 64
_MOST_THREADS = 1024


@dataclass(frozen=True)
class Options:
    """How a formula is compiled and called.

    Args:
        backend: "numpy" or "vm".
        dtype: "float32", "float64", or "" for the widest float argument.
        threads: that a call over many rows may use.
        domain: "nan" gives IEEE values outside a domain, "raise" a DomainError.
        sizes: of axes that no argument has.
    """

    backend: str = "numpy"
    dtype: str = ""
    threads: int = 1
    domain: str = "nan"
    sizes: tuple[tuple[str, int], ...] = ()


class CompiledFunction:
    """One or several expressions, compiled; `flux.compile` makes it.

    It can be called from many threads at once, and it pickles, as its expressions and options.

    Args:
        outputs: the expressions by name; a single one has the name "".
        options: see Options.

    Attributes:
        inputs: names of the inputs, in positional order.
        outputs: names of the results; a single one has the name "".
        options: how it was compiled.
        expr: the expression, or a dictionary of them by name.
    """

    def __init__(self, outputs: Mapping[str, Expr], options: Options) -> None:
        self._outputs = dict(outputs)
        self.options = options
        self._inputs = check_inputs(inputs(*outputs.values()))
        self.inputs = tuple(e.attributes.name for e in self._inputs)
        self.outputs = tuple(outputs)
        self._axes = {name: result_axes(e) for name, e in outputs.items()}
        self._axis_counts = {e.attributes.name: len(e.attributes.axes) for e in self._inputs}
        self._sizes_known: dict[tuple[tuple[str, int], ...], dict[str, int]] = {}
        self._hides = hides(outputs.values())
        self._specialised: dict[Any, RowProgram] = {}
        self._lock = Lock()
        self._scalar: Callable[..., Any] = self._first_scalar

    @property
    def expr(self) -> Expr | dict[str, Expr]:
        """The expression, or the expressions by name."""
        return self._outputs[""] if self._single else dict(self._outputs)

    @property
    def _single(self) -> bool:
        return list(self._outputs) == [""]

    def __repr__(self) -> str:
        nodes = count_nodes(*self._outputs.values())
        return f"<compiled f({', '.join(self.inputs)}), {nodes} nodes, {self.options.backend}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return CompiledFunction, (self._outputs, self.options)

    # Calls.

    def __call__(self, *args: Any, **named: Any) -> Any:
        """The value for arguments given by position, keyword, mapping or table.

        Shapes:
            arguments without named axes broadcast as in NumPy; an argument with named axes has
            them last. The result has the broadcast shape, then its named axes; a call with numbers
            only gives a float.

        Args:
            args: in order of first appearance, or one mapping or table of columns.
            named: by name; `out` (an array for the result; a mapping of them for several), `domain`
                and `threads` are options unless the formula has an input of that name.

        Raises:
            DomainError: with domain="raise", where an operation on the path taken has no finite
                value for finite operands.
            ArgumentError, UnknownNameError, ShapeError: the arguments do not fit.
            LimitError: there is not enough memory.
        """
        if not named:
            try:
                return self._scalar(*args)
            except (TypeError, ValueError, ArithmeticError):
                pass
        options = {k: named.pop(k) for k in _OPTIONS if k in named and k not in self.inputs}
        values = bind(self.inputs, args, named)
        try:
            return self._call(values, **options)
        except MemoryError:
            raise LimitError("not enough memory for the arrays of this call") from None

    def _call(
        self,
        values: Mapping[str, Any],
        out: Any = None,
        domain: str | None = None,
        threads: int | None = None,
    ) -> Any:
        domain = check_domain(domain if domain is not None else self.options.domain)
        threads = check_threads(threads if threads is not None else self.options.threads)
        if out is None and all(is_number(v) for v in values.values()):
            found = self._numbers(values, domain)
            if found is not None:
                return found
        arrays = {name: as_array(name, value) for name, value in values.items()}
        _check_dimensions([array.shape for array in arrays.values()])
        sizes = self._sizes(arrays)
        shape = broadcast({name: self._leading(name, a) for name, a in arrays.items()})
        dtype = self._dtype(values)
        program = self._program(dtype, self._rows(arrays), sizes)
        results = self._results(out, shape, sizes, dtype)
        places = results
        if out is not None and _overlap(results.values(), arrays.values()):
            results = {name: np.empty_like(array) for name, array in results.items()}
        columns = {e.attributes.name: self._column(e, arrays, dtype) for e in self._inputs}
        if all(size > 0 for size in shape):
            self._run(program, columns, results, shape, threads)
        if domain == "raise":
            self._raise_domain(columns, results, shape, sizes)
        for name, array in places.items() if results is not places else ():
            array[...] = results[name]
        return self._unwrap(places, values, out)

    def _run(
        self,
        program: RowProgram,
        columns: dict[str, Column],
        results: dict[str, Array],
        shape: Shape,
        threads: int,
    ) -> None:
        if program.has_rows:
            program.run(columns, results, shape, threads)
            return
        # No input has rows: the value is computed once and then repeated.
        single = {
            name: np.empty(array.shape[len(shape) :], array.dtype)
            for name, array in results.items()
        }
        program.run(columns, single, (), 1)
        for name, array in results.items():
            array[...] = single[name]

    def _unwrap(self, results: dict[str, Array], values: Mapping[str, Any], out: Any) -> Any:
        plain = all(is_number(v) or np.ndim(v) == 0 for v in values.values())
        shown = {
            name.removeprefix("= "): float(array) if plain and array.ndim == 0 else array
            for name, array in results.items()
        }
        if self._single:
            return out if out is not None else next(iter(shown.values()))
        return shown

    # Numbers only.

    def _first_scalar(self, *args: float) -> Any:
        """Make the function of floats when it is first called with floats, and call it."""
        if len(args) != len(self.inputs) or any(type(arg) is not float for arg in args):
            raise TypeError
        self._scalar = self._make_scalar()
        return self._scalar(*args)

    def _make_scalar(self) -> Callable[..., Any]:
        """The function of floats; where there is none, one that sends every call the long way."""
        plain = all(map(_is_scalar, topological(self._outputs.values())))
        if not plain or self.options.dtype == "float32" or self.options.domain != "nan":
            return _long_way
        program = self._lower(np.dtype(np.float64), frozenset(), {})
        found = scalar_function(program)
        if found is None or self._single:
            return found or _long_way
        return _named([port.name.removeprefix("= ") for port in program.entry.outputs], found)

    def _numbers(self, values: Mapping[str, Any], domain: str) -> Any:
        """The value on Python numbers; None where the general path has to give it."""
        if self._scalar is _long_way or domain == "raise":
            return None
        try:
            return self._scalar(*(exact_float(n, values[n]) for n in self.inputs))
        except (TypeError, ValueError, ArithmeticError):
            return None

    # Specialisation.

    def _leading(self, name: str, array: Array) -> Shape:
        """The shape of an argument's anonymous dimensions; a keyword nobody uses has no others."""
        return array.shape[: array.ndim - self._axis_counts.get(name, 0)]

    def _dtype(self, values: Mapping[str, Any]) -> np.dtype[Any]:
        """The type of the computation: the widest float of the inputs that are real numbers."""
        real = [e.attributes.name for e in self._inputs if not e.attributes.integer]
        return np.dtype(self.options.dtype or float_dtype([values[name] for name in real]))

    def _sizes(self, arrays: Mapping[str, Array]) -> dict[str, int]:
        sizes = dict(self.options.sizes)
        for e in self._inputs:
            name, axes = e.attributes.name, e.attributes.axes
            shape = arrays[name].shape
            if len(shape) < len(axes):
                raise ShapeError(
                    f"`{name}` has {len(shape)} dimensions, fewer than its axes [{', '.join(axes)}]"
                )
            for axis, size in zip(axes, shape[len(shape) - len(axes) :], strict=True):
                if sizes.setdefault(axis, size) != size:
                    raise ShapeError(
                        f"axis {axis} has size {size} in `{name}` and {sizes[axis]} elsewhere"
                    )
        return self._inferred(sizes)

    def _inferred(self, given: dict[str, int]) -> dict[str, int]:
        """All sizes that follow from the given ones; the walk over the expressions is done once."""
        key = tuple(sorted(given.items()))
        found = self._sizes_known.get(key)
        if found is None:
            found = infer_sizes(self._outputs.values(), given)
            with self._lock:
                if len(self._sizes_known) >= _MOST_SPECIALISATIONS:
                    self._sizes_known.pop(next(iter(self._sizes_known)))
                self._sizes_known[key] = found
        return found

    def _rows(self, arrays: Mapping[str, Array]) -> frozenset[str]:
        return frozenset(n for n, count in self._axis_counts.items() if arrays[n].ndim > count)

    def _program(
        self, dtype: np.dtype[Any], rows: frozenset[str], sizes: Mapping[str, int]
    ) -> RowProgram:
        key = (dtype, rows, tuple(sorted(sizes.items())))
        found = self._specialised.get(key)
        if found is None:
            made = RowProgram(self._lower(dtype, rows, sizes), self.options.backend)
            with self._lock:
                if len(self._specialised) >= _MOST_SPECIALISATIONS:
                    self._specialised.pop(next(iter(self._specialised)))
                found = self._specialised.setdefault(key, made)
        return found

    def _lower(
        self, dtype: np.dtype[Any], rows: frozenset[str], sizes: Mapping[str, int]
    ) -> Program:
        return lower(
            {f"= {name}": e for name, e in self._outputs.items()},
            self._inputs,
            sizes=sizes,
            dtype=str(dtype),
            orders={f"= {name}": axes for name, axes in self._axes.items()},
            rows=rows,
            name="formula",
        )

    def program(self, *args: Any, **named: Any) -> Program:
        """The Program that a call with these arguments runs."""
        values = bind(self.inputs, args, named)
        arrays = {name: as_array(name, value) for name, value in values.items()}
        return self._program(self._dtype(values), self._rows(arrays), self._sizes(arrays)).program

    def bound(self, arrays: Mapping[str, Array], rows: int) -> Bound:
        """This function over arrays that stay where they are, for a loop that changes numbers.

        Args:
            arrays: every input by name, float64: numbers of no dimensions, or columns of (rows,).
            rows: how many.
        """
        dtype = np.dtype(np.float64)
        program = self._program(dtype, self._rows(arrays), self._sizes(arrays))
        columns = {e.attributes.name: self._column(e, arrays, dtype) for e in self._inputs}
        return Bound(program, columns, rows)

    # Arrays in and out.

    def _column(self, e: Expr, arrays: Mapping[str, Array], dtype: np.dtype[Any]) -> Column:
        name = e.attributes.name
        if e.attributes.integer:
            return Column(arrays[name], lambda a: as_integer(name, a))
        return Column(arrays[name], lambda a: as_float(name, a, dtype))

    def _results(
        self, out: Any, shape: Shape, sizes: Mapping[str, int], dtype: np.dtype[Any]
    ) -> dict[str, Array]:
        shapes = {
            f"= {name}": (*shape, *(sizes[axis] for axis in axes))
            for name, axes in self._axes.items()
        }
        _check_dimensions([*shapes.values(), *(shape + e.attributes.axes for e in self._inputs)])
        for s in shapes.values():
            check_bytes(prod(s) * dtype.itemsize)
        if out is None:
            return {name: np.empty(s, dtype) for name, s in shapes.items()}
        given = {"": out} if self._single else out
        if not isinstance(given, Mapping) or set(given) != set(self._outputs):
            raise ArgumentError("`out` of several results is a mapping with an array for each")
        found = {
            name: check_out(given[name.removeprefix("= ")], s, dtype) for name, s in shapes.items()
        }
        if _overlap_each_other(list(found.values())):
            raise ArgumentError("the arrays of `out` share memory")
        return found

    def _raise_domain(
        self,
        columns: Mapping[str, Column],
        results: Mapping[str, Array],
        shape: Shape,
        sizes: Mapping[str, int],
    ) -> None:
        if self._hides or not all(np.isfinite(array).all() for array in results.values()):
            leading = {name: self._leading(name, column.array) for name, column in columns.items()}
            raise_outside(self._outputs.values(), columns, leading, shape, sizes)


def _overlap(some: Iterable[Array], others: Iterable[Array]) -> bool:
    others = list(others)
    return any(np.may_share_memory(a, b) for a in some for b in others)


def _overlap_each_other(arrays: Sequence[Array]) -> bool:
    ends = sorted(byte_bounds(array) for array in arrays if array.size)
    return any(start < end for (_, end), (start, _) in pairwise(ends))


def _is_scalar(e: Expr) -> bool:
    if e.op is Op.INPUT:
        return not e.axes and not e.attributes.integer
    return e.op is Op.CONSTANT or e.op.row.kind is Kind.POINTWISE


def _check_dimensions(shapes: Sequence[tuple[Any, ...]]) -> None:
    most = max(map(len, shapes), default=0)
    if most > _MOST_DIMENSIONS:
        raise ShapeError(f"an array would have {most} dimensions, more than {_MOST_DIMENSIONS}")


def _long_way(*_: Any) -> float:
    raise TypeError


def _named(names: Sequence[str], function: Callable[..., Any]) -> Callable[..., dict[str, float]]:
    """A function of floats whose tuple of results becomes a dictionary."""
    if len(names) == 1:
        return lambda *args: {names[0]: function(*args)}
    return lambda *args: dict(zip(names, function(*args), strict=True))


def check_domain(domain: str) -> str:
    """The domain option, checked."""
    if domain not in _DOMAINS:
        raise ArgumentError(f"domain must be one of {', '.join(_DOMAINS)}, not {domain!r}")
    return domain


def check_threads(count: Any) -> int:
    """The number of threads, checked."""
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= _MOST_THREADS:
        raise ArgumentError(f"threads must be a whole number from 1 on, not {count!r}")
    return count


def check_out(out: Any, shape: Shape, dtype: np.dtype[Any]) -> Array:
    """The caller's array for a result, checked."""
    if isinstance(out, np.ndarray) and out.flags.c_contiguous and out.flags.writeable:
        array: Array = out
        if array.shape == shape and array.dtype == dtype:
            return array
    raise ArgumentError(
        f"`out` must be a writeable C-contiguous array of shape {list(shape)} and type {dtype}"
    )


__all__ = ["CompiledFunction", "DomainError", "Options"]
