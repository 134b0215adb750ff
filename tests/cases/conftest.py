"""A store, and an account in live mode."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import House, opened_store


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with opened_store(tmp_path) as db:
        yield House(db)
