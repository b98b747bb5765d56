"""An independent value of an expression: plain NumPy by IEEE rules, one array a node.

The gradients are judged by it against differences, so it knows nothing of derivatives, shares no
code with the evaluators of Flux beyond the table of pointwise kernels, and never raises on a value.
"""

from collections.abc import Mapping

import numpy as np

from flux.expr import Expr, inputs, topological
from flux.kernels import KERNELS
from flux.ops import Kind, Op

NAMED = {"pi": np.pi, "e": np.e, "inf": np.inf, "nan": np.nan}
REDUCERS = {Op.SUM: np.sum, Op.PROD: np.prod, Op.MAX: np.max, Op.MIN: np.min}


class Oracle:
    """Values for given sizes of axes; each array lies in the alphabetical order of its axes."""

    def __init__(self, sizes: Mapping[str, int] | None = None) -> None:
        self.sizes = dict(sizes or {})

    def size(self, axis: str) -> int:
        stem = axis
        while stem not in self.sizes:  # t_1 stands beside t
            stem, cut, _ = stem.rpartition("_")
            assert cut, f"no size for {axis}"
        return self.sizes[stem]

    def value(self, e: Expr, arrays: Mapping[str, np.ndarray | float] | None = None) -> np.ndarray:
        known: dict[Expr, np.ndarray] = {}
        with np.errstate(all="ignore"):
            for node in topological((e,)):
                known[node] = self.one(node, [known[a] for a in node.args], arrays or {})
        return known[e]

    def one(self, e: Expr, args: list[np.ndarray], arrays: Mapping) -> np.ndarray:
        if e.op.row.kind is Kind.POINTWISE:
            aligned = [self.over(a.axes, v, e.axes) for a, v in zip(e.args, args, strict=True)]
            return np.asarray(KERNELS[e.op](*np.broadcast_arrays(*aligned)), dtype=float)
        if e.op.row.kind is Kind.REDUCTION:
            return self.reduce(e, args[0])
        return LEAVES_AND_ACCESS[e.op](self, e, args, arrays)

    def over(self, axes: frozenset, value: np.ndarray, target: frozenset) -> np.ndarray:
        missing = [i for i, axis in enumerate(sorted(target)) if axis not in axes]
        return np.expand_dims(value, tuple(missing))

    def full(self, e: Expr, value: np.ndarray, target: frozenset) -> np.ndarray:
        shape = [self.size(axis) for axis in sorted(target)]
        return np.broadcast_to(self.over(e.axes, value, target), shape)

    def constant(self, e, args, arrays):
        value = e.attributes.value
        return np.asarray(NAMED[value] if isinstance(value, str) else float(value))

    def input(self, e, args, arrays):
        value = np.asarray(arrays[e.attributes.name], dtype=float)
        declared = e.attributes.axes
        return value.transpose([declared.index(axis) for axis in sorted(declared)])

    def position(self, e, args, arrays):
        return np.arange(self.size(e.attributes), dtype=float)

    def size_of(self, e, args, arrays):
        return np.asarray(float(self.size(e.attributes)))

    def reduce(self, e: Expr, value: np.ndarray) -> np.ndarray:
        axes = e.args[0].axes | set(e.attributes)
        full = np.broadcast_to(
            self.over(e.args[0].axes, value, axes), [self.size(axis) for axis in sorted(axes)]
        )
        places = tuple(sorted(axes).index(axis) for axis in e.attributes)
        if e.op is Op.ARGMAX:
            return np.argmax(full, axis=places[0]).astype(float)
        return np.asarray(REDUCERS[e.op](full, axis=places))

    def rename(self, e, args, arrays):
        names = dict(e.attributes)
        current = [names.get(axis, axis) for axis in sorted(e.args[0].axes)]
        value = args[0].transpose([current.index(axis) for axis in sorted(current)])
        return value[tuple(slice(0, self.size(axis)) for axis in sorted(current))]

    def index(self, e, args, arrays):
        x = e.args[0]
        axes = sorted(e.axes)
        shape = [self.size(axis) for axis in axes]
        where = dict(zip(e.attributes, range(1, len(e.args)), strict=True))
        places = []
        for axis in sorted(x.axes):
            if axis in where:
                i = where[axis]
                place = np.broadcast_to(self.over(e.args[i].axes, args[i], e.axes), shape)
            else:
                place = np.broadcast_to(
                    self.over(frozenset((axis,)), np.arange(self.size(axis)), e.axes), shape
                )
            places.append(place.astype(int))
        return args[0][tuple(places)] if places else np.broadcast_to(args[0], shape)


LEAVES_AND_ACCESS = {
    Op.CONSTANT: Oracle.constant,
    Op.INPUT: Oracle.input,
    Op.POSITION: Oracle.position,
    Op.SIZE: Oracle.size_of,
    Op.RENAME: Oracle.rename,
    Op.INDEX: Oracle.index,
}


def differences(oracle, e: Expr, x: Expr, arrays: Mapping, step: float = 1e-5) -> np.ndarray:
    """The gradient of a scalar by central differences, over the alphabetical axes of x."""
    name = x.attributes.name
    declared = x.attributes.axes
    base = np.asarray(arrays[name], dtype=float)
    slopes = np.zeros_like(base)
    for place in np.ndindex(base.shape):
        values = []
        for sign in (1.0, -1.0):
            moved = base.copy()
            moved[place] += sign * step
            values.append(float(oracle.value(e, {**arrays, name: moved})))
        slopes[place] = (values[0] - values[1]) / (2 * step)
    return slopes.transpose([declared.index(axis) for axis in sorted(declared)])


def random_arrays(e: Expr, sizes: Mapping[str, int], seed: int) -> dict[str, np.ndarray]:
    """Values for every input; an integer input counts positions of the axis `v`."""
    generator = np.random.default_rng(seed)
    arrays = {}
    for x in inputs(e):
        shape = [sizes[axis] for axis in x.attributes.axes]
        if x.attributes.integer:
            arrays[x.attributes.name] = generator.integers(0, sizes["v"], shape).astype(float)
        else:
            arrays[x.attributes.name] = generator.uniform(0.4, 1.6, shape)
    return arrays
