"""Slash commands of the desk. Each is acknowledged first, is for the roles of the desk alone, and answers privately."""

import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.chat import Prepare
from bot.errors import DeskError
from bot.replies import Said
from bot.review import cases, pauses, undoing
from bot.review.answers import counted, history_text, queue_text, stats_text, why_text
from bot.review.card_view import card_view
from bot.review.cases import Person
from bot.review.discord_desk import DiscordDesk
from bot.review.interactions import Interaction, tell
from bot.review.story import comment_story
from classifiers.labels import Label

log = logging.getLogger("chaperone.desk")

HELP = """**Commands**, answered to you alone
`/queue` what waits for a person, the gravest first
`/case` the card of a case · `/history` what its author did with us before
`/why` what was found in a comment, by which rule, and what came of it
`/stats` what waits, and what was done since midnight
`/pause` the machine only asks, for an account or one label · `/resume` it acts again (leads)
`/undo` takes back a case, or all that one label's rule did (leads)
`/guard` says whether a draft may be posted
`/simulate`, and undoing a config revision, come with tuning
**On a card**
Keep: it stays as it is. Hide, Warn, Mute: the platform is asked, and the card says what really happened.
Reply…: a form, through the reply guard; the case is yours while you write. Take: the case is yours for a while.
More: ban, the right label, assign, why, undo, a note, reveal."""
LATER = "This comes with tuning. Until then, undo single cases, or what one label's rule did."
Body = Callable[[Person], Awaitable[str]]


def registration(desk: DiscordDesk) -> Prepare:
    """What tells Discord of the commands, in the desk's own server."""

    async def register(client: commands.Bot) -> None:
        for each in _commands(desk):
            client.tree.add_command(each, override=True)
        try:
            channel = await client.fetch_channel(desk.settings.channel or 0)
            if isinstance(channel, discord.abc.GuildChannel):
                client.tree.copy_global_to(guild=channel.guild)
                await client.tree.sync(guild=channel.guild)
        except discord.HTTPException as error:  # the cards work without
            log.warning("commands_not_registered", extra={"fields": {"code": error.code}})

    return register


def _commands(desk: DiscordDesk) -> list[app_commands.Command[Any, ..., Any]]:
    async def answer(it: Interaction, body: Body) -> None:
        async def answered() -> None:
            await it.response.defer(ephemeral=True, thinking=True)
            await tell(it, await body(desk.person(it)), ours=True)

        await desk.answered(it, answered)

    @app_commands.command(description="What waits for a person, the gravest first")
    async def queue(it: Interaction) -> None:
        async def body(_: Person) -> str:
            rows = await desk.db.read(cases.queue)
            return queue_text(rows, desk.clock.now())

        await answer(it, body)

    @app_commands.command(name="case", description="The card of a case, for you alone")
    async def case_(it: Interaction, number: int) -> None:
        async def answered() -> None:
            await it.response.defer(ephemeral=True, thinking=True)
            desk.person(it)
            made = await desk.cards.drawn(number)
            await it.followup.send(view=card_view(made), ephemeral=True)

        await desk.answered(it, answered)

    @app_commands.command(description="Why a comment was treated as it was")
    async def why(it: Interaction, comment: int) -> None:
        async def body(_: Person) -> str:
            return why_text(await desk.db.read(partial(comment_story, cipher=desk.db.cipher, comment_id=comment)))

        await answer(it, body)

    @app_commands.command(description="What the author of a case did with us before")
    async def history(it: Interaction, number: int) -> None:
        async def body(_: Person) -> str:
            return await desk.db.read(partial(history_text, case_id=number))

        await answer(it, body)

    @app_commands.command(description="The day's numbers")
    async def stats(it: Interaction) -> None:
        async def body(_: Person) -> str:
            return await desk.db.read(partial(stats_text, now=desk.clock.now()))

        await answer(it, body)

    @app_commands.command(description="Let the machine only ask, for an account or one label of it")
    async def pause(it: Interaction, account: str, label: Label | None = None) -> None:
        async def body(by: Person) -> str:
            name = desk.config.account(account).name
            await desk.write(lambda tx: pauses.set_pause(tx, name, label, by, desk.clock.now()))
            return f"Paused {name}: {label or 'every label'} goes to a person until `/resume`."

        await answer(it, body)

    @app_commands.command(description="Let the machine act again; needs a lead")
    async def resume(it: Interaction, account: str, label: Label | None = None) -> None:
        async def body(by: Person) -> str:
            name = desk.config.account(account).name
            lifted = await desk.write(lambda tx: pauses.lift_pause(tx, name, label, by, desk.clock.now()))
            what = f"{label or 'every label'} of {name}"
            return f"The machine acts on {what} again." if lifted else f"{what} was not paused."

        await answer(it, body)

    @app_commands.command(description="Take back what was done in a case, or all that one label's rule did")
    async def undo(
        it: Interaction, number: int | None = None, label: Label | None = None, hours: int = 24,
        revision: str | None = None,
    ) -> None:  # fmt: skip
        async def body(by: Person) -> str:
            if revision is not None:
                return LATER
            return await _undone(desk, by, number, label, hours)

        await answer(it, body)

    @app_commands.command(description="Try a change on the past (comes with tuning)")
    async def simulate(it: Interaction) -> None:
        async def body(_: Person) -> str:
            return LATER

        await answer(it, body)

    @app_commands.command(description="Whether a draft may be posted; only you see the answer")
    async def guard(it: Interaction, draft: str, answers: str = "") -> None:
        async def body(_: Person) -> str:
            desk.guard.clear(draft, Said(answers) if answers else None)
            return "The reply guard has nothing against it."

        await answer(it, body)

    @app_commands.command(name="help", description="What the desk can do")
    async def help_(it: Interaction) -> None:
        async def body(_: Person) -> str:
            return HELP

        await answer(it, body)

    return [queue, case_, why, history, stats, pause, resume, undo, simulate, guard, help_]


async def _undone(desk: DiscordDesk, by: Person, number: int | None, label: Label | None, hours: int) -> str:
    """Raises `DeskError`."""
    engine, cipher, now = desk.engine, desk.db.cipher, desk.clock.now()
    if number is not None:
        of, ruled = "case", [await desk.write(lambda tx: undoing.undo(tx, engine, cipher, number, by, now))]
    elif label is not None:
        since = now - timedelta(hours=hours)
        of, ruled = "comment", await desk.write(lambda tx: undoing.undo_rule(tx, engine, cipher, label, since, by, now))
    else:
        raise DeskError("Say which: the number of a case, or the label of a rule.")
    if not ruled:
        return f"There is nothing to take back: nothing stands that the machine did for {label} in {hours} hours."
    actions, cannot = sum(each.actions for each in ruled), [line for each in ruled for line in each.cannot]
    told = f"{counted(len(ruled), of)}: {counted(actions, 'action')} to be taken back; the cards show when it is done"
    told += f". Not possible: {'; '.join(cannot[:5])}" * bool(cannot)
    log.info("undone", extra={"fields": {f"{of}s": len(ruled), "actions": actions}})
    return told
