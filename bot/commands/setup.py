"""`chaperone check`: proves that a config would work, and acts on nothing."""

import asyncio
import platform as machine
from collections.abc import Callable, Iterator
from enum import StrEnum
from functools import cache, partial
from typing import Annotated

import typer
from aiohttp import TCPConnector
from rich.table import Table
from rich.text import Text

from bot.app import connected
from bot.chat import Chats, Connect
from bot.clock import SystemClock
from bot.commandline import CONFIG, ConfigOption, console
from bot.commands.guarding import template_proofs
from bot.commands.store_check import store_check
from bot.config import Account, Config, OnCall, read
from bot.errors import ChaperoneError, ConfigError
from bot.guard import Teller
from bot.model import Mode
from bot.notify import EXAMPLE, Told, holds_secret, service, through_apprise
from bot.on_call import A_MEMBER, reachable
from bot.review.discord_check import desk_check
from bot.supportive import helplines
from classifiers.errors import ClassifierError
from classifiers.labels import Label
from classifiers.pipeline import Pipeline, Settings
from classifiers.pipeline import Text as Comment


class Finding(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "FAIL"


Line = tuple[Finding, str, str]
COLOURS = {Finding.OK: "green", Finding.WARN: "yellow", Finding.FAIL: "bold red"}


def check(
    config: ConfigOption = CONFIG,
    call: Annotated[bool, typer.Option("--call", help="Send everybody on call a test notice.")] = False,
) -> None:
    """Prove that it works: config, key, model, desk, platforms. Nothing is sent, hidden or answered; but see --call."""
    settings = read(config)
    lines = [(Finding.OK, "config", f"{config}, revision {settings.revision()}"), *_checks(settings)]
    lines += _call(settings) if call else []
    table = Table(box=None, show_header=False, pad_edge=False)
    for finding, what, told in lines:
        table.add_row(Text(finding, style=COLOURS[finding]), what, Text(told))
    console().print(table)
    if any(finding is Finding.FAIL for finding, _, _ in lines):
        raise typer.Exit(1)


def _checks(config: Config) -> Iterator[Line]:
    yield from _tried("store", lambda: store_check(config))
    loaded = cache(lambda: Pipeline.load(config.classifier))
    yield from _tried("model", lambda: _model(config, loaded()))
    yield from _tried("replies", lambda: _replies(config, _teller(loaded)))
    yield from desk_checks(config)
    for one in config.accounts:
        yield from _account(config, one)
        yield from platform_checks(config, one)


def desk_checks(config: Config, connect: Connect = TCPConnector) -> Iterator[Line]:
    """What Discord says of the desk; `connect` makes what it is reached through."""
    yield from _tried("desk", lambda: asyncio.run(desk_check(config.desk.discord, connect)))


def platform_checks(config: Config, one: Account, connect: Connect = TCPConnector) -> Iterator[Line]:
    """What the platform of an account says; `connect` makes what it is reached through."""
    yield from _tried(one.name, lambda: asyncio.run(_platform(config, one, connect)))


def _tried(what: str, proof: Callable[[], list[str]]) -> Iterator[Line]:
    try:
        yield from ((Finding.OK, what, told) for told in proof())
    except (ChaperoneError, ClassifierError, OSError) as error:
        yield Finding.FAIL, what, str(error)


def _model(config: Config, pipeline: Pipeline) -> list[str]:
    _must_answer(config.classifier, pipeline)
    import torch  # noqa: PLC0415 - takes a second, which the other commands need not wait for

    lines = {label: pipeline.line(label, getattr(config.rules, label).act_when_right) for label in Label}
    acts = ", ".join(f"{label} from {line:.2f}" for label, line in lines.items() if line is not None)
    return [
        f"{pipeline.model}, answers",
        f"may be trusted alone on: {acts or 'nothing'}",
        f"torch {torch.__version__} on {_hardware(torch.cuda.is_available())}, Python {machine.python_version()}",
    ]


def _must_answer(settings: Settings, pipeline: Pipeline) -> None:
    """Raises `ClassifierError`, or `ConfigError` for `languages` that leave the model nothing to read."""
    shipped = settings.name == "encoder" and settings.folder is None
    if not settings.languages or (shipped and "en" not in settings.languages):
        told = 'every comment with words would go to a person: name what your model reads; the shipped one reads "en"'
        raise ConfigError(f"With these `languages` in [classifier] {told}")
    if not pipeline.assess([Comment("#thanks")])[0].assessed:  # a hashtag is assessed whatever the languages are
        raise ClassifierError(f"{pipeline.model} was loaded, but does not answer: it gives a test comment no score")


def _hardware(cuda: bool) -> str:
    return "CUDA" if cuda else "CPU"


def _teller(loaded: Callable[[], Pipeline]) -> Teller | None:
    """None without the model, which is told elsewhere: the rules judge alone."""
    try:
        return loaded().tells
    except ClassifierError:
        return None


def _replies(config: Config, teller: Teller | None) -> list[str]:
    """Raises `ConfigError` for a text that the guard or a platform would refuse."""
    found = list(template_proofs(config, teller))
    wrong = {f"{each.template}: {why}" for each in found for why in each.wrong}
    if wrong:
        told = "Some templates say what may not be sent; `chaperone guard --templates` tells where."
        raise ConfigError("\n".join([told, *sorted(wrong)]))
    names, texts = {each.template for each in found}, sum(each.texts for each in found)
    return [f"{len(names)} templates, {texts} texts for all platforms and countries, pass the guard and fit"]


def _helplines(config: Config, one: Account) -> list[str]:
    return [f"help lines of {one.country}: {', '.join(helplines(config).of(one.country).told())}"]


def _account(config: Config, one: Account) -> Iterator[Line]:
    yield Finding.OK, one.name, f"{one.platform}, {one.mode}" + (": acts on nothing" if one.mode is Mode.SHADOW else "")
    if not one.country:
        yield Finding.FAIL, one.name, 'no country: help lines depend on it; set `country = "GB"` or yours'
    if one.country:
        yield from _tried(one.name, lambda: _helplines(config, one))
        known = helplines(config).of(one.country)
        if not known.lines or known.emergency is None:
            told = f"no help line is known for {one.country}, or no emergency number: add them to a file of yours"
            yield Finding.WARN, one.name, f"{told}, and name it in `crisis.helplines`"
        if config.crisis.helplines_confirmed is None:
            told = "nobody has confirmed these numbers: call them, and set `crisis.helplines_confirmed` to the day"
            yield Finding.WARN, one.name, told
    if not one.on_call:
        yield Finding.FAIL, one.name, 'nobody on call: a crisis must reach a person; set `on_call = [{ name = "…" }]`'
    for person in one.on_call:
        yield from _reached(one, person)
    if one.mode is Mode.LIVE and not reachable(config, one):
        told = "give somebody on call a `notify`, or their Discord id as `contact`, and a desk there"
        yield Finding.FAIL, one.name, f"it is live, and a crisis would call nobody: {told}"
    if one.on_call and not any(person.notify for person in one.on_call):
        told = f'nobody on call can be reached without Discord: give one of them a way, such as notify = ["{EXAMPLE}"]'
        yield Finding.WARN, one.name, told


def _reached(one: Account, person: OnCall) -> Iterator[Line]:
    """Sends nothing: whether each address can be read."""
    if not person.contact and not person.notify:
        told = f"{person.name} has neither `contact` nor `notify`: the desk shows a crisis, but they are not called"
        yield Finding.WARN, one.name, told
    if person.contact and not A_MEMBER.fullmatch(person.contact):
        told = "`contact` is no Discord id (15 to 20 digits), so the desk cannot call them"
        yield Finding.WARN, one.name, f"{person.name}: {told}"
    for number, written in enumerate(person.notify, 1):
        who = f"{person.name}, notify {number}"
        yield from ((found, one.name, f"{who}: {told}") for found, _, told in _tried("", partial(_way, written)))
        if holds_secret(written):
            yield Finding.WARN, one.name, f'{who}: move its password to the environment and write "$NAME" here'


def _way(written: str) -> list[str]:
    return [f"{service(written)}; `chaperone check --call` tries it"]


def _call(config: Config) -> Iterator[Line]:
    """A test notice to every address, now."""
    test = Told("Chaperone: a test", "This is a test of how you are told of a crisis. Nothing has happened.")
    for one in config.accounts:
        for person in one.on_call:
            for number, written in enumerate(person.notify, 1):
                arrived = through_apprise(written, test)
                told = "took the test notice" if arrived else "did not take the test notice"
                yield (Finding.OK if arrived else Finding.FAIL), one.name, f"{person.name}, notify {number}: {told}"


async def _platform(config: Config, one: Account, connect: Connect) -> list[str]:
    async with Chats(SystemClock(), connect) as chats, connected(config, one, SystemClock(), chats, connect) as adapter:
        return await adapter.check()
