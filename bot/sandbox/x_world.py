"""What there is on the emulated X: posts and their edits, what is hidden, who is muted or closed, messages.

Nothing here is sent or received; `x.py` serves it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bot.x.ids import first_id

MOST_EDITS, EDITABLE = 5, timedelta(hours=1)
_LINK = re.compile(r"(?<![\w@.-])(?:https?://)?(?:[\w-]+\.)+(?:com|org|net|uk|example)\b(?:/[\w/-]*)?")
DEFAULT_FIELDS = {"id", "text", "edit_history_tweet_ids"}


@dataclass(slots=True)
class Tweet:
    id: str
    text: str
    author_id: str
    created_at: datetime
    conversation_id: str
    answers: "Tweet | None" = None
    quotes: str | None = None
    history: list[str] = field(default_factory=list)


class World:
    """One account, `handle`, whose id is `me`; everybody else is a name."""

    def __init__(self, now: Callable[[], datetime], me: str, handle: str) -> None:
        self._now, self.me, self.handle = now, me, handle
        self.tweets: dict[str, Tweet] = {}
        self.hidden: set[str] = set()
        self.muted: set[str] = set()
        self.closed: set[str] = set()  # who takes no messages
        self.protected: set[str] = set()  # whose posts X keeps from the account: private, suspended, or they blocked it
        self.messages: list[tuple[str, str]] = []
        self._last_id = 0

    def publish(self, text: str) -> str:
        """The account posts, from somebody's telephone."""
        return self._put(text, self.me, None).id

    def delete(self, id_: str) -> None:
        for each in self.tweets[id_].history:
            self.tweets.pop(each, None)

    def _put(self, text: str, author: str, answers: Tweet | None, quotes: str | None = None) -> Tweet:
        now = self._now()
        self._last_id = max(self._last_id + 1, int(first_id(now)))
        id_ = str(self._last_id)
        tweet = Tweet(id_, text, author, now, answers.conversation_id if answers else id_, answers, quotes, [id_])
        self.tweets[id_] = tweet
        return tweet

    def _edited(self, id_: str, text: str) -> Tweet:
        """Raises `ValueError` where X allows no edit any more."""
        old = self.tweets[id_]
        if len(old.history) > MOST_EDITS or self._now() > self.tweets[old.history[0]].created_at + EDITABLE:
            raise ValueError("X allows five edits, within an hour")
        new = self._put(text, old.author_id, old.answers, old.quotes)
        new.conversation_id = old.conversation_id if old.answers else new.id
        for each in (history := [*old.history, new.id]):
            self.tweets[each].history = history
        return new

    def _newest_first(self, wanted: Callable[[Tweet], bool], since: int) -> list[Tweet]:
        """Of an edited post its newest edit."""
        return [
            it
            for it in reversed(self.tweets.values())
            if it.history[-1] == it.id and int(it.id) > since and it.author_id not in self.protected and wanted(it)
        ]

    def _summoned(self, tweet: Tweet) -> bool:
        quoted = self.tweets.get(tweet.quotes or "")
        ours = quoted is not None and quoted.author_id == self.me
        return ours or tweet.author_id == self.me or self._named(tweet)

    def _named(self, tweet: Tweet) -> bool:
        return self.handle.casefold() in map(str.casefold, names(tweet.text))

    def _matches(self, query: str, tweet: Tweet) -> bool:
        """Of X's query language: clauses that all hold, `(a OR b)`, `-` and four operators."""
        clauses = [inside or bare for inside, bare in re.findall(r"\(([^)]*)\)|(\S+)", query)]
        return all(any(self._holds(each, tweet) for each in clause.split(" OR ")) for clause in clauses)

    def _holds(self, term: str, tweet: Tweet) -> bool:
        if term.startswith("-"):
            return not self._holds(term[1:], tweet)
        operator, _, value = term.partition(":")
        match operator:
            case "to":
                return tweet.answers is not None and self._name(tweet.answers.author_id) == value
            case "from":
                return self._name(tweet.author_id) == value
            case "conversation_id":
                return tweet.conversation_id == value
        raise ValueError(f"the emulator does not know the operator {operator}")

    def _name(self, user_id: str) -> str:
        return self.handle if user_id == self.me else f"u{user_id}"

    def _shown(self, tweet: Tweet, fields: set[str]) -> dict[str, Any]:
        named = names(tweet.text)
        references = [("replied_to", tweet.answers.id)] if tweet.answers else []
        references += [("quoted", tweet.quotes)] if tweet.quotes else []
        everything: dict[str, Any] = {
            "id": tweet.id,
            "text": tweet.text,
            "edit_history_tweet_ids": tweet.history[: tweet.history.index(tweet.id) + 1],
            "author_id": tweet.author_id,
            "created_at": tweet.created_at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "conversation_id": tweet.conversation_id,
        }
        if tweet.answers:
            everything["in_reply_to_user_id"] = tweet.answers.author_id
        if references:
            everything["referenced_tweets"] = [{"type": how, "id": id_} for how, id_ in references]
        if named:
            ids = {self.handle.casefold(): self.me}
            mentions = [{"username": name, "id": ids.get(name.casefold(), name)} for name in named]
            everything["entities"] = {"mentions": mentions}
        return {name: value for name, value in everything.items() if name in DEFAULT_FIELDS | fields}


def shortened(text: str) -> str:
    """As X gives back what was sent to it: each link, with or without a scheme, is one of its own; no e-mail is."""
    return _LINK.sub("https://t.co/abc", text)


def names(text: str) -> list[str]:
    return re.findall(r"@(\w+)", text)
