"""Judging an outgoing text: every rule over every sentence, then what only the commenter's words can tell."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bot.guard.contacts import strangers
from bot.guard.echo import echoed, named
from bot.guard.reading import LATIN_ONLY, Reading, foreign, read
from bot.guard.rules import Rule, book
from bot.guard.weighing import Signs, Teller, tells
from bot.replies import Said

WIDEST = "yours"  # refuses by default what no other rule knows
LONGEST = 5_000  # characters; more than any platform takes in a reply


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a text is refused. `start` and `end` are code points of the text as it was typed, end exclusive."""

    rule: str
    why: str  # in a moderator's words; holds none of the text
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the guard says. `safer` is a wording to offer in its place, "" where the text may go out."""

    reasons: tuple[Reason, ...] = ()
    safer: str = ""

    @property
    def refused(self) -> bool:
        return bool(self.reasons)


def judge(
    words: str, said: Said | None = None, own: frozenset[str] = frozenset(), teller: Teller | None = None
) -> Judgement:
    """Judge an outgoing text. Never raises, whatever the text.

    `own` are the practice's contacts that may stand in it: telephone numbers, addresses, hosts of links. Without a
    `teller` the rules judge alone, and refuse far more.
    """
    if len(words) > LONGEST:
        return _refusal([Reason("length", "It is longer than any reply; write it shorter.", 0, len(words))])
    it = read(words)
    if it.unreadable:
        return _refusal([Reason("unreadable", it.unreadable, 0, len(words))])
    said = said or Said("")
    found = [*_foreign(it), *_plainest(_broken(it, said, teller or _nobody)), *_contacts(it, own), *_names(it, said)]
    return _refusal(sorted(set(found), key=lambda each: (each.start, each.end))) if found else Judgement()


def _broken(it: Reading, said: Said, teller: Teller) -> Iterator[Reason]:
    """What rules found and what is said again, where all in all it is refused; else the sentence that tells most."""
    found, again, signs = seen(it, said)
    if not tells(teller(it.text), signs):
        return
    for rule, match in found:
        yield _reason(it, rule, *match.span())
    for place in again:
        yield _reason(it, book().named("repeats"), *place)
    if not (found or again):
        yield _reason(it, book().named("doubt"), *_heaviest(it, teller))


def seen(it: Reading, said: Said) -> tuple[list[tuple[Rule, re.Match[str]]], list[tuple[int, int]], Signs]:
    """What rules found, where the commenter's words are said again, and both as signs, before they are weighed."""
    found, again = findings(it), list(echoed(it, said))
    return found, again, Signs(bool(found), any(rule.certain for rule, _ in found), bool(again))


def _heaviest(it: Reading, teller: Teller) -> tuple[int, int]:
    """The sentence that alone tells most."""
    whole = (0, len(it.text))
    return max(it.sentences, key=lambda place: teller(it.text[slice(*place)]) or 0.0, default=whole)


def _nobody(_: str) -> None:
    """The teller where there is no model."""


def findings(it: Reading) -> list[tuple[Rule, re.Match[str]]]:
    """What each rule finds in each sentence, before it is weighed."""
    rules = [rule for rule in book().rules if not rule.spares(it.text)]
    return [(rule, match) for start, end in it.sentences for rule in rules for match in rule.found(it.text, start, end)]


def _plainest(reasons: Iterable[Reason]) -> Iterator[Reason]:
    """Without those of the widest rule where a narrower one marks the same place."""
    every = list(reasons)
    narrow = [each for each in every if each.rule != WIDEST]
    for each in every:
        if each.rule != WIDEST or not any(one.start < each.end and each.start < one.end for one in narrow):
            yield each


def _reason(it: Reading, rule: Rule, start: int, end: int) -> Reason:
    return Reason(rule.name, rule.why, *it.original(start, end))


def _foreign(it: Reading) -> Iterator[Reason]:
    for start, end in foreign(it):
        yield Reason("unreadable", LATIN_ONLY, *it.original(start, end))


def _contacts(it: Reading, own: frozenset[str]) -> Iterator[Reason]:
    for start, end in strangers(it.text, own):
        yield _reason(it, book().named("contact"), start, end)


def _names(it: Reading, said: Said) -> Iterator[Reason]:
    for start, end in named(it, said):
        yield _reason(it, book().named("repeats"), start, end)


def _refusal(reasons: list[Reason]) -> Judgement:
    return Judgement(tuple(reasons), book().safer(reasons[0].rule))
