"""Tables in files, for the tests of scoring them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

TEXT = 'y = 2*a\nwoman = where(sex == "F", 1, 0)'
ROWS = 1000


def frame(rows: int = ROWS) -> pd.DataFrame:
    random = np.random.default_rng(0)
    a = random.normal(size=rows).round(3)
    a[::50] = np.nan
    names = ["plain", "with, comma", 'with "quotes"', "two\nlines", "ä", ""]
    return pd.DataFrame(
        {
            "name": [names[i % len(names)] for i in range(rows)],
            "sex": random.choice(["F", "M"], rows),
            "a": a,
            "n": np.arange(rows),
        }
    )


def written(path: Path, table: pd.DataFrame) -> Path:
    """A table as a file of the kind that its name asks for."""
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pandas(table), path, row_group_size=300)
    else:
        between = "\t" if ".tsv" in path.name else ","
        table.to_csv(path, index=False, sep=between)
    return path


def read(path: Path) -> pd.DataFrame:
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    between = "\t" if ".tsv" in path.name else ","
    return pd.read_csv(path, sep=between, keep_default_na=False, na_values=["nan"])


def names(folder: Path) -> list[str]:
    """What stands in a folder."""
    return sorted(path.name for path in folder.iterdir())
