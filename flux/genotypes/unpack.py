"""Genotypes as numbers: copies of the counted allele, from packed codes or dosages."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from flux.genotypes.cohort import Block, Packed
from flux.genotypes.values import OF_CODE

_PER_BYTE = 4
_OF_BYTE = OF_CODE[(np.arange(256)[:, None] >> (2 * np.arange(_PER_BYTE))) & 3]


def copies(block: Block, people: int) -> NDArray[np.float64]:
    """(V, N) copies of the counted allele, 0 to 2 on every chromosome; nan without a call."""
    if not isinstance(block, Packed):
        return block.counted
    bytes_used = -(-people // _PER_BYTE)
    codes = block.codes.view(np.uint8)[:, :bytes_used]
    return np.take(_OF_BYTE, codes, axis=0).reshape(len(codes), -1)[:, :people]
