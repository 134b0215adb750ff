"""Everything we say: shipped templates, and the port of the guard that every outgoing word passes.

The guard itself is `bot/guard`.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment

from bot.errors import ConfigError, ReplyRefused
from classifiers.labels import Span

_ENVIRONMENT = SandboxedEnvironment(undefined=StrictUndefined, autoescape=False)


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


class Templates:
    """The variants of each template, by name; a comment's key chooses one, always the same."""

    def __init__(self, variants: Mapping[str, tuple[str, ...]]) -> None:
        self._variants = variants

    @classmethod
    def read(cls, folder: Path) -> "Templates":
        """Each file `NAME.txt` holds variants separated by lines of `---`. Raises `ConfigError`."""
        found = {file.stem: _variants(file) for file in sorted(folder.glob("*.txt"))}
        if not found:
            raise ConfigError(f"There are no reply templates in {folder}; expected files such as harassment.txt")
        return cls(found)

    def names(self) -> list[str]:
        return sorted(self._variants)

    def all_words(self) -> frozenset[str]:
        return frozenset(words for variants in self._variants.values() for words in variants)

    def words(self, name: str, key: str) -> str:
        """Raises `ReplyRefused` when there is no such template."""
        variants = self._variants.get(name)
        if not variants:
            raise ReplyRefused(f"There is no reply template {name!r}; there are: {', '.join(self.names())}")
        return variants[int(hashlib.sha256(key.encode()).hexdigest(), 16) % len(variants)]


def _variants(file: Path) -> tuple[str, ...]:
    try:
        texts = [_ENVIRONMENT.from_string(part).render().strip() for part in file.read_text().split("\n---\n")]
    except (TemplateError, UnicodeDecodeError) as error:
        raise ConfigError(f"The reply template {file} cannot be rendered: {type(error).__name__}") from error
    if not all(texts):
        raise ConfigError(f"The reply template {file} has an empty variant")
    return tuple(texts)
