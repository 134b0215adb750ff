"""What X sends, as values: a payload becomes one of these on the first line after it arrives.

Golden pairs in `tests/x/test_posts_become_comments.py` hold what becomes of what.
"""

import re
from contextlib import suppress
from hashlib import sha256
from html import unescape
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from bot.lengths import URL
from bot.model import Author, AuthorKind, Comment
from bot.platforms.base import readable

TWEET_FIELDS = [
    "author_id", "conversation_id", "created_at", "edit_history_tweet_ids", "entities", "in_reply_to_user_id",
    "note_tweet", "referenced_tweets",
]  # fmt: skip

_MENTIONS_IN_FRONT = re.compile(r"^(\s*@\w{1,50})+")  # X puts whom a reply answers in front of its text


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


class _Mention(_Part):
    id: str = ""
    username: str = ""


class _Entities(_Part):
    mentions: tuple[_Mention, ...] = ()


class _Reference(_Part):
    type: str
    id: str


class _Long(_Part):
    text: str


class Post(_Part):
    id: str = Field(pattern=r"^\d{1,19}$")
    text: str
    author_id: str
    created_at: AwareDatetime
    conversation_id: str = ""
    in_reply_to_user_id: str | None = None
    edit_history_tweet_ids: tuple[str, ...] = ()
    entities: _Entities = _Entities()
    referenced_tweets: tuple[_Reference, ...] = ()
    note_tweet: _Long | None = None  # of a long post, whose `text` is cut

    @property
    def first(self) -> str:
        """The id of its first edit, by which it is known here; an edit is a new id."""
        return self.edit_history_tweet_ids[0] if self.edit_history_tweet_ids else self.id

    @property
    def words(self) -> str:
        return readable(unescape(self.note_tweet.text if self.note_tweet else self.text))

    @property
    def answers(self) -> str | None:
        return self._referenced("replied_to")

    @property
    def quotes(self) -> str | None:
        return self._referenced("quoted")

    def mentions(self, user_id: str, handle: str) -> bool:
        name = handle.casefold()
        return any(each.id == user_id or each.username.casefold() == name for each in self.entities.mentions)

    def _referenced(self, how: str) -> str | None:
        return next((each.id for each in self.referenced_tweets if each.type == how), None)


class Meta(_Part):
    next_token: str | None = None


class Problem(_Part):
    """What X says of a thing it did not hand out."""

    type: str = ""
    resource_id: str = Field("", coerce_numbers_to_str=True)

    @property
    def gone(self) -> bool:
        return self.name == "resource-not-found"

    @property
    def name(self) -> str:
        """The last part of its type, in X's words for its own troubles; "" where it is none of those."""
        last = self.type.rpartition("/")[2]
        return last if re.fullmatch(r"[a-z-]{1,40}", last) else ""


class Page(_Part):
    """A page of posts; each is read by itself, so that one that is malformed does not hide the others."""

    data: tuple[dict[str, Any], ...] = ()
    errors: tuple[Problem, ...] = ()
    meta: Meta = Meta()

    def posts(self) -> list[Post]:
        """Those that can be read."""
        found = []
        for raw in self.data:
            with suppress(ValidationError):
                found.append(Post.model_validate(raw))
        return found


class _Rule(_Part):
    tag: str | None = None


class Line(_Part):
    """A line of the stream: a post and the rules that it matched, of whoever shares the app; or why X ends it."""

    data: Post | None = None
    errors: tuple[Problem, ...] = ()
    matching_rules: tuple[_Rule, ...] = ()

    def matches(self, tag: str) -> bool:
        return any(rule.tag == tag for rule in self.matching_rules)


def comment(post: Post, kind: AuthorKind, *, parent: str | None, parent_text: str | None, summoned: bool) -> Comment:
    return Comment(
        id=post.first,
        text=post.words,
        author=Author(post.author_id, kind=kind),
        posted_at=post.created_at,
        thread=post.conversation_id or post.first,
        parent=parent,
        parent_text=parent_text,
        summoned=summoned,
        url=f"https://x.com/i/web/status/{post.id}",
    )


def fingerprint(words: str) -> str:
    """The same for a text as we sent it and as X gives it back, which puts its own short links in the place of ours."""
    bare = _MENTIONS_IN_FRONT.sub("", unescape(words))
    return sha256(" ".join(each for each in bare.split() if not has_link(each)).encode()).hexdigest()


def has_link(words: str) -> bool:
    """Also one without a scheme, such as "www.example.org"."""
    return URL.search(words) is not None
