"""`chaperone run`."""

import asyncio
import os
import signal
from typing import Annotated

import typer

from bot import logs
from bot.app import App, running
from bot.classify import Assessor
from bot.commandline import CONFIG, ConfigOption, pipeline
from bot.config import Account, Config, read
from bot.platforms import base as platforms


def run(
    config: ConfigOption = CONFIG,
    once: Annotated[bool, typer.Option("--once", help="Stop when everything the platforms had is worked off.")] = False,
) -> None:
    """Read, judge and act, until it is stopped. SIGTERM or Ctrl-C finishes what is under way; a second one does not."""
    settings = to_its_end(read(config)) if once else read(config)
    logs.configure(settings.log.level, json=settings.log.json_lines)
    asyncio.run(_run(settings, pipeline(settings), once))


def to_its_end(config: Config) -> Config:
    """The same config, but a file that is read does not wait for more at its end."""
    return config.model_copy(update={"accounts": tuple(_without_waiting(one) for one in config.accounts)})


def _without_waiting(one: Account) -> Account:
    waits = "follow" in platforms.load(one.platform)[0].model_fields
    return one.model_copy(update={"settings": one.settings | {"follow": False}}) if waits else one


async def _run(config: Config, assessor: Assessor, once: bool) -> None:
    async with running(config, assessor) as app:
        stop_on_signals(app)
        await app.run(once=once)


def stop_on_signals(app: App) -> None:
    """The first signal stops in order, the second at once; what was under way is checked at the next start."""
    loop = asyncio.get_running_loop()

    def stop() -> None:
        if app.stopping.is_set():
            os._exit(130)
        app.stop()

    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stop)
