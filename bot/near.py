"""The near miss in a message: what was probably meant."""

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(word: str, known: Iterable[str]) -> str:
    """ "; did you mean 'mode'?", else what there is to choose from."""
    choices = sorted(str(each) for each in known)
    close = get_close_matches(word, choices, n=1)
    return f"; did you mean {close[0]!r}?" if close else f". Known: {', '.join(choices)}"
