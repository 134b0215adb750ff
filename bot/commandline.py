"""What the commands share: their options, the console, the model."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bot.config import Config, Secrets
from classifiers.errors import ModelUnavailable
from classifiers.pipeline import Pipeline, Settings

ConfigOption = Annotated[
    Path, typer.Option("--config", "-c", help="The config file.", envvar="CHAPERONE_CONFIG", show_default=True)
]
JsonOption = Annotated[bool, typer.Option("--json", help="For other programs.")]

CONFIG = Path("chaperone.toml")
WITHOUT = (
    "Without the model every comment goes to a person, crisis is found by the word list, and the reply guard refuses "
    "more than it should."
)
WIDE = 200  # columns when nobody looks, so that no line is folded


def console(*, stderr: bool = False) -> Console:
    """Colours and the terminal's width for a person; plain wide lines for a pipe."""
    seen = (sys.stderr if stderr else sys.stdout).isatty()
    return Console(highlight=False, stderr=stderr, width=None if seen else WIDE)


def complain(message: str) -> None:
    console(stderr=True).print(f"chaperone: {message}", style="red", markup=False, soft_wrap=True)


def key_place(config: Config) -> str:
    """Where the key that seals the database comes from."""
    return "CHAPERONE_KEY" if Secrets().key else str(config.store.key_file)


def pipeline(config: Config | None) -> Pipeline:
    """The model; without it a pipeline that sends everything to a person, after saying so."""
    settings = config.classifier if config else Settings()
    try:
        return Pipeline.load(settings)
    except ModelUnavailable as error:
        complain(f"{error}\n{WITHOUT}")
        return Pipeline.without_model(settings, str(error))
