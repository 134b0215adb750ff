"""Cards and forms as components of Discord. Whatever is built here keeps its state in its `custom_id`.

A view is stopped as soon as it is built: discord.py then keeps nothing of it in memory, and `discord_desk.py` hears
each press by its `custom_id`, however old the card.
"""

from collections.abc import Iterable

import discord
from discord import ui

from bot.review.cards import Box, Button, Card, Style
from bot.review.presses import Press, What
from classifiers.labels import Label

STYLES = {
    Style.PLAIN: discord.ButtonStyle.secondary, Style.MAIN: discord.ButtonStyle.primary,
    Style.GOOD: discord.ButtonStyle.success, Style.GRAVE: discord.ButtonStyle.danger,
}  # fmt: skip
MENU = (
    (Button("ban", "Ban…", Style.GRAVE), Button("label", "Wrong label…"), Button("assign", "Assign…")),
    (Button("why", "Why?"), Button("undo", "Undo"), Button("note", "Note…"), Button("reveal", "Reveal")),
)
LONGEST_TYPED = 1000  # characters


def card_view(it: Card) -> ui.LayoutView:
    return _view(_container(box, it) for box in it.boxes)


def menu_view(of: Press) -> ui.LayoutView:
    """What stands behind More."""
    return card_view(Card(of.case_id, 0x4F545C, (Box((f"**Case {of.case_id}**",), MENU),), of.seen))


def reply_form(of: Press, words: str) -> ui.Modal:
    typed = ui.TextInput[ui.Modal](
        style=discord.TextStyle.long, custom_id="words", default=words or None, max_length=LONGEST_TYPED
    )
    about = "It is public. It must not confirm that anybody is a patient; the reply guard checks it."
    return _form(of, "Reply in public", "What to say", about, typed)


def ban_form(of: Press) -> ui.Modal:
    return _form(of, "Ban the author", "Why", "Kept encrypted. Sending this bans.", _why())


def remove_form(of: Press) -> ui.Modal:
    about = "Sending this deletes it on the platform, for good: it cannot be undone."
    return _form(of, "Remove what our side posted", "Why", about, _why())


def note_form(of: Press) -> ui.Modal:
    return _form(of, "Note", "For whoever looks next", "Kept encrypted, not on the card.", _why(True))


def label_form(of: Press) -> ui.Modal:
    options = [discord.SelectOption(label=each.replace("_", " "), value=each) for each in Label]
    options.append(discord.SelectOption(label="none of them", value="none"))
    choice = ui.Select[ui.Modal](custom_id="labels", options=options, max_values=len(options))
    return _form(of, "Wrong label", "What it is", "The case stays open.", choice)


def assign_form(of: Press) -> ui.Modal:
    choice = ui.UserSelect[ui.Modal](custom_id="person")
    return _form(of, "Assign", "Whose case it is", "They are called to it.", choice)


def _why(required: bool = False) -> ui.TextInput[ui.Modal]:
    return ui.TextInput(style=discord.TextStyle.long, custom_id="words", required=required, max_length=LONGEST_TYPED)


def _form(of: Press, title: str, label: str, about: str, field: ui.Item[ui.Modal]) -> ui.Modal:
    modal = ui.Modal(title=f"{title}: case {of.case_id}", custom_id=of.custom_id())
    modal.add_item(ui.Label(text=label, description=about, component=field))
    return modal


def _view(containers: Iterable[ui.Container[ui.LayoutView]]) -> ui.LayoutView:
    view = ui.LayoutView(timeout=None)
    for each in containers:
        view.add_item(each)
    view.stop()
    return view


def _container(box: Box, of: Card) -> ui.Container[ui.LayoutView]:
    it = ui.Container[ui.LayoutView](accent_colour=of.colour, spoiler=box.blurred)
    for paragraph in box.paragraphs:
        it.add_item(ui.TextDisplay(paragraph))
    for row in box.rows:
        it.add_item(ui.ActionRow(*(_button(each, of) for each in row)))
    return it


def _button(it: Button, of: Card) -> ui.Button[ui.LayoutView]:
    custom_id = Press(What(it.what), of.case_id, of.comments, it.page).custom_id()
    return ui.Button(label=it.label, style=STYLES[it.style], disabled=not it.enabled, custom_id=custom_id)
