"""What the CPU offers, and the kernels that NumPy's OpenBLAS should take on it.

OpenBLAS reads its environment once, when NumPy loads it, so importing this module imports neither
NumPy nor anything that does.
"""

from __future__ import annotations

import os
import platform
from collections.abc import MutableMapping
from pathlib import Path

# What OpenBLAS's SkylakeX kernels use; the first AVX-512 machines (Knights Landing) lack some.
AVX512_NEEDED = frozenset({"avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"})
CORE_TYPE = "OPENBLAS_CORETYPE"


def cpu_flags(path: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """The CPU's feature flags; empty where the platform does not list them."""
    return frozenset(_cpu_field("flags", path).split())


def cpu_name(path: Path = Path("/proc/cpuinfo")) -> str:
    """The CPU's name."""
    return _cpu_field("model name", path) or platform.processor() or platform.machine()


def _cpu_field(name: str, path: Path) -> str:
    try:
        with path.open(encoding="ascii", errors="replace") as lines:
            for line in lines:
                key, _, value = line.partition(":")
                if key.strip() == name:
                    return value.strip()
    except OSError:
        pass  # not Linux, or hidden: nothing is known, and nothing is chosen
    return ""


def usable_cores() -> int:
    """The cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def wants_skylakex(flags: frozenset[str]) -> bool:
    """Whether OpenBLAS's AVX-512 kernels run on a CPU with these flags."""
    return flags >= AVX512_NEEDED


def choose_kernels(environment: MutableMapping[str, str], flags: frozenset[str]) -> None:
    """Make OpenBLAS take its AVX-512 kernels where they run, unless the user has chosen.

    Some versions take an AVX-512 CPU that they do not know for an AVX2 one, which halves the speed
    of a float32 matrix product.
    """
    if CORE_TYPE not in environment and wants_skylakex(flags):
        environment[CORE_TYPE] = "SkylakeX"


def limit_blas() -> None:
    """Give the BLAS one thread from here on, whichever BLAS it is.

    Flux shares work among threads of its own; more of the BLAS's would fight them for the cores.
    """
    import numpy  # noqa: F401  (the library must be loaded before it can be limited)
    from threadpoolctl import threadpool_limits

    threadpool_limits(1, user_api="blas")
