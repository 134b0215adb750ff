"""Logs that cannot hold what people wrote, their names, or a secret: at any level, in any traceback, by any library.

Ours are standard loggers below `chaperone`, with the name of an event for a message and its fields beside it:

    log = logging.getLogger("chaperone.act")
    log.info("comment_settled", extra={"fields": {"comment": 12, "verb": Verb.HIDE}})

Any other message, and that of every exception but our own, may quote a comment. It is withheld and counted; the line
says which logger it was, where in the code, and the kinds of exception with their frames.
"""

import logging
import math
import re
import sys
import threading
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from enum import Enum
from itertools import islice
from json import dumps
from pathlib import PurePath
from traceback import walk_tb
from typing import Any, TextIO

from bot.errors import ChaperoneError
from classifiers.errors import ClassifierError

WORDS = frozenset(
    {
        "account",
        "category",  # of a warning
        "error",  # its type
        "lane",
        "model",
        "platform",
        "position",  # in what a platform sent
        "queue",
        "revision",
        "rule",
        "verb",
        "where",  # in the code
    }
)
"""The fields that may hold a string, for theirs are words of ours. Enums, numbers and times pass in every field."""

WITHHELD = "<withheld>"

withheld: Counter[str] = Counter()
"""How many messages were withheld, by logger."""

_EVENT = re.compile(r"[a-z]+(_[a-z0-9]+)+")  # two words or more, for a lone one could be anybody's
_FIELD = re.compile(r"[a-z][a-z0-9_]{0,31}")
_WORD = re.compile(r"[A-Za-z0-9_.:/<>-]{1,64}")
_AUTHORED = (ChaperoneError, ClassifierError)  # with messages of ours
_LONGEST_MESSAGE = 300  # characters
_LONGEST_CHAIN = 8  # exceptions that led to one another
_MOST_FRAMES = 12  # of one exception, the innermost
_BARE = re.compile(r"[!#-<>-~]+")  # printable ASCII but the quotation mark and the equals sign

_Value = bool | int | float | str | None

log = logging.getLogger("chaperone.python")


def configure(level: str, *, json: bool, stream: TextIO | None = None) -> None:
    """Route all that this process logs, warns of or dies of to `stream` (None: standard error), one line each.

    Handlers that libraries gave their own loggers, before or after, are taken away.
    """
    handler = _Handler(stream)
    handler.setFormatter(_Line(dumps if json else _text))
    logging.root.handlers[:] = [handler]
    logging.root.setLevel(level.upper() if level in ("debug", "error") else "WARNING")  # libraries chat at info
    logging.getLogger("chaperone").setLevel(level.upper())
    logging.setLogRecordFactory(_record)
    sys.excepthook = lambda _, error, __: log.critical("process_crashed", exc_info=error)
    sys.unraisablehook = lambda args: log.error("error_ignored", exc_info=args.exc_value)
    threading.excepthook = lambda args: log.critical("thread_crashed", exc_info=args.exc_value)
    warnings.showwarning = _warned


def _record(name: str, *args: Any, **kwargs: Any) -> logging.LogRecord:
    """What makes the records of every logger, before a handler sees them: libraries lose theirs here."""
    logger = logging.getLogger(name)
    while logger.parent is not None:
        logger.handlers.clear()
        logger.propagate = True
        logger = logger.parent
    return logging.LogRecord(name, *args, **kwargs)


def _warned(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: object, **__: object
) -> None:
    where = f"{PurePath(filename).name}:{lineno}"
    log.warning("python_warning", extra={"fields": {"category": category.__name__, "where": where}})


class _Handler(logging.StreamHandler[TextIO]):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - so named by the library
        """Stay silent, where the default prints the message with its arguments."""


class _Line(logging.Formatter):
    def __init__(self, render: Callable[[Mapping[str, _Value]], str]) -> None:
        super().__init__()
        self._render = render

    def format(self, record: logging.LogRecord) -> str:
        event = _event(record)
        if event is None:
            withheld[record.name] += 1
        head = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": _word(record.levelname.lower()),
            "logger": _word(record.name),
            "event": event or WITHHELD,
        }
        body = _fields(record) if event else _place(record)
        return self._render({**head, **body, **head, **_error(record)})  # no field takes the place of the head


def _text(line: Mapping[str, _Value]) -> str:
    """`at level logger event`, then `name=value`."""
    shown = [(name, _bare(value)) for name, value in line.items()]
    return " ".join([value for _, value in shown[:4]] + [f"{name}={value}" for name, value in shown[4:]])


def _bare(value: _Value) -> str:
    return value if isinstance(value, str) and _BARE.fullmatch(value) else dumps(value)


def _event(record: logging.LogRecord) -> str | None:
    """The event's name, of a record of ours."""
    ours = record.name.startswith("chaperone.") and _EVENT.fullmatch(str(record.msg))
    return str(record.msg) if ours else None


def _place(record: logging.LogRecord) -> dict[str, _Value]:
    return {"where": f"{_word(record.filename)}:{record.lineno}:{_word(record.funcName)}"}


def _fields(record: logging.LogRecord) -> dict[str, _Value]:
    fields = getattr(record, "fields", None)
    if not isinstance(fields, Mapping):
        return {}
    return {name if _FIELD.fullmatch(str(name)) else WITHHELD: _value(name, value) for name, value in fields.items()}


def _value(name: str, value: object) -> _Value:
    match value:
        case None | bool():
            return value
        case Enum():
            return _word(value.name.lower())
        case int() if value.bit_length() < 64:
            return value
        case float():
            return value if math.isfinite(value) else str(value)
        case date():
            return value.isoformat()
        case str() if name in WORDS:
            return _word(value)
    return WITHHELD


def _word(text: object) -> str:
    return str(text) if _WORD.fullmatch(str(text)) else WITHHELD


def _error(record: logging.LogRecord) -> dict[str, _Value]:
    """The exception, what it groups and what it came from, as one string."""
    if not record.exc_info or record.exc_info[1] is None:
        return {}
    chain = islice(_chain(record.exc_info[1]), _LONGEST_CHAIN)
    return {"error": " <- ".join(_described(each) for each in chain)}


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    if error is None:
        return
    yield error
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _chain(each)
    chained = error.__suppress_context__ or error.__cause__ is not None
    yield from _chain(error.__cause__ if chained else error.__context__)


def _described(error: BaseException) -> str:
    """Its type, its message if that is ours, and where it came through, outermost first."""
    frames = [
        f"{_word(frame.f_globals.get('__name__'))}:{line}:{_word(frame.f_code.co_name)}"
        for frame, line in walk_tb(error.__traceback__)
    ]
    message = f" {dumps(str(error)[:_LONGEST_MESSAGE])}" if isinstance(error, _AUTHORED) else ""
    return " ".join([_word(type(error).__qualname__) + message, *frames[-_MOST_FRAMES:]])
