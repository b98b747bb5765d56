"""`flux export`: a trained model as a folder that needs nothing else."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("folder", type=click.Path(path_type=Path))
def command(run: Path, folder: Path) -> None:
    """Write the model of a run into FOLDER: Programs, weights and tokenizer.

    `flux generate` and `flux eval-model` take the folder like a run's; the text of the model is not
    needed any more.

    \b
    flux export runs/tiny exported
    flux generate exported --prompt "ROMEO:"
    """
    from flux.training import export, load_language_model

    export(load_language_model(run), folder)
    size = sum(file.stat().st_size for file in folder.iterdir())
    click.echo(f"exported to {folder}: {size:,} bytes")
