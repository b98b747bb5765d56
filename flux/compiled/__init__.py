"""Compiled formulas: arguments, row blocks, and the callable itself."""

from flux.compiled.bound import Bound
from flux.compiled.function import CompiledFunction, Options

__all__ = ["Bound", "CompiledFunction", "Options"]
