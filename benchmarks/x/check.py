"""What `chaperone check` says with good and with bad keys, and without a network."""

import asyncio
import os
import tempfile
from pathlib import Path

from rich.table import Table

from benchmarks.tables import out
from benchmarks.x.account import config
from bot.commands.setup import platform_checks
from bot.config import Config
from bot.sandbox.resolver import connector
from bot.sandbox.x import X

CHECKED = (
    "good", "wrong secret", "wrong bearer", "read-only", "revoked", "suspended", "another account's", "missing",
    "clock 12 minutes slow", "no internet",
)  # fmt: skip


class Gone(X):
    """Nobody listens where it should be."""

    tls_port, certificate = 9, ""


async def check() -> int:
    table = Table(title="chaperone check", title_justify="left")
    for heading in ("keys", "finding", "told"):
        table.add_column(heading, overflow="fold")
    verdicts = []
    with tempfile.TemporaryDirectory() as folder:
        for name in CHECKED:
            async with X() as x:
                environment = x.keys.environment("bench")
                spoil = {"wrong secret": "ACCESS_SECRET", "wrong bearer": "BEARER_TOKEN"}.get(name)
                environment |= {f"CHAPERONE_X_BENCH_{spoil}": "wrong"} if spoil else {}
                x.keys.level = "read" if name == "read-only" else x.keys.level
                x.keys.revoked, x.keys.suspended = name == "revoked", name == "suspended"
                x.keys.ahead = 720.0 if name == "clock 12 minutes slow" else 0.0
                os.environ.update(dict.fromkeys(environment, "") if name == "missing" else environment)
                one = config(Path(folder), handle="hospital" if name == "another account's" else "clinic")
                reached = Gone() if name == "no internet" else x
                lines = await asyncio.to_thread(_checked, one, reached)
                for finding, _, told in lines:
                    table.add_row(name, finding, told)
                changed = [it for it in x.journal.calls() if it.method in ("POST", "PUT", "DELETE")]
                verdicts.append((all(finding == "ok" for finding, _, _ in lines) == (name == "good")) and not changed)
    out.print(table)
    return int(not all(verdicts))


def _checked(it: Config, x: X) -> list[tuple[str, str, str]]:
    """In a thread of its own, as the command has its own loop."""
    return list(platform_checks(it, it.accounts[0], lambda: connector(x)))
