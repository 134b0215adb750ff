"""What Discord says of a press or a form, read; and an answer that only whoever pressed sees."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import discord

from bot.errors import DeskError
from bot.review.inert import plain

Interaction = discord.Interaction[Any]
LONGEST = 1900  # characters; Discord takes 2000


async def tell(it: Interaction, text: str, *, ours: bool = False) -> None:
    """Say it to one person. What is not marked as `ours` is shown as it is, formatted by nobody.

    Where Discord does not take it any more, nobody can be told, and what was written stays written.
    """
    shown = text if ours else discord.utils.escape_markdown(plain(text, LONGEST // 2))
    nobody = discord.AllowedMentions.none()
    with suppress(discord.HTTPException):
        if it.response.is_done():
            await it.followup.send(shown[:LONGEST], ephemeral=True, allowed_mentions=nobody)
        else:
            await it.response.send_message(shown[:LONGEST], ephemeral=True, allowed_mentions=nobody)


async def hand_back(it: Interaction) -> None:
    """Show whoever sent a form that came to nothing the words that they typed into it, to copy."""
    if words := filled_in(it.data or {}).get("words"):
        await tell(it, "Your words, to copy:\n```\n" + words.replace("```", "ˋˋˋ") + "\n```", ours=True)


def is_private(it: Interaction) -> bool:
    """Whether it was pressed on a message that only one person sees, such as what stands behind More."""
    return it.message is not None and it.message.flags.ephemeral


def roles_of(user: discord.User | discord.Member) -> frozenset[int]:
    """The ids of the roles that this press says its member has; none outside of a server."""
    return frozenset(role.id for role in user.roles) if isinstance(user, discord.Member) else frozenset()


def filled_in(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The values of a form by the custom ids of its fields: a text, or a list of what was chosen."""
    return {
        part["custom_id"]: part["value"] if "value" in part else part.get("values", [])
        for part in _parts(data.get("components", []))
        if "custom_id" in part
    }


def chosen_member(it: Interaction, chosen: Any) -> str:
    """The name of the one member that was chosen, as the desk writes people. Raises `DeskError`."""
    ids = [str(each) for each in chosen or []]
    if len(ids) != 1 or not ids[0].isdecimal():
        raise DeskError("Choose one person.")
    data: Mapping[str, Any] = it.data or {}
    user = data.get("resolved", {}).get("users", {}).get(ids[0], {})
    return f"{user.get('username', 'member')}/{ids[0]}"


def _parts(tree: Any) -> Iterator[Mapping[str, Any]]:
    for part in tree:
        yield part
        inner = part.get("component")
        yield from _parts([*part.get("components", []), *([inner] if inner else [])])
