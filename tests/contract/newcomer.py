"""A platform as somebody would write their first: two verbs, one setting. The contract tests must find it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import Field

from bot.model import Author, Batch, Comment, Posted
from bot.platforms import base


class Settings(base.Settings):
    board: Path = Field(description="the folder whose files are comments")


class Adapter(base.Platform):
    def __init__(self, board: Path, around: base.Surroundings) -> None:
        self._board, self._around = board, around

    @classmethod
    @asynccontextmanager
    async def connect(cls, settings: base.Settings, around: base.Surroundings) -> AsyncIterator["Adapter"]:
        yield cls(Settings.model_validate(settings).board, around)

    async def events(self, cursor: str | None) -> AsyncIterator[Batch]:
        for note in sorted(self._board.glob("*.txt")):
            if note.name > (cursor or ""):
                said = Comment(note.stem, base.readable(note.read_text()), Author("board"), self._around.clock.now())
                yield Batch((Posted(said),), note.name)

    async def hide(self, order: base.Order) -> None:
        (self._board / f"{order.target.comment_id}.txt").unlink(missing_ok=True)

    async def reply(self, order: base.Order) -> None:
        assert order.text is not None
        (self._board / f"{order.target.comment_id}.answer").write_text(order.text.words)
