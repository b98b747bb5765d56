"""Training: texts, batches, the trainer, runs and their folders, and writing with a model."""

from flux.training import checkpoint
from flux.training.assess import Assessment, assess
from flux.training.batches import Windows, line_starts
from flux.training.blueprint import model_graph, reads_tokens
from flux.training.config import Config, changed, configure, read_config, read_settings
from flux.training.corpus import Line, calculus_corpus, calculus_lines, calculus_of
from flux.training.estimate import Estimate, estimate, peak_flops, trial
from flux.training.exported import Exported, export, open_model
from flux.training.folder import Elsewhere, RunFolder
from flux.training.generations import BEST, CHECKPOINT, set_aside
from flux.training.gpt2 import Gpt2, export_gpt2, import_gpt2, import_gpt2_model
from flux.training.kernels import blas_kernels, blas_pools
from flux.training.language import LanguageModel
from flux.training.lock import locked
from flux.training.marking import Marks, mark
from flux.training.presets import PRESETS, RESUMABLE, Preset
from flux.training.progress import Display, Pace, Report, display
from flux.training.ranks import Ranks, mean_of, mpi_ranks
from flux.training.recipe import Recipe
from flux.training.run import Callback, Run
from flux.training.sample import GREEDY, Choice
from flux.training.saved import Origin, SavedRun, read_run
from flux.training.sharing import Sharing, measure
from flux.training.sharing import asked as threads_asked
from flux.training.sharing import limit_blas as limit_blas_to
from flux.training.start import Start, read_start
from flux.training.table import SUFFIXES, Table, read_table
from flux.training.text import Corpus, read_text, split
from flux.training.text_files import Files
from flux.training.tokenizer import Tokenizer
from flux.training.trained import load_language_model
from flux.training.trainer import Trainer
from flux.training.writing import until, write_text, write_tokens

__all__ = [
    "BEST",
    "CHECKPOINT",
    "GREEDY",
    "PRESETS",
    "RESUMABLE",
    "SUFFIXES",
    "Assessment",
    "Callback",
    "Choice",
    "Config",
    "Corpus",
    "Display",
    "Elsewhere",
    "Estimate",
    "Exported",
    "Files",
    "Gpt2",
    "LanguageModel",
    "Line",
    "Marks",
    "Origin",
    "Pace",
    "Preset",
    "Ranks",
    "Recipe",
    "Report",
    "Run",
    "RunFolder",
    "SavedRun",
    "Sharing",
    "Start",
    "Table",
    "Tokenizer",
    "Trainer",
    "Windows",
    "assess",
    "blas_kernels",
    "blas_pools",
    "calculus_corpus",
    "calculus_lines",
    "calculus_of",
    "changed",
    "checkpoint",
    "configure",
    "display",
    "estimate",
    "export",
    "export_gpt2",
    "import_gpt2",
    "import_gpt2_model",
    "limit_blas_to",
    "line_starts",
    "load_language_model",
    "locked",
    "mark",
    "mean_of",
    "measure",
    "model_graph",
    "mpi_ranks",
    "open_model",
    "peak_flops",
    "read_config",
    "read_run",
    "read_settings",
    "read_start",
    "read_table",
    "read_text",
    "reads_tokens",
    "set_aside",
    "split",
    "threads_asked",
    "trial",
    "until",
    "write_text",
    "write_tokens",
]
