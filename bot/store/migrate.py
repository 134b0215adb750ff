"""Bring a database to this version's shape, and open its lock."""

import secrets
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, insert, select

from bot.errors import StoreNewer
from bot.store.cipher import Cipher
from bot.store.tables import secret


def migrate(tx: Connection) -> None:
    """Run the migrations that are missing. Raises `StoreNewer` for a database of a later version."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    scripts = ScriptDirectory.from_config(config)
    current = MigrationContext.configure(tx).get_current_revision()
    if current == scripts.get_current_head():
        return
    if current is not None and current not in {script.revision for script in scripts.walk_revisions()}:
        raise StoreNewer(
            f"The database is of a newer Chaperone (schema {current}, this one knows {scripts.get_current_head()}). "
            "Install that version again, or restore the backup made before the upgrade."
        )
    config.attributes["connection"] = tx
    command.upgrade(config, "head")


def unlock(tx: Connection, cipher: Cipher) -> Cipher:
    """The cipher with the database's own hash secret, made at the first start. Raises `StoreKeyWrong`."""
    sealed = tx.execute(select(secret.c.value).where(secret.c.name == "pepper")).scalar()
    if sealed is None:
        pepper = secrets.token_bytes(32)
        tx.execute(insert(secret).values(name="pepper", value=cipher.seal_bytes(pepper)))
        return cipher.with_pepper(pepper)
    return cipher.with_pepper(cipher.open_bytes(sealed))
