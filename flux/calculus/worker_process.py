"""The process that runs SymPy for `worker`: requests in, answers out, until its input closes.

Only the rows of CALLS can be asked for. Memory is capped by the system (`RLIMIT_AS`, above what the
idle process has) where it can be; on systems that ignore that limit a thread ends the process once
its resident memory has grown by as much; on Windows there is no cap. The same thread ends a process
whose caller is gone while it computes.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from flux.calculus.rows import from_rows, to_rows
from flux.calculus.sympy_bridge import as_number, symbol, sympy_module, to_sympy
from flux.calculus.sympy_reader import from_sympy
from flux.calculus.worker import FORKS, MEMORY_EXIT, receive, send
from flux.calculus.worker_fork import answer_in_child
from flux.calculus.worker_limits import limit_of, product_of_terms, sum_of_terms
from flux.calculus.worker_roots import roots_of_one, roots_of_system
from flux.errors import FluxError
from flux.expr import Expr, inputs, variable

Sympy = Any  # SymPy has no types

_MEGABYTE = 1 << 20
_GRACE_SECONDS = 5.0  # beyond the caller's own clock


def serve() -> None:
    """Answer requests until the input closes."""
    source, sink = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # nothing that SymPy prints reaches the caller
    _warm_up()
    with suppress(EOFError):
        while (request := receive(source)) is not None:
            send(sink, _reply(request, source.fileno()))


def _warm_up() -> None:
    """Let SymPy import and build what its first integral needs, which no budget should pay."""
    sympy = sympy_module()
    x = sympy.Symbol("x", real=True)
    sympy.integrate(x * sympy.exp(-(x**2)) + sympy.besselj(0, x), x)
    sympy.core.random.seed(0)  # by default it follows the clock
    gc.freeze()  # so that a child's collections leave the pages that it shares alone


def _reply(request: Mapping[str, Any], caller: int) -> Mapping[str, Any]:
    if request["call"] == "ready":
        return {"rows": []}
    if FORKS:
        return answer_in_child(request, _watched, caller)
    return _watched(request)


def _watched(request: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to a request, within its memory."""
    watch = _Watch(request["seconds"], request["memory"])
    try:
        return _answered(request)
    finally:
        watch.end()


def _answered(request: Mapping[str, Any]) -> dict[str, Any]:
    try:
        arguments = [x if isinstance(x, str) else from_rows(x) for x in request["arguments"]]
        found = CALLS[request["call"]](from_rows(request["rows"]), *arguments)
        return (
            {"rows": [to_rows(e) for e in found]}
            if found
            else {"failed": "SymPy has no closed form for this"}
        )
    except (MemoryError, SystemError):  # the latter where C code lost the former on its way
        return {"failed": "memory"}
    except FluxError as error:
        return {"failed": error.text}
    except Exception as error:  # SymPy raises of every kind; the caller hears that it failed
        return {"failed": f"SymPy failed ({type(error).__name__})"}


class _Watch:
    """Ends this process past its budget, should the caller no longer be there to do so."""

    def __init__(self, seconds: float, megabytes: int) -> None:
        self._done = threading.Event()
        self._deadline = time.monotonic() + seconds + _GRACE_SECONDS
        self._most_resident = float("inf")
        threading.Thread(target=self._run, daemon=True).start()  # first: its stack counts as well
        if not _cap(megabytes * _MEGABYTE):
            self._most_resident = _resident() + megabytes * _MEGABYTE

    def end(self) -> None:
        self._done.set()

    def _run(self) -> None:
        while not self._done.wait(0.1):
            if _resident() > self._most_resident:
                os._exit(MEMORY_EXIT)
            if time.monotonic() > self._deadline:
                os._exit(1)


def _cap(room: int) -> bool:
    """Let the address space grow by this many bytes; False where the system has no such limit."""
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + room
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        if hard != resource.RLIM_INFINITY:
            limit = min(limit, hard)
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    except (ImportError, OSError, ValueError):
        return False
    return True


def _resident() -> float:
    """The most memory that this process has had resident, in bytes; 0 where it is not known."""
    try:
        import resource
    except ImportError:
        return 0.0
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most * (1.0 if sys.platform == "darwin" else 1024.0)


def _integrate(e: Expr, name: str) -> Sequence[Expr]:
    """Antiderivatives to try, best first; the caller checks them."""
    sympy = sympy_module()
    integrand, x = to_sympy(e), _symbol(e, name)
    found = sympy.integrate(integrand, x)
    if found.has(sympy.Integral):
        found = sympy.integrals.manualintegrate(integrand, x)
    if found.has(sympy.Integral):
        return ()
    found = _real_pieces(found)
    logs = integrand.atoms(sympy.log)
    candidates = [found.replace(*_absolute_logs(x, logs)), found]
    return list(dict.fromkeys(_readable(candidates)))


def _definite(e: Expr, name: str, a: Expr, b: Expr) -> Sequence[Expr]:
    """The definite integral in closed form; the caller checks it."""
    sympy = sympy_module()
    limits = (_symbol(e, name), as_number(to_sympy(a)), as_number(to_sympy(b)))
    found = sympy.integrate(to_sympy(e), limits)
    return () if found.has(sympy.Integral) else _readable([sympy.simplify(found), found])


def _symbol(e: Expr, name: str) -> Sympy:
    found = [x for x in inputs(e) if x.attributes.name == name]
    return symbol(found[0] if found else variable(name))


def _readable(candidates: Sequence[Sympy]) -> list[Expr]:
    read: list[Expr] = []
    for candidate in candidates:
        try:
            read.append(from_sympy(candidate))
        except FluxError:  # complex, or without a counterpart
            continue
    return read


def _absolute_logs(x: Sympy, known: set[Sympy]) -> tuple[Callable[..., bool], Callable[..., Sympy]]:
    """Real logarithms: log(abs(u)) where SymPy has log(u) of a u that may be negative."""
    sympy = sympy_module()

    def is_new(part: Sympy) -> bool:
        return bool(
            isinstance(part, sympy.log)
            and part not in known
            and part.has(x)
            and not part.args[0].is_nonnegative
        )

    return is_new, lambda part: sympy.log(sympy.Abs(part.args[0]))


def _real_pieces(found: Sympy) -> Sympy:
    """Pieces of a Piecewise that are complex become nan: no real value is there."""
    sympy = sympy_module()

    def real(*pieces: Any) -> Sympy:
        return sympy.Piecewise(
            *((sympy.nan if value.has(sympy.I) else value, held) for value, held in pieces)
        )

    return found.replace(sympy.Piecewise, real)


def _simplify(e: Expr) -> Sequence[Expr]:
    return _readable([sympy_module().simplify(to_sympy(e))])


def _factor(e: Expr) -> Sequence[Expr]:
    return _readable([sympy_module().factor(to_sympy(e))])


def _roots(e: Expr, name: str) -> Sequence[Expr]:
    return roots_of_one(e, _symbol(e, name))


def _common_roots(e: Expr, *rest: Expr | str) -> Sequence[Expr]:
    residuals = [e, *(x for x in rest if isinstance(x, Expr))]
    known = {x.attributes.name: symbol(x) for x in inputs(*residuals)}
    names = [x for x in rest if isinstance(x, str)]
    return roots_of_system(residuals, [known.get(n, symbol(variable(n))) for n in names])


def _limit(e: Expr, name: str, to: Expr, side: str) -> Sequence[Expr]:
    return limit_of(e, _symbol(e, name), to, side)


def _sum(e: Expr, name: str, a: Expr, b: Expr) -> Sequence[Expr]:
    return sum_of_terms(e, _symbol(e, name), a, b)


def _product(e: Expr, name: str, a: Expr, b: Expr) -> Sequence[Expr]:
    return product_of_terms(e, _symbol(e, name), a, b)


# What can be asked for: the expression and the arguments to the answers.
CALLS: Mapping[str, Callable[..., Sequence[Expr]]] = {
    "integrate": _integrate,
    "definite": _definite,
    "simplify": _simplify,
    "factor": _factor,
    "roots": _roots,
    "common roots": _common_roots,
    "limit": _limit,
    "sum": _sum,
    "product": _product,
}
