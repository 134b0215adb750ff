"""The table of actions: for each verb what a repeated call does, how it is undone, and how people are told.

`repeatable` verbs ask for a wanted state ("this comment is hidden") and may be sent again when nobody knows
whether they arrived. The others create something, and are never sent again blindly.
"""

import hashlib
from dataclasses import dataclass

from bot.model import Verb


@dataclass(frozen=True, slots=True)
class Action:
    verb: Verb
    repeatable: bool
    undone_by: Verb | None
    told: str  # past tense, as a card says it
    says_words: bool = False
    people_only: bool = False
    gone_is_done: bool = True  # when the comment vanished meanwhile, was what we wanted reached?
    instead: Verb | None = None  # what is done where this is impossible and that is not


ACTIONS = {
    row.verb: row
    for row in (
        Action(Verb.HIDE, repeatable=True, undone_by=Verb.RESTORE, told="hidden"),
        Action(Verb.RESTORE, repeatable=True, undone_by=Verb.HIDE, told="restored", gone_is_done=False),
        Action(Verb.DELETE, repeatable=True, undone_by=None, told="deleted", people_only=True),
        Action(
            Verb.REPLY,
            repeatable=False,
            undone_by=None,
            told="answered",
            says_words=True,
            gone_is_done=False,
            instead=Verb.MESSAGE,
        ),
        Action(
            Verb.MESSAGE,
            repeatable=False,
            undone_by=None,
            told="messaged",
            says_words=True,
            gone_is_done=False,
        ),
        Action(Verb.MUTE, repeatable=True, undone_by=Verb.UNMUTE, told="author muted", gone_is_done=False),
        Action(Verb.UNMUTE, repeatable=True, undone_by=Verb.MUTE, told="author unmuted", gone_is_done=False),
        Action(Verb.BAN, repeatable=True, undone_by=Verb.UNBAN, told="author banned", people_only=True),
        Action(Verb.UNBAN, repeatable=True, undone_by=Verb.BAN, told="author unbanned", people_only=True),
    )
}


def action_key(account: str, comment: str, edit: int, verb: Verb, origin: str) -> str:
    """The same for the same wish: `origin` is the model and config revision, or the ruling, that wished it."""
    wish = "\x1f".join([account, comment, str(edit), verb, origin])
    return hashlib.sha256(wish.encode()).hexdigest()[:32]
