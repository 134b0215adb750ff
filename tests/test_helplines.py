"""Help lines: each with its official page and the day it was read; nothing is guessed; said at most once."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from bot.config import Config, read
from bot.errors import ConfigError
from bot.guard import judge
from bot.helplines import Country, Helplines
from bot.replies import Occasion
from bot.shipped import shipped
from bot.supportive import supportable, templates

FILE = shipped("helplines.toml")
COUNTRIES = ["GB", "IE", "US", "CA", "AU", "NZ", "ZA", "SG"]


@pytest.mark.parametrize("code", COUNTRIES)
def test_every_number_says_where_and_when_it_was_seen(code: str) -> None:
    country = Helplines.read(FILE).of(code)
    for number in filter(None, (country.emergency, country.advice, *country.lines)):
        assert number.source.startswith("https://")
        assert number.seen <= date(2026, 11, 22)
    assert country != Country()


def test_what_no_page_says_is_not_guessed() -> None:
    assert Helplines.read(FILE).of("XX").told() == (
        "emergency: no number is known here",
        "help line: none is known here",
    )
    assert Helplines.read(FILE).of("IE").told() == ("emergency: 112 or 999", "help line: none is known here")


def test_a_number_without_its_page_is_refused(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text('[[XX.lines]]\nname = "x"\nnumber = "12"\nseen = 2026-01-01\n')
    with pytest.raises(ConfigError, match="source"):
        Helplines.read(tmp_path / "own.toml")


def test_the_owners_file_stands_over_the_shipped_one(tmp_path: Path) -> None:
    own = '[[IE.lines]]\nname = "Line"\nnumber = "1800 1"\nsource = "https://example.org"\nseen = 2026-11-01\n'
    (tmp_path / "own.toml").write_text(own)
    known = Helplines.read(FILE, tmp_path / "own.toml")
    assert known.of("IE").told() == ("emergency: no number is known here", "Line: 1800 1")
    assert known.of("GB") == Helplines.read(FILE).of("GB")


def config(reply: str, country: str = "GB") -> Config:
    account: dict[str, Any] = {"name": "a", "platform": "replay", "country": country}
    return Config.model_validate({"crisis": {"supportive_reply": reply}, "accounts": [account]})


def test_the_supportive_reply_is_off_by_default() -> None:
    assert read(shipped("chaperone.toml")).crisis.supportive_reply == "off"
    assert supportable(config("off")) is None
    with pytest.raises(ValidationError):
        config("always")


@pytest.mark.parametrize("code", COUNTRIES)
def test_it_names_the_countrys_line_passes_the_guard_and_fits_everywhere(code: str) -> None:
    country = Helplines.read(FILE).of(code)
    if not country.lines or not country.emergency:
        assert not supportable(config("auto", code))
        return
    assert supportable(config("press", code)) == frozenset("a")
    for text in templates().variants("crisis", Occasion(country=code)):
        assert country.lines[0].number in text
        assert country.emergency.number in text
        assert len(text) <= 280
        assert not judge(text).refused
        assert not judge(text, own=frozenset({"https://practice.example.org"}) | Helplines.read(FILE).numbers()).refused
