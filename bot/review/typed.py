"""What is typed behind a ruling on the command line, as what it means for that ruling."""

from bot.errors import DeskError
from bot.near import nearest
from bot.review.cases import Ruling
from classifiers.labels import Label


def reason(what: Ruling, words: str, why: str) -> str:
    """Words that are neither a reply nor labels are the reason too. Raises `DeskError` for an empty note."""
    told = [why] if what in (Ruling.REPLY, Ruling.LABEL) else [words, why]
    found = "; ".join(part.strip() for part in told if part.strip())
    if what is Ruling.NOTE and not found:
        raise DeskError('A note needs words: `chaperone rule 12 note "…"`')
    return found


def labels(words: str) -> tuple[Label, ...]:
    """The right labels of a comment, by their names; "none" is none. Raises `DeskError` for one that there is not."""
    given = [word.strip() for word in words.split(",") if word.strip() not in ("", "none")]
    for word in given:
        if word not in list(Label):
            raise DeskError(f"There is no label {word!r}{nearest(word, list(Label))}")
    return tuple(Label(word) for word in given)
