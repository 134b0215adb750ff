"""A message of Discord as a comment."""

import discord

from bot.model import Author, AuthorKind, Comment
from bot.platforms.base import readable


def comment(message: discord.Message, us: discord.abc.User | None, staff: frozenset[str]) -> Comment:
    """Also the words that it forwards, and those of a poll."""
    author, resolved = message.author, message.reference.resolved if message.reference else None
    kind = AuthorKind.STAFF if str(author.id) in staff else AuthorKind.PUBLIC
    if us is not None and author.id == us.id:
        kind = AuthorKind.BOT
    answered = message.reference.message_id if message.reference else None
    return Comment(
        id=str(message.id),
        text=readable(_all_words(message)),
        author=Author(str(author.id), readable(author.display_name), kind),
        posted_at=message.created_at,
        thread=str(message.channel.id),
        parent=str(answered) if answered else None,
        parent_text=readable(_all_words(resolved)) if isinstance(resolved, discord.Message) else None,
        summoned=us is not None and us in message.mentions,
        url=message.jump_url,
    )


def _all_words(message: discord.Message) -> str:
    parts = [message.content, *(each.content for each in message.message_snapshots)]
    if message.poll is not None:
        parts += [message.poll.question, *(each.text for each in message.poll.answers)]
    return "\n".join(part for part in parts if part)
