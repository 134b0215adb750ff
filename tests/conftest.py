"""What holds for the whole suite."""

from collections.abc import Iterator

import pytest

from bot.sandbox.guard import only_loopback

_tried = only_loopback()


@pytest.fixture(autouse=True)
def hosts_tried() -> Iterator[list[str]]:
    """Fails the test that tried to leave the machine, also where the error was swallowed on its way."""
    yield _tried
    hosts = _tried.copy()
    _tried.clear()
    assert not hosts, f"this test tried to reach {', '.join(hosts)}: only this machine may be reached from tests"
