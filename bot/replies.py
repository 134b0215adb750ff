"""Everything we say: shipped templates, and the guard that every outgoing word passes.

The guard of today is the narrowest there is: it lets through only what is, to the letter, one of the shipped
templates. They say nothing about anyone. Text typed by a person is refused until a guard that can judge it
takes this place.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment

from bot.errors import ConfigError, ReplyRefused

_ENVIRONMENT = SandboxedEnvironment(undefined=StrictUndefined, autoescape=False)


@dataclass(frozen=True, slots=True)
class Cleared:
    """Words that a guard let pass. Made by guards alone."""

    words: str


class Guard(Protocol):
    def clear(self, words: str) -> Cleared:
        """Raises `ReplyRefused` with the reason."""


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


class ShippedTemplatesOnly:
    """Lets pass what is one of the templates, and nothing else."""

    def __init__(self, templates: Templates) -> None:
        self._allowed = templates.all_words()

    def clear(self, words: str) -> Cleared:
        if words not in self._allowed:
            raise ReplyRefused(
                "Only the reply templates can be sent for now: a typed text could confirm that somebody is a patient. "
                "Use `warn`, or answer on the platform itself."
            )
        return Cleared(words)


def _variants(file: Path) -> tuple[str, ...]:
    try:
        texts = [_ENVIRONMENT.from_string(part).render().strip() for part in file.read_text().split("\n---\n")]
    except (TemplateError, UnicodeDecodeError) as error:
        raise ConfigError(f"The reply template {file} cannot be rendered: {type(error).__name__}") from error
    if not all(texts):
        raise ConfigError(f"The reply template {file} has an empty variant")
    return tuple(texts)
