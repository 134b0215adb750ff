"""Help lines by country: whom one can call. Read from `config/helplines.toml`, or a file of the owner's.

Every number says on which official page it stood and when that was read; a country without such a page has no number
here: the card says so rather than guess, and replies say it without a number.
"""

import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationError

from bot.errors import ConfigError


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Number(_Part):
    number: str = Field(min_length=2, pattern=r"^[0-9][0-9 -]*( or [0-9][0-9 -]*)*$")
    source: str = Field(pattern=r"^https://", description="the official page it stood on")
    seen: date = Field(description="when that page was read")


class Line(Number):
    name: str = Field(min_length=1)

    def __str__(self) -> str:
        return self.name if self.number in self.name else f"{self.name} on {self.number}"


class Country(_Part):
    """What is known of one country; nothing is guessed."""

    emergency: Number | None = None
    advice: Line | None = Field(None, description="who can be asked when it is no emergency")
    lines: tuple[Line, ...] = Field((), description="for somebody in danger")

    def told(self) -> tuple[str, ...]:
        """For a person who responds: what to call, or that nothing is known."""
        emergency = f"emergency: {self.emergency.number}" if self.emergency else "emergency: no number is known here"
        lines = [f"{line.name}: {line.number}" for line in self.lines] or ["help line: none is known here"]
        return emergency, *lines

    def said(self) -> dict[str, str]:
        """What reply templates fill in."""
        return {
            "emergency": self.emergency.number if self.emergency else "your local emergency number",
            "advice": f"a pharmacist, a doctor or {self.advice}" if self.advice else "a doctor or pharmacist",
            "helpline": str(self.lines[0]) if self.lines else "a crisis help line",
        }

    def numbers(self) -> frozenset[str]:
        return frozenset(each.number for each in (self.emergency, self.advice, *self.lines) if each is not None)


class _File(RootModel[dict[str, Country]]):
    pass


class Helplines:
    def __init__(self, countries: Mapping[str, Country]) -> None:
        self._countries = countries

    @classmethod
    def read(cls, *files: Path) -> "Helplines":
        """A country of a later file takes the place of an earlier one's. Raises `ConfigError`."""
        return cls({name: country for file in files for name, country in _read(file).items()})

    def numbers(self) -> frozenset[str]:
        """Of every help line and emergency service: anybody may be told of these."""
        return frozenset(number for country in self._countries.values() for number in country.numbers())

    def countries(self) -> list[str]:
        return sorted(self._countries)

    def of(self, country: str) -> Country:
        """Of an ISO 3166 code; empty where nothing is known."""
        return self._countries.get(country, Country())


def _read(file: Path) -> dict[str, Country]:
    try:
        return _File.model_validate(tomllib.loads(file.read_text(encoding="utf-8"))).root
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"The help lines in {file} cannot be read: {type(error).__name__}") from None
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise ConfigError(f"The help lines in {file} are not as they should be: {where}: {first['msg']}") from None
