"""Compiled formulas: arguments, row blocks, and the callable itself."""

from flux.compiled.function import CompiledFunction, Options

__all__ = ["CompiledFunction", "Options"]
