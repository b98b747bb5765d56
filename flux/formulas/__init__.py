"""Published formulas, each with its source, units, valid range and worked examples.

```python
import flux
egfr = flux.formulas.get("egfr_ckd_epi_2021")
egfr(creatinine=1.1, age=54, female=0)
egfr(creatinine=97, age=54, female=0, units={"creatinine": "umol/L"})
flux.formulas.list("kidney")
```
"""

from __future__ import annotations

from flux.formulas.card import Card, Example, Quantity, read_cards
from flux.formulas.formula import Formula, is_outside
from flux.formulas.shelf import get, list, read
from flux.formulas.units import Conversion, conversion, split_unit

__all__ = [
    "Card",
    "Conversion",
    "Example",
    "Formula",
    "Quantity",
    "conversion",
    "get",
    "is_outside",
    "list",
    "read",
    "read_cards",
    "split_unit",
]
