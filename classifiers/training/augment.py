"""Ways people disguise words, for training: the model must read them, and must not take a disguise for abuse.

Each function takes the text and a random generator and returns the text disguised.
"""

import random
from collections.abc import Callable

Disguise = Callable[[str, random.Random], str]

LEET = {"a": "4@", "e": "3", "i": "1!", "o": "0", "s": "5$", "t": "7", "l": "1", "b": "8"}
LOOKALIKES = {
    "a": "аɑα", "c": "сϲ", "e": "еė", "i": "іíı", "o": "оοö", "p": "рρ", "s": "ѕ", "u": "υü", "x": "х", "y": "уγ",
}  # fmt: skip
EMOJI = "🤡💀😂🖕🙄😡🤮👏🔥🙏❤😭💩🐍🤦👀😒💯✨👍"


def leet(text: str, chance: random.Random) -> str:
    return _swapped(text, LEET, chance)


def lookalikes(text: str, chance: random.Random) -> str:
    return _swapped(text, LOOKALIKES, chance)


def spaced(text: str, chance: random.Random) -> str:
    """One or two words with their letters apart: i d i o t, i.d.i.o.t."""
    mark = chance.choice([" ", " ", ".", "-", "*"])
    return _some_words(text, chance, mark.join)


def starred(text: str, chance: random.Random) -> str:
    """One or two words with an inner letter hidden: id*ot."""

    def star(word: str) -> str:
        at = chance.randrange(1, len(word) - 1)
        return word[:at] + chance.choice("*#_") + word[at + 1 :]

    return _some_words(text, chance, star)


def stretched(text: str, chance: random.Random) -> str:
    def stretch(word: str) -> str:
        at = chance.randrange(1, len(word))
        return word[:at] + word[at] * chance.randint(1, 4) + word[at:]

    return _some_words(text, chance, stretch)


def misspelt(text: str, chance: random.Random) -> str:
    """Two or three words with a letter left out, doubled or swapped."""

    def slip(word: str) -> str:
        at = chance.randrange(1, len(word) - 1)
        swapped = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        return chance.choice([word[:at] + word[at + 1 :], word[:at] + word[at] + word[at:], swapped])

    return _some_words(_some_words(text, chance, slip), chance, slip)


def joined(text: str, chance: random.Random) -> str:
    """A space or two left out."""
    words = text.split(" ")
    for _ in range(chance.randint(1, 2)):
        if len(words) > 2:
            at = chance.randrange(len(words) - 1)
            words[at : at + 2] = [words[at] + words[at + 1]]
    return " ".join(words)


def decorated(text: str, chance: random.Random) -> str:
    """Emoji at the end, the start or in the middle."""
    words = text.split(" ")
    face = chance.choice(EMOJI) * chance.randint(1, 3)
    words.insert(chance.choice([0, len(words), len(words), chance.randint(0, len(words))]), face)
    return " ".join(words)


def plain(text: str, chance: random.Random) -> str:
    """Without punctuation."""
    return "".join(c for c in text if c.isalnum() or c in " '@#" or ord(c) > 127)


def shouted(text: str, chance: random.Random) -> str:
    return text.upper()


DISGUISES: tuple[Disguise, ...] = (leet, lookalikes, spaced, starred, stretched, joined)
SLIPS: tuple[Disguise, ...] = (misspelt, joined, decorated, plain, shouted, stretched)


def disguised(text: str, chance: random.Random) -> str:
    """One disguise meant to deceive, at times with a slip on top."""
    text = chance.choice(DISGUISES)(text, chance)
    return slipped(text, chance) if chance.random() < 0.3 else text


def slipped(text: str, chance: random.Random) -> str:
    """One change that a hurried writer makes."""
    return chance.choice(SLIPS)(text, chance)


def _swapped(text: str, table: dict[str, str], chance: random.Random) -> str:
    def swap(word: str) -> str:
        letters = [chance.choice(table[c]) if c in table and chance.random() < 0.6 else c for c in word.lower()]
        return "".join(letters)

    return _some_words(_some_words(text, chance, swap), chance, swap)


def _some_words(text: str, chance: random.Random, change: Callable[[str], str]) -> str:
    """`change` on one or two of the words of four letters or more."""
    words = text.split(" ")
    long = [i for i, word in enumerate(words) if len(word) > 3 and word.isalpha()]
    for i in chance.sample(long, min(len(long), chance.randint(1, 2))):
        words[i] = change(words[i])
    return " ".join(words)
