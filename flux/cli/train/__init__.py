"""`flux train`: train a model, and save it in a folder.

options    the command's words
begin      a new run: its configuration, and a folder for it
resume     a run that goes on: its checkpoint, and what may change
build      the run itself: data, model, threads
steps      training, with signals and errors on the way
report     what is said before the first step and after the last one
"""

from flux.cli.train.options import command

__all__ = ["command"]
