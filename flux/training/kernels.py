"""Which kernels the BLAS has chosen: the last bits of a matrix product depend on them."""

from __future__ import annotations

from typing import Any


def blas_pools() -> list[dict[str, Any]]:
    """The thread pools of the BLAS libraries that NumPy has loaded."""
    import numpy as np
    from threadpoolctl import threadpool_info

    np.ones((2, 2)) @ np.ones((2, 2))  # some libraries load at the first product
    return [pool for pool in threadpool_info() if pool.get("user_api") == "blas"]


def blas_kernels() -> str:
    """Library, version and kernels of each BLAS."""
    return ", ".join(
        f"{pool['internal_api']} {pool['version']} {pool.get('architecture', '')}".rstrip()
        for pool in blas_pools()
    )
