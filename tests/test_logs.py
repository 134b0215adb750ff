"""No text, name or secret comes out of the logs, whatever way it takes; what should be there is."""

import ast
import asyncio
import gc
import io
import json
import logging
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import logs
from bot.errors import Ambiguous, ConfigError
from bot.model import Severity, Verb

ROOT = Path(__file__).parent.parent

ours = logging.getLogger("chaperone.test")
library = logging.getLogger("library.client")


@contextmanager
def captured(level: str = "debug", *, as_json: bool = False) -> Iterator[io.StringIO]:
    """All that is logged, and all else that reaches standard error."""
    out = io.StringIO()
    with redirect_stderr(out):
        logs.configure(level, json=as_json, stream=out)
        yield out


# Ways for words to get into a log. Each is tried with many secrets.


def message_of_a_library(secret: str) -> None:
    library.debug(secret)


def argument_of_a_library(secret: str) -> None:
    library.warning("got %s from %r", secret, {"payload": secret}, stack_info=True)


def arguments_that_do_not_fit(secret: str) -> None:
    library.error("%d", secret)


def handler_of_a_library(secret: str) -> None:
    library.addHandler(logging.StreamHandler())
    library.propagate = False
    library.error(secret)


def message_of_ours(secret: str) -> None:
    ours.info(f"could not read {secret}")
    ours.info(secret)


def argument_of_ours(secret: str) -> None:
    ours.info("comment_settled", secret)


def fields(secret: str) -> None:
    ours.info("comment_settled", extra={"fields": {"text": secret, "words": [secret], "more": {"text": secret}}})


def field_that_may_hold_a_word(secret: str) -> None:
    ours.info("comment_settled", extra={"fields": {"account": f"{secret} and more", "rule": f"«{secret}»"}})


def name_of_a_field(secret: str) -> None:
    ours.info("comment_settled", extra={"fields": {f"{secret} and more": 1}})


def attribute_of_a_record(secret: str) -> None:
    ours.info("comment_settled", extra={"comment": secret})


def exception(secret: str) -> None:
    error = ValueError(f"cannot parse {secret}", secret)
    error.add_note(secret)
    ours.error("job_failed", exc_info=error)


def chained_exception(secret: str) -> None:
    try:
        try:
            raise KeyError(secret)  # noqa: TRY301
        except KeyError:
            raise ValueError(secret)  # noqa: B904 - the context is what is tried
    except ValueError as error:
        caused = Ambiguous("no answer")
        caused.__cause__ = error
        library.exception(secret, exc_info=caused)


def grouped_exception(secret: str) -> None:
    inner = ExceptionGroup(secret, [TypeError(secret), ConfigError("no such key")])
    ours.error("job_failed", exc_info=ExceptionGroup(secret, [OSError(secret), inner]))


def end_of_the_process(secret: str) -> None:
    sys.excepthook(RuntimeError, RuntimeError(secret), None)


def end_of_a_thread(secret: str) -> None:
    thread = threading.Thread(target=int, args=(secret,), name=secret)
    thread.start()
    thread.join()


def exception_that_nobody_can_catch(secret: str) -> None:
    class Fragile:
        def __del__(self) -> None:
            raise ValueError(secret)

    Fragile()


def task_that_nobody_asked(secret: str) -> None:
    async def fail() -> None:
        raise ValueError(secret)

    async def forget() -> None:
        task = asyncio.create_task(fail(), name=secret)
        await asyncio.wait([task])
        del task
        gc.collect(0)

    asyncio.run(forget())


def complaint_of_the_event_loop(secret: str) -> None:
    async def complain() -> None:
        asyncio.get_running_loop().call_exception_handler({"message": secret, "exception": ValueError(secret)})

    asyncio.run(complain())


def warning(secret: str) -> None:
    warnings.warn_explicit(secret, UserWarning, "client.py", 12)


WAYS = [
    message_of_a_library,
    argument_of_a_library,
    arguments_that_do_not_fit,
    handler_of_a_library,
    message_of_ours,
    argument_of_ours,
    fields,
    field_that_may_hold_a_word,
    name_of_a_field,
    attribute_of_a_record,
    exception,
    chained_exception,
    grouped_exception,
    end_of_the_process,
    end_of_a_thread,
    exception_that_nobody_can_catch,
    task_that_nobody_asked,
    complaint_of_the_event_loop,
    warning,
]
CORES = st.text("qxzjvQXZJV", min_size=8, max_size=90)  # what no line of code holds by chance


@pytest.mark.parametrize("way", WAYS)
@given(core=CORES, around=st.tuples(st.text(), st.text()) | st.just(("", "")), as_json=st.booleans())
def test_no_secret_comes_out(way: Callable[[str], None], core: str, around: tuple[str, str], *, as_json: bool) -> None:
    with captured(as_json=as_json) as out:
        way(core.join(around))
    assert core.lower() not in out.getvalue().lower()
    lines = out.getvalue().splitlines()
    assert lines, "nothing was logged"
    assert not as_json or all(json.loads(line) for line in lines)


# What should be there.


def line(out: io.StringIO) -> dict[str, object]:
    """The one line that was logged as JSON, but for its time."""
    (only,) = out.getvalue().splitlines()
    said: dict[str, object] = json.loads(only)
    assert datetime.fromisoformat(str(said.pop("at"))).tzinfo is UTC
    return said


def test_an_event_is_a_line_for_people() -> None:
    with captured() as out:
        ours.info("comment_settled", extra={"fields": {"comment": 12, "account": "clinic", "certain": None}})
    time, rest = out.getvalue().split(" ", 1)
    assert datetime.fromisoformat(time).tzinfo is UTC
    assert rest == "info chaperone.test comment_settled comment=12 account=clinic certain=null\n"


def test_an_event_is_a_line_for_programs() -> None:
    with captured(as_json=True) as out:
        ours.warning("case_waits", extra={"fields": {"case": 3, "level": "mine"}})
    head = {"level": "warning", "logger": "chaperone.test", "event": "case_waits"}
    assert line(out) == head | {"case": 3}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (True, True),
        (7, 7),
        (0.5, 0.5),
        (float("nan"), "nan"),
        (Verb.HIDE, "hide"),
        (Severity.HIGH, "high"),
        (datetime(2026, 11, 1, tzinfo=UTC), "2026-11-01T00:00:00+00:00"),
        (None, None),
        pytest.param(10**5000, logs.WITHHELD, id="huge"),
        ("suicidal", logs.WITHHELD),
        (b"suicidal", logs.WITHHELD),
        (ValueError("suicidal"), logs.WITHHELD),
        (["suicidal"], logs.WITHHELD),
    ],
)
def test_a_field_holds_what_nobody_wrote(value: object, shown: object) -> None:
    with captured(as_json=True) as out:
        ours.info("comment_settled", extra={"fields": {"value": value}})
    assert line(out)["value"] == shown


@pytest.mark.parametrize("name", logs.WORDS)
def test_some_fields_hold_a_word_of_ours(name: str) -> None:
    with captured(as_json=True) as out:
        ours.info("comment_settled", extra={"fields": {name: "harassment/clinic-1:7"}})
    assert line(out)[name] == "harassment/clinic-1:7"


def test_a_library_tells_where_it_spoke_and_is_counted() -> None:
    before = logs.withheld["library.client"]
    with captured(as_json=True) as out:
        message_of_a_library("secret")
    place = f"test_logs.py:{message_of_a_library.__code__.co_firstlineno + 1}:message_of_a_library"
    head = {"level": "debug", "logger": "library.client", "event": logs.WITHHELD}
    assert line(out) == head | {"where": place}
    assert logs.withheld["library.client"] == before + 1


def test_an_exception_tells_its_kinds_and_places_and_our_own_message() -> None:
    with captured(as_json=True) as out:
        chained_exception("secret")
    first = chained_exception.__code__.co_firstlineno
    assert line(out)["error"] == (
        'Ambiguous "no answer"'
        f" <- ValueError {__name__}:{first + 5}:chained_exception"
        f" <- KeyError {__name__}:{first + 3}:chained_exception"
    )


def test_a_group_tells_of_each_of_its_exceptions() -> None:
    with captured(as_json=True) as out:
        grouped_exception("secret")
    assert line(out)["error"] == 'ExceptionGroup <- OSError <- ExceptionGroup <- TypeError <- ConfigError "no such key"'


def test_endless_chains_and_deep_frames_are_cut_short() -> None:
    def recur(depth: int) -> None:
        if depth:
            recur(depth - 1)
        raise ValueError

    with captured(as_json=True) as out:
        try:
            recur(100)
        except ValueError as error:
            error.__cause__ = error
            ours.error("job_failed", exc_info=error)
    said = str(line(out)["error"])
    assert said.count("ValueError") == 8
    assert said.count(":recur") == 8 * 12


def test_what_ends_a_process_or_is_warned_of_has_a_name() -> None:
    events = []
    for way in (end_of_the_process, end_of_a_thread, exception_that_nobody_can_catch, warning):
        with captured(as_json=True) as out:
            way("secret")
        events.append((line(out)["event"], line(out).get("error", line(out).get("category"))))
    assert [event for event, _ in events] == ["process_crashed", "thread_crashed", "error_ignored", "python_warning"]
    assert all(kind for _, kind in events)


def test_a_library_speaks_once_though_it_has_a_handler() -> None:
    with captured() as out:
        handler_of_a_library("secret")
    assert len(out.getvalue().splitlines()) == 1


@pytest.mark.parametrize(("logger", "message"), [(library, "jane_doe"), (ours, "jane"), (ours, "Jane_Doe"), (ours, 1)])
def test_only_the_events_of_ours_are_named(logger: logging.Logger, message: object) -> None:
    with captured(as_json=True) as out:
        logger.info(message)
    assert line(out)["event"] == logs.WITHHELD


def test_a_word_is_short() -> None:
    with captured(as_json=True) as out:
        ours.info("comment_settled", extra={"fields": {"account": "a" * 64, "rule": "a" * 65}})
    assert (line(out)["account"], line(out)["rule"]) == ("a" * 64, logs.WITHHELD)


def test_a_message_of_ours_stays_on_its_line_and_is_short() -> None:
    with captured() as out:
        ours.error("check_failed", exc_info=ConfigError("no\nkey" + "!" * 300))
    assert out.getvalue().endswith(f""" error="ConfigError \\"no\\\\nkey{"!" * 294}\\""\n""")


def test_what_was_set_aside_by_from_none_is_not_told() -> None:
    with captured(as_json=True) as out:
        error = ValueError()
        error.__context__, error.__suppress_context__ = KeyError(), True
        ours.error("job_failed", exc_info=error)
    assert line(out)["error"] == "ValueError"


def test_no_exception_where_one_was_expected_is_told_as_none() -> None:
    with captured(as_json=True) as out:
        ours.error("job_failed", exc_info=True)
    assert "error" not in line(out)


def test_what_is_below_the_level_is_not_logged() -> None:
    with captured("warning") as out:
        ours.info("comment_settled")
    assert not out.getvalue()


def test_a_broken_stream_ends_nothing_and_tells_nothing() -> None:
    with captured() as out, redirect_stderr(io.StringIO()) as err:
        out.close()
        library.error("secret")
    assert not err.getvalue()


def test_every_event_has_its_name_in_the_code() -> None:
    """A message that is put together could be a comment of two words."""
    events = {
        f"{path.name}:{call.lineno}": call.args[0]
        for path in [*ROOT.glob("bot/**/*.py"), *ROOT.glob("classifiers/*.py")]
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and ast.unparse(call.func) in {f"log.{level}" for level in LEVELS}
    }
    assert events
    assert not [place for place, name in events.items() if not isinstance(name, ast.Constant)]


LEVELS = ("debug", "info", "warning", "error", "exception", "critical")
