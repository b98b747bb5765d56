"""Training: texts, batches, the trainer, runs and their folders, and writing with a model."""

from flux.training.assess import Assessment, assess
from flux.training.batches import Windows, line_starts
from flux.training.corpus import Line, calculus_corpus, calculus_lines
from flux.training.exported import Exported, export, open_model
from flux.training.gpt2 import Gpt2, export_gpt2, import_gpt2, import_gpt2_model
from flux.training.kernels import blas_kernels, blas_pools
from flux.training.language import LanguageModel
from flux.training.lock import locked
from flux.training.marking import Marks, mark
from flux.training.presets import PRESETS, Preset
from flux.training.progress import Display, Report, display
from flux.training.recipe import Recipe
from flux.training.run import Run, load_language_model
from flux.training.sample import GREEDY, Choice
from flux.training.saved import CHECKPOINT, Origin, SavedRun, read_run
from flux.training.text import Corpus, read_text, split
from flux.training.tokenizer import Tokenizer
from flux.training.trainer import Trainer
from flux.training.writing import until, write_text, write_tokens

__all__ = [
    "CHECKPOINT",
    "GREEDY",
    "PRESETS",
    "Assessment",
    "Choice",
    "Corpus",
    "Display",
    "Exported",
    "Gpt2",
    "LanguageModel",
    "Line",
    "Marks",
    "Origin",
    "Preset",
    "Recipe",
    "Report",
    "Run",
    "SavedRun",
    "Tokenizer",
    "Trainer",
    "Windows",
    "assess",
    "blas_kernels",
    "blas_pools",
    "calculus_corpus",
    "calculus_lines",
    "display",
    "export",
    "export_gpt2",
    "import_gpt2",
    "import_gpt2_model",
    "line_starts",
    "load_language_model",
    "locked",
    "mark",
    "open_model",
    "read_run",
    "read_text",
    "split",
    "until",
    "write_text",
    "write_tokens",
]
