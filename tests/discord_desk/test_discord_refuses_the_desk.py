"""The token is reset, or the intent turned off, while the desk runs: people hear of it without Discord."""

import pytest

from bot.app import _record_start
from bot.commands.status import health
from bot.config import Config
from bot.notify import Notify
from bot.sandbox.discord_gateway import INTENTS_REFUSED, TOKEN_REFUSED
from bot.store.tables import case, notice
from tests.crisis.lane import Post
from tests.discord_desk.room import ACCOUNT, Room, until

ON_CALL = [{"name": "Asha", "contact": "1" * 18}, {"name": "Ben", "notify": ["json://ben"]}]


@pytest.mark.parametrize(
    ("code", "why"), [(TOKEN_REFUSED, "does not accept the token"), (INTENTS_REFUSED, "intent is off")]
)
async def test_everybody_with_an_address_is_told_and_status_says_so(room: Room, code: int, why: str) -> None:
    values = room.cards.config.model_dump() | {"accounts": [ACCOUNT | {"on_call": ON_CALL, "settings": {"path": "x"}}]}
    config = room.cards.config = Config.model_validate(values)
    house, now = room.house, room.house.clock.now()

    def told_by_status() -> str:
        return "\n".join(house.db.run_now(lambda tx: health(tx, config, now, runs=True))[1])

    await room.chat.ready()
    for stream in list(room.server.streams):
        await stream.close(code)
    rows = await until(lambda: house.rows(notice))
    assert [(row.person, row.case_id) for row in rows] == [("Ben", house.rows(case)[0].id)]
    assert "desk on Discord: STOPPED until the next start" in told_by_status()
    post = Post()
    await Notify(config, house.db, house.engine, house.clock, post)([rows[0].id])
    [(written, told)] = post.got
    assert written == "json://ben"
    assert why in told.body
    house.db.run_now(lambda tx: _record_start(tx, config, "m", house.clock))
    assert "STOPPED" not in told_by_status()
