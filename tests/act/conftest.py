"""One comment that actions are about."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.model import Batch, Mode
from tests.support import PRACTICE, House, opened_store, posted


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """One comment, and an account in live mode."""
    with opened_store(tmp_path) as db:
        house = House(db)
        await house.inbox.receive(PRACTICE, Mode.LIVE, Batch((posted("1", "a"),), "c"))
        yield house
