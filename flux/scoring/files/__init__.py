"""Tables in files: CSV, TSV and Parquet, scored in blocks into files of the same kinds."""

from flux.scoring.files.run import Progress, score_file

__all__ = ["Progress", "score_file"]
