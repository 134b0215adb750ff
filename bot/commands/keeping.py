"""Keys, backups and forgetting: `chaperone key`, `rotate-key`, `backup`, `erase`."""

from pathlib import Path
from typing import Annotated

import typer

from bot import retention
from bot.app import opened
from bot.clock import SystemClock
from bot.commandline import CONFIG, ConfigOption, console, key_place
from bot.config import read
from bot.errors import DeskError
from bot.store.backup import back_up
from bot.store.cipher import new_key
from bot.store.lock import process_lock

commands = typer.Typer()


@commands.command()
def key() -> None:
    """Print a new encryption key, for CHAPERONE_KEY."""
    console().print(new_key())


@commands.command("rotate-key")
def rotate_key(config: ConfigOption = CONFIG) -> None:
    """Seal everything with your newest key. First put it in front: CHAPERONE_KEY=new,old or a line above."""
    settings = read(config)
    with process_lock(settings.store.path), opened(settings) as db:
        count = db.run_now(lambda tx: retention.rotate(tx, db.cipher))
    told = f"{count} values are sealed with the newest key; the older ones can be taken out of {key_place(settings)}."
    console().print(told)


@commands.command()
def backup(
    to: Annotated[Path, typer.Argument(help="The file to write, which must not be there yet.")],
    config: ConfigOption = CONFIG,
) -> None:
    """Copy the database into one file, also while `run` works. Its key is not in it."""
    settings = read(config)
    back_up(settings.store.path, to)
    told = f"{to} is the database as it is now, {to.stat().st_size:,} bytes. Nobody can read it without its key"
    console().print(f"{told} ({key_place(settings)}), which is not in it: keep a copy of that elsewhere.")


@commands.command()
def erase(
    account: Annotated[str, typer.Option(help="The account of ours they wrote to.")],
    by: Annotated[str, typer.Option("--as", help="Who you are; it stands in the audit.", envvar="CHAPERONE_AS")],
    author: Annotated[str, typer.Argument(help="The person's id on the platform.", show_default=False)] = "",
    wrote: Annotated[int | None, typer.Option(help="In place of the id: the number of a comment of theirs.")] = None,
    config: ConfigOption = CONFIG,
) -> None:
    """Forget a person. Their words, id and what joins their comments go; scores and rulings stay, about nobody.

    What moderators typed in their cases goes too.
    """
    settings = read(config)
    name = settings.account(account).name
    with opened(settings) as db:
        author_key = db.cipher.keyed_hash("author", name, author)
        if wrote is not None:
            author_key = db.read_now(lambda tx: retention.author_of(tx, name, wrote)) or ""
        count = db.run_now(lambda tx: retention.erase(tx, db.cipher, author_key, by, SystemClock().now()))
    if not count:
        raise DeskError(
            f"Nothing of that author is kept for {name}. It must be their id, not their name, "
            "or --wrote and the number of a comment of theirs, as `queue` and `show` have it."
        )
    console().print(f"Erased the words of {count} comments, and what was typed in their cases.")
