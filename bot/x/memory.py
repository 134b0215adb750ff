"""What an account of X must remember outside the store: what we said there, edits, our own posts.

A file of JSON lines, without anybody's words: a reply is known by a hash. It is written before the call, so that
after a crash our own timeline can be searched for what may have landed.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bot.disk import put_on_disk
from bot.x.files import parsed, replace
from bot.x.posts import Post, fingerprint

MOST_LINES = 20_000  # kept at a start; the newest


@dataclass(frozen=True, slots=True)
class Said:
    """Words of ours: the comment they answer, their hash, and their id once it is known. People are not named."""

    to: str
    hash: str
    id: str | None = None


class Memory:
    def __init__(self, file: Path) -> None:
        self._file = file
        self._said: dict[str, Said] = {}  # by the key of its order
        self._edits: dict[str, str] = {}  # the newest id, by the first
        self._firsts: dict[str, str] = {}  # the first, by each later one
        self.own: dict[str, None] = {}  # our own posts that began a conversation, oldest first
        lines = file.read_bytes().splitlines(keepends=True) if file.exists() else []
        for line in lines:
            self._take(line)
        if len(lines) > MOST_LINES or any(not line.endswith(b"\n") for line in lines[-1:]):
            replace(file, b"".join(line for line in lines[-MOST_LINES:] if line.endswith(b"\n")))

    def said(self, key: str) -> Said | None:
        return self._said.get(key)

    def intend(self, key: str, to: str, words: str) -> Said:
        """Before the call."""
        self._write({"key": key, **asdict(said := Said(to, fingerprint(words)))})
        return said

    def landed(self, key: str, id_: str) -> None:
        known = self._said[key]
        self._write({"key": key, **asdict(Said(known.to, known.hash, id_))})

    def sent(self, id_: str) -> bool:
        """Whether an order is known to have sent this post or message."""
        return any(each.id == id_ for each in self._said.values())

    def is_the_bots(self, post: Post) -> bool:
        """Whether it was the bot who wrote this post of our account, and not a colleague."""
        mark = fingerprint(post.words)
        answers = self.answered(post)
        return any(
            each.id in (post.id, post.first) or (each.id is None and each.to == answers and each.hash == mark)
            for each in self._said.values()
        )

    def edited(self, post: Post) -> None:
        """Its other ids too, for an answer may name any of them."""
        if post.first != post.id and self._edits.get(post.first) != post.id:
            for later in post.edit_history_tweet_ids[1:]:
                self._write({"edit": post.first, "newest": later})

    def newest(self, first: str) -> str:
        """The id that calls must name: of the newest edit."""
        return self._edits.get(first, first)

    def first(self, id_: str) -> str:
        return self._firsts.get(id_, id_)

    def answered(self, post: Post) -> str | None:
        """What a post answers, by its first id, whichever edit of it was answered."""
        return self.first(post.answers) if post.answers else None

    def began(self, post_id: str) -> None:
        if post_id not in self.own:
            self._write({"own": post_id})

    def _write(self, line: Mapping[str, Any]) -> None:
        raw = json.dumps(line).encode() + b"\n"
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.open("ab", buffering=0) as file:
            file.write(raw)  # one write: whole or not at all
        put_on_disk(self._file)  # or after a power cut it would be said again
        self._take(raw)

    def _take(self, raw: bytes) -> None:
        match parsed(raw):
            case {"key": str(key), "to": str(to), "hash": str(mark), "id": id_}:
                self._said[key] = Said(to, mark, id_)
            case {"edit": str(first), "newest": str(newest)}:
                self._edits[first], self._firsts[newest] = newest, first
            case {"own": str(post_id)}:
                self.own[post_id] = None
