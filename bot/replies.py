"""Everything we say: reply templates, and the port of the guard that every outgoing word passes.

The guard itself is `bot/guard`. A template is a file `NAME[.private][.PLATFORM][.language][.COUNTRY].txt` of variants
between lines of `---`; of those that fit an occasion, the one that names most of it is taken:

    diagnosis_request.txt       anywhere
    diagnosis_request.x.txt     on X, which takes 280 characters
    diagnosis_request.GB.txt    for an account of Great Britain
    health_disclosure.private.txt   in a private message

In it stand `{{ emergency }}`, `{{ advice }}` and `{{ helpline }}` (of the country, see `bot/helplines.py`),
`{{ links.NAME }}` (from the account's `links`, and from nowhere else), and `{% if urgent %}` for comments that name a
red flag.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from jinja2 import StrictUndefined, Template, TemplateError
from jinja2.sandbox import SandboxedEnvironment

from bot.errors import ConfigError, ReplyRefused
from bot.helplines import Helplines
from classifiers.labels import Span

_ENVIRONMENT = SandboxedEnvironment(undefined=StrictUndefined, autoescape=False, trim_blocks=True)


@dataclass(frozen=True, slots=True)
class Cleared:
    """Words that a guard let pass. Made by guards alone."""

    words: str


@dataclass(frozen=True, slots=True)
class Said:
    """What is answered: the commenter's words, what was found in them, and what they are called."""

    text: str = field(default="", repr=False)
    spans: tuple[Span, ...] = ()  # of `text`, as an `Assessment` has them
    name: str = field(default="", repr=False)
    handle: str = field(default="", repr=False)


class Guard(Protocol):
    def clear(self, words: str, said: Said | None = None) -> Cleared:
        """Raises `ReplyRefused` with the reason, the words marked and a safe wording."""


@dataclass(frozen=True, slots=True)
class Occasion:
    """Where and to what something is said. It chooses the file, and fills in what the file leaves open."""

    platform: str = ""
    country: str = ""
    language: str = "en"
    private: bool = False
    urgent: bool = False  # the comment names a red flag
    links: Mapping[str, str] = field(default_factory=dict)

    def fits(self, parts: frozenset[str]) -> bool:
        return parts <= {self.platform, self.country, self.language, "private" if self.private else ""}

    def told(self, parts: frozenset[str]) -> tuple[bool, ...]:
        """How much of it a file's name says, the weightiest first: a text that is too long helps nobody."""
        return self.platform in parts, "private" in parts, self.language in parts, self.country in parts


@dataclass(frozen=True, slots=True)
class _File:
    name: str
    parts: frozenset[str]
    variants: tuple[Template, ...]


class Templates:
    """The variants of each template; a comment's key chooses one, always the same."""

    def __init__(self, files: Mapping[str, tuple[str, ...]], helplines: Helplines | None = None) -> None:
        """`files` are the variants by file name without `.txt`."""
        self._files = [_file(stem, variants) for stem, variants in files.items()]
        self._helplines = helplines or Helplines({})

    @classmethod
    def read(cls, folder: Path, helplines: Helplines | None = None) -> "Templates":
        """Raises `ConfigError` for a folder without templates, and for one that cannot be rendered."""
        found = {file.stem: _variants(file) for file in sorted(folder.glob("*.txt"))}
        if not found:
            raise ConfigError(f"There are no reply templates in {folder}; expected files such as harassment.txt")
        try:
            templates = cls(found, helplines)
            templates.all_words()
        except TemplateError as error:
            raise ConfigError(f"A reply template in {folder} cannot be rendered: {error}") from error
        return templates

    def names(self) -> list[str]:
        return sorted({file.name for file in self._files})

    def countries(self) -> list[str]:
        """Those whose numbers are known."""
        return self._helplines.countries()

    def public_lines(self) -> frozenset[str]:
        """Every number that a help line or an emergency service has: anybody may be told of these."""
        return self._helplines.numbers()

    def all_words(self) -> frozenset[str]:
        """What can be said on no particular occasion, with red flags and without, of every file."""
        moods = [Occasion(urgent=urgent) for urgent in (False, True)]
        return frozenset(self._rendered(each, mood) for file in self._files for each in file.variants for mood in moods)

    def variants(self, name: str, on: Occasion) -> list[str]:
        """All that this template may say there. Raises `ReplyRefused` when there is no such template."""
        fitting = [file for file in self._files if file.name == name and on.fits(file.parts)]
        if not fitting:
            raise ReplyRefused(f"There is no reply template {name!r}; there are: {', '.join(self.names())}")
        chosen = max(fitting, key=lambda file: on.told(file.parts))
        return [self._rendered(each, on) for each in chosen.variants]

    def words(self, name: str, key: str, on: Occasion | None = None) -> str:
        """Raises `ReplyRefused` when there is no such template."""
        variants = self.variants(name, on or Occasion())
        return variants[int(hashlib.sha256(key.encode()).hexdigest(), 16) % len(variants)]

    def _rendered(self, template: Template, on: Occasion) -> str:
        said = template.render(**self._helplines.of(on.country).said(), links=on.links, urgent=on.urgent)
        return re.sub(r"\s+", " ", said).strip()


def _file(stem: str, variants: tuple[str, ...]) -> _File:
    name, *parts = stem.split(".")
    return _File(name, frozenset(parts), tuple(map(_ENVIRONMENT.from_string, variants)))


def _variants(file: Path) -> tuple[str, ...]:
    try:
        texts = tuple(part.strip() for part in file.read_text(encoding="utf-8").split("\n---\n"))
    except UnicodeDecodeError as error:
        raise ConfigError(f"The reply template {file} cannot be rendered: it is not UTF-8") from error
    if not all(texts):
        raise ConfigError(f"The reply template {file} has an empty variant")
    return texts
