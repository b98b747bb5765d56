"""`flux import`: a model of the library transformers as an exported folder."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("folder", type=click.Path(path_type=Path))
def command(source: Path, folder: Path) -> None:
    """Read GPT-2 from SOURCE, as `transformers` keeps it, and write it into FOLDER.

    SOURCE holds config.json, tokenizer.json, and model.safetensors or its parts. FOLDER is one that
    `flux generate`, `flux eval-model` and `flux train --from` take.

    \b
    flux import gpt2 exported
    flux generate exported --prompt "In the beginning"
    """
    from flux.training import export, import_gpt2

    found = import_gpt2(source)
    export(found, folder)
    click.echo(f"imported {found.model.count:,} parameters into {folder}")
