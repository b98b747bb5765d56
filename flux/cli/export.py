"""`flux export`: a trained model as a folder that needs nothing else."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(["flux", "gpt2"]),
    default="flux",
    show_default=True,
    help="Programs, or a folder for the library transformers.",
)
def command(run: Path, folder: Path, form: str) -> None:
    """Write the model of a run into FOLDER: Programs, weights and tokenizer.

    `flux generate` and `flux eval-model` take the folder like a run's. The text of a model of your
    own is copied for who reads it or trains it further; nothing else needs it. With --format gpt2,
    `transformers` reads it (GPT2LMHeadModel).

    \b
    flux export runs/tiny exported
    flux generate exported --prompt "ROMEO:"
    flux export runs/tiny for-transformers --format gpt2
    """
    from flux.training import export, export_gpt2, load_language_model

    language = load_language_model(run)
    if form == "gpt2":
        export_gpt2(language.model, language.tokenizer, folder)
    else:
        export(language, folder)
    size = sum(file.stat().st_size for file in folder.iterdir())
    click.echo(f"exported to {folder}: {size:,} bytes")
