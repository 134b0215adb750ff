"""What can be pressed on a card, and how a press travels: all of it is in the `custom_id`, so no card grows too old."""

import re
from dataclasses import dataclass
from enum import StrEnum

_FORM = re.compile(r"desk:(?P<what>[a-z]{2,10}):(?P<case>[1-9]\d{0,14})(?::(?P<number>[1-9]\d{0,8}))?")


class What(StrEnum):
    """The words that `bot/review/cards.py` puts on buttons, and those of the menu behind More."""

    KEEP = "keep"
    HIDE = "hide"
    WARN = "warn"
    REPLY = "reply"
    MUTE = "mute"
    TAKE = "take"
    MORE = "more"
    REMOVE = "remove"
    BAN = "ban"
    LABEL = "label"
    ASSIGN = "assign"
    NOTE = "note"
    WHY = "why"
    UNDO = "undo"
    REVEAL = "reveal"
    LIST = "list"


@dataclass(frozen=True, slots=True)
class Press:
    what: What
    case_id: int
    seen: int = 0  # how many comments the card told of; 0 = it did not say
    page: int = 0  # of LIST, which travels in place of `seen`

    def custom_id(self) -> str:
        number = self.page if self.what is What.LIST else self.seen
        return f"desk:{self.what}:{self.case_id}" + (f":{number}" if number else "")


def read(custom_id: str) -> Press | None:
    """None for what is not ours. Who pressed may have written it themselves: it says nothing about what they may."""
    form = _FORM.fullmatch(custom_id)
    if form is None or form["what"] not in list(What):
        return None
    what, case_id, number = What(form["what"]), int(form["case"]), int(form["number"] or 0)
    return Press(what, case_id, page=number) if what is What.LIST else Press(what, case_id, seen=number)
