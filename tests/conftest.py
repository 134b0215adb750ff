"""What holds for the whole suite."""

import logging
import sys
import threading
import warnings
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


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """`bot.logs.configure` is for the whole process; it ends with the test that called it."""
    root, factory, shown = logging.root, logging.getLogRecordFactory(), warnings.showwarning
    level, handlers = root.level, root.handlers.copy()
    hooks = sys.excepthook, sys.unraisablehook, threading.excepthook
    yield
    root.setLevel(level)
    root.handlers[:] = handlers
    logging.setLogRecordFactory(factory)
    warnings.showwarning = shown
    sys.excepthook, sys.unraisablehook, threading.excepthook = hooks
