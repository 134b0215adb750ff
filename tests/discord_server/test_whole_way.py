"""From a message to a ruling and back, with the whole app."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from sqlalchemy import Row, Table, select

from bot.app import running
from bot.chat import Chats
from bot.clock import SystemClock
from bot.config import read
from bot.model import ActionState, CaseState, Reason, Role
from bot.review.cases import Person, Ruling, Said
from bot.review.rulings import rule
from bot.review.undoing import undo
from bot.sandbox.discord import TOKEN
from bot.sandbox.resolver import connector
from bot.store.tables import action, case
from classifiers.labels import Label
from tests.discord_server.practice import CONFIG, Practice
from tests.support import StubAssessor

ASHA = Person("asha", Role.MODERATOR)


async def test_the_whole_way_from_a_message_to_a_ruling_and_back(practice: Practice) -> None:
    """The machine does not delete alone; a person does, and what they undo is reposted."""
    server, file = practice.discord, practice.folder / "chaperone.toml"
    file.write_text(CONFIG.format(server=server.world.guild, channel=practice.general))
    assessor = StubAssessor({"charlatan": {Label.HARASSMENT: 0.99}})
    chats = Chats(SystemClock(), lambda: connector(server))
    async with running(read(file), assessor, chats=chats) as app:

        async def rows(table: Table) -> Sequence[Row[Any]]:
            return await app.db.read(lambda tx: tx.execute(select(table).order_by(table.c.id)).all())

        async def until(true: Callable[[], Coroutine[Any, Any, bool]]) -> None:
            async with asyncio.timeout(60):
                while not await true():
                    await asyncio.sleep(0.01)

        async def settled(count: int) -> bool:
            found = await rows(action)
            return len([each for each in found if each.settled_at is not None]) >= count

        running_app = asyncio.create_task(app.run())
        await chats.of(TOKEN).ready()
        await server.journal.arrival("GET", f"*/channels/{practice.general}/messages", count=2)  # both have caught up
        await server.post(practice.general, practice.sam, "you charlatan")
        await until(lambda: settled(1))
        (row,) = await rows(action)
        (found,) = [each for each in await rows(case) if each.state == CaseState.OPEN]
        assert (row.state, found.reason, len(practice.standing())) == (ActionState.REFUSED, Reason.REFUSED, 1)
        assert "left to a person" in found.why
        cipher, said = app.db.cipher, Said(Ruling.HIDE, ASHA)
        await app.db.run(lambda tx: rule(tx, app.engine, cipher, found.id, said, app.clock.now()))
        app.engine.wake()
        await until(lambda: settled(2))
        assert practice.standing() == []
        await app.db.run(lambda tx: undo(tx, app.engine, cipher, found.id, ASHA, app.clock.now()))
        app.engine.wake()
        await until(lambda: settled(3))
        assert [each.state for each in await rows(action)][1:] == [ActionState.DONE, ActionState.DONE]
        assert practice.standing() == [f"Restored by the moderators. <@{practice.sam}> wrote:\n>>> you charlatan"]
        app.stop()
        await running_app
