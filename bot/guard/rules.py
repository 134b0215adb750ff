"""The table of rules (`rules.toml`) made ready: patterns compiled once, families of words put in.

In a pattern `{name}` stands for a family of words, a space for whatever may part two words of a sentence, and a line
break with its indent for nothing. Case does not count, but in `(?-i:…)`.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
GAP = r"[^\w.!?;$#@]{1,6}"
FAMILY = re.compile(r"\{([a-z_]+)\}")
FOLD = re.compile(r"\n\s*")
BEHIND = re.compile(r"\(\?<[!=][^()]*\)")


@dataclass(frozen=True, slots=True)
class Rule:
    """One row: what it is called, why it refuses, how it is known, and what spares it."""

    name: str
    why: str
    patterns: tuple[re.Pattern[str], ...]
    spared: tuple[re.Pattern[str], ...]  # the sentence is left alone where one of these stands before the finding
    spared_by_text: tuple[re.Pattern[str], ...] = ()  # and the whole text where one of these stands anywhere
    certain: bool = False  # weighs more than others (`weighing.py`)

    def spares(self, text: str) -> bool:
        """Whether the whole text is left alone."""
        return any(each.search(text) for each in self.spared_by_text)

    def found(self, text: str, start: int, end: int) -> Iterator[re.Match[str]]:
        """What one sentence breaks it with."""
        for pattern in self.patterns:
            for match in pattern.finditer(text, start, end):
                if not any(each.search(text, start, match.end()) for each in self.spared):
                    yield match


@dataclass(frozen=True, slots=True)
class Book:
    rules: tuple[Rule, ...]
    families: Mapping[str, str]
    wordings: Mapping[str, str]  # safe ones, by rule; "any" is that of all the others
    plain: frozenset[str]  # words that point to nobody, whoever says them

    def named(self, name: str) -> Rule:
        return next(rule for rule in self.rules if rule.name == name)

    def safer(self, rule: str) -> str:
        return self.wordings.get(rule, self.wordings["any"])


@cache
def book() -> Book:
    table = tomllib.loads((HERE / "rules.toml").read_text(encoding="utf-8"))
    families = {name: f"(?:{_folded(words)})" for name, words in table["words"].items()}
    spares = {name: _compiled(pattern, families) for name, pattern in table["spares"].items()}
    rules = tuple(
        Rule(
            row["name"],
            row["why"],
            tuple(_compiled(each, families) for each in row.get("patterns", [])),
            tuple(spares[each] for each in row.get("spared_by", [])),
            tuple(spares[each] for each in row.get("spared_by_text", [])),
            row.get("certain", False),
        )
        for row in table["rule"]
    )
    return Book(rules, families, table["safer"], frozenset(table["repeats"]["plain"].split()))


@cache
def pattern(written: str) -> re.Pattern[str]:
    """A pattern in the table's own way of writing."""
    return _compiled(written, book().families)


def _folded(words: str) -> str:
    return FOLD.sub("", words.strip())


def _compiled(written: str, families: Mapping[str, str]) -> re.Pattern[str]:
    whole = _folded(written)
    while FAMILY.search(whole):
        whole = FAMILY.sub(lambda match: families[match[1]], whole)
    fixed = BEHIND.sub(lambda match: match[0].replace(" ", r"\x20"), whole)  # what stands before has one length
    return re.compile(rf"(?<![\w'])(?:{fixed})(?!(?<=\w)\w)".replace(" ", GAP), re.IGNORECASE)
