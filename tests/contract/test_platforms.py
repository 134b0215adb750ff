"""What every platform of `bot/platforms` keeps; a new file in that folder is found by itself."""

import os
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from bot.clock import StillClock
from bot.config import Account
from bot.errors import ConfigError, Refused
from bot.model import Ability, Target, Verb
from bot.platforms import base
from bot.store.engine.local import LEASE
from tests.support import NOON

EASIEST = Target("1", "u1", thread="t1", parent="p1", summoned=True, posted_at=NOON - timedelta(minutes=1))

OURS = "42"  # our own id, and whatever else is made up
OUR_OWN = replace(EASIEST, author_id=OURS)
ORDER = base.Order("key", EASIEST)


@pytest.fixture(params=base.names())
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def made_up(model: type[BaseModel], folder: Path) -> dict[str, Any]:
    """A value of the right type for each setting that has no default."""
    values: dict[Any, Any] = {Path: folder / "file", str: OURS, int: 1, float: 1.0, bool: True}
    required = {key: field for key, field in model.model_fields.items() if field.is_required()}
    return {key: values.get(field.annotation, OURS) for key, field in required.items()}


def account(name: str, **settings: Any) -> Account:
    return Account(name="practice", platform=name, settings=settings)


@pytest.fixture
async def adapter(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[base.Platform]:
    """Connected with settings that are made up, and so are the secrets that it asks for by name."""
    model, adapter = base.load(name)
    around = base.Surroundings("practice", StillClock(NOON), tmp_path)
    given = account(name, **made_up(model, tmp_path)).platform_settings()
    async with AsyncExitStack() as stack:
        while True:
            try:
                connected = await stack.enter_async_context(adapter.connect(given, around))
                break
            except ConfigError as error:
                asked = {each for each in re.findall(r"CHAPERONE_[A-Z0-9_]+", str(error)) if each not in os.environ}
                assert asked, f"it cannot be connected, and names no secret that would help: {error}"
                for secret in asked:
                    monkeypatch.setenv(secret, f"{OURS}-secret")
        yield connected


def written(name: str) -> set[Verb]:
    _, adapter = base.load(name)
    return {verb for verb in Verb if getattr(adapter, verb.value) is not getattr(base.Platform, verb.value)}


def test_its_settings_are_described_and_know_their_own_keys_only(name: str, tmp_path: Path) -> None:
    model, _ = base.load(name)
    assert issubclass(model, BaseModel)
    assert model.model_config["extra"] == "forbid"
    assert model.model_config["hide_input_in_errors"]
    undescribed = [key for key, field in model.model_fields.items() if not field.description]
    assert not undescribed
    with pytest.raises(ConfigError, match=r"settings\.misspelt"):
        account(name, misspelt=1, **made_up(model, tmp_path)).platform_settings()


def test_its_adapter_is_a_platform(name: str) -> None:
    _, adapter = base.load(name)
    assert issubclass(adapter, base.Platform)
    assert adapter.connect.__func__ is not base.Platform.connect.__func__  # type: ignore[attr-defined]
    assert adapter.events is not base.Platform.events


def test_its_calls_end_well_before_the_lease_of_who_makes_them(name: str) -> None:
    _, adapter = base.load(name)
    assert 0 < 3 * adapter.call_seconds <= LEASE.total_seconds()


def test_it_asks_by_name_for_the_settings_it_misses(name: str) -> None:
    model, _ = base.load(name)
    missing = made_up(model, Path())
    if not missing:
        assert account(name).platform_settings()
        return
    with pytest.raises(ConfigError) as caught:
        account(name).platform_settings()
    assert all(f"accounts.practice.settings.{key}" in str(caught.value) for key in missing)


def test_its_settings_cannot_be_changed_once_read(name: str, tmp_path: Path) -> None:
    model, _ = base.load(name)
    settings = model.model_validate(made_up(model, tmp_path))
    for key in model.model_fields:
        with pytest.raises(ValidationError, match="frozen"):
            setattr(settings, key, "other")


def test_it_can_do_exactly_what_is_written(name: str, adapter: base.Platform) -> None:
    """For a comment that makes it easy: somebody's who spoke to us just now, or our own."""
    able = [(verb, adapter.capability(verb, each, NOON)) for verb in Verb for each in (EASIEST, OUR_OWN)]
    assert {verb for verb, it in able if it.ability is not Ability.IMPOSSIBLE} == written(name)
    assert all(it.note for _, it in able if it.ability is Ability.IMPOSSIBLE)


def test_the_lanes_it_names_are_its_own(adapter: base.Platform) -> None:
    named = {adapter.capability(verb, EASIEST, NOON).lane for verb in Verb}
    assert named <= {lane.name for lane in adapter.lanes} | {""}
    assert all(lane.limit > 0 and lane.seconds > 0 for lane in adapter.lanes)


async def test_what_is_not_written_is_refused(name: str, adapter: base.Platform) -> None:
    for verb in set(Verb) - written(name):
        with pytest.raises(Refused, match=verb.value):
            await getattr(adapter, verb.value)(ORDER)


async def test_looking_on_acts_on_nothing(name: str, adapter: base.Platform, tmp_path: Path) -> None:
    if any(secret.startswith("CHAPERONE_") for secret in os.environ):
        pytest.skip(f"{name} would ask a server, for which its own tests have an emulator")

    def files() -> list[Path]:
        return sorted(tmp_path.rglob("*"))

    before = files()
    for verb in Verb:
        assert await adapter.observe(verb, ORDER) in {base.Observed.NOT_DONE, base.Observed.CANNOT_SAY}
    assert files() == before


def test_a_platform_that_is_not_there_is_told_with_its_near_miss() -> None:
    with pytest.raises(ConfigError, match="did you mean 'replay'"):
        base.load("repley")
    with pytest.raises(ConfigError):
        base.load("base")
