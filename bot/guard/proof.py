"""Proof that whatever the templates can say may be said: by the guard, and by what a platform takes."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product

from bot.guard.judging import judge
from bot.guard.weighing import Teller
from bot.lengths import length, limit
from bot.replies import Occasion, Templates


@dataclass(frozen=True, slots=True)
class Proof:
    """One template at one place: how many texts it may say there, the longest, and what is wrong with any."""

    template: str
    platform: str
    country: str
    texts: int
    longest: int
    limit: int
    wrong: tuple[str, ...]


def contacts(links: Iterable[Mapping[str, str]], templates: Templates) -> frozenset[str]:
    """What may stand in a reply as a way to reach somebody: the accounts' own links, and the public lines.

    Empty where no account has any: then the guard cannot know whose a number is.
    """
    own = frozenset(value for each in links for value in each.values())
    return own | templates.public_lines() if own else own


def proofs(
    templates: Templates, places: Iterable[Occasion], own: frozenset[str], teller: Teller | None = None
) -> Iterator[Proof]:
    """Every template at every place, in public and private, with red flags and without."""
    for place, name in product(places, templates.names()):
        moods = [
            replace(place, private=private, urgent=urgent) for private in (False, True) for urgent in (False, True)
        ]
        said = {words: None for mood in moods for words in templates.variants(name, mood)}
        lengths = [length(place.platform, words) for words in said]
        most = limit(place.platform)
        wrong = [
            f"{reason.rule}: {words[reason.start : reason.end]!r}"
            for words in said
            for reason in judge(words, own=own, teller=teller).reasons
        ]
        wrong += [f"{each} of {most} characters" for each in lengths if each > most]
        yield Proof(name, place.platform, place.country, len(said), max(lengths), most, tuple(dict.fromkeys(wrong)))
