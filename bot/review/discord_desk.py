"""The desk on Discord: what a moderator presses becomes a ruling in the store, and the card shows what came of it.

Each press is acknowledged first; then roles are checked and the ruling is written, and the card is edited by the
loop in `discord_cards.py` with what the store says. All that a press means is in its `custom_id`: it works on any
card of any age, and whoever wrote it by hand may do no more than their roles allow.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import discord
from sqlalchemy import Connection, select

from bot.chat import Chat
from bot.clock import Clock
from bot.config import Config, OnDiscord
from bot.errors import ChaperoneError, DeskError, ReplyRefused
from bot.heard import said_in
from bot.model import Reason, Role
from bot.replies import Guard, Occasion, Templates
from bot.replies import Said as Heard
from bot.review import card_view, cases, postings, presses, rulings, undoing
from bot.review.answers import why_text
from bot.review.cases import Person, Ruling, Said
from bot.review.discord_cards import DiscordCards
from bot.review.inert import inert
from bot.review.interactions import Interaction, chosen_member, filled_in, hand_back, is_private, roles_of, tell
from bot.review.joined import none_joined
from bot.review.presses import Press, What
from bot.review.refusal import refused_message
from bot.review.story import case_story
from bot.review.wellbeing import mind
from bot.store.database import Database
from bot.store.engine.port import Engine
from bot.store.queries import Note, write_audit
from bot.store.tables import case
from bot.supportive import supportable
from classifiers.labels import Label

log = logging.getLogger("chaperone.desk")

T = TypeVar("T")
REVEALED_AT_ONCE, LONGEST_REVEALED = 3, 550  # comments of a case, and characters of each
_FORMS = {
    What.REMOVE: card_view.remove_form, What.BAN: card_view.ban_form, What.LABEL: card_view.label_form,
    What.ASSIGN: card_view.assign_form, What.NOTE: card_view.note_form,
}  # fmt: skip
_ANSWERED = frozenset({What.MORE, What.WHY, What.REVEAL})  # with a message that only who pressed sees
IN_A_HURRY = frozenset({Ruling.HIDE, Ruling.MUTE})  # in a flood they join faster than anybody presses; it can be undone


@dataclass(frozen=True, slots=True)
class DiscordDesk:
    config: Config
    db: Database
    engine: Engine
    clock: Clock
    templates: Templates
    guard: Guard
    cards: DiscordCards

    @property
    def settings(self) -> OnDiscord:
        return self.config.desk.discord

    def listen(self, chat: Chat) -> None:
        chat.listen("interaction", self.heard)
        chat.listen("connect", self.cards.reconnected)
        chat.listen("raw_message_delete", self.deleted)
        chat.listen("raw_bulk_message_delete", self.bulk_deleted)

    async def heard(self, it: Interaction) -> None:
        """A press or a form; what is not ours is left to others."""
        if it.type not in (discord.InteractionType.component, discord.InteractionType.modal_submit):
            return
        data: Mapping[str, Any] = it.data or {}
        custom_id = str(data.get("custom_id", ""))
        press = presses.read(custom_id)
        if press is None:
            if custom_id.startswith("desk:"):
                await tell(it, "There is no such button.")
            return
        filled = filled_in(data) if it.type is discord.InteractionType.modal_submit else None
        await self.answered(it, partial(self._answer, it, press, filled))

    async def answered(self, it: Interaction, answer: Callable[[], Awaitable[None]]) -> None:
        """Answer, and tell whoever asked why, where that cannot be. The one place where desk errors end."""
        try:
            await answer()
            return
        except ReplyRefused as error:
            await tell(it, refused_message(error), ours=True)
        except ChaperoneError as error:
            await tell(it, str(error))
        except discord.NotFound as error:  # it expired before it was acknowledged: Discord told them that it failed
            log.warning("interaction_expired", extra={"fields": {"code": error.code}})
        except Exception as error:  # the top of a task
            log.error("interaction_failed", extra={"fields": {}}, exc_info=error)
            await tell(it, "Something went wrong here. The card shows what was done.")
        await hand_back(it)

    def person(self, it: Interaction) -> Person:
        """Who presses, by the roles that Discord says they have now. Raises `DeskError`."""
        have = roles_of(it.user)
        mine = [role for role, ids in self.settings.roles.items() if have.intersection(ids)]
        if not mine:
            raise DeskError("You have no role at this desk, so nothing was done.")
        return Person(f"{it.user.name}/{it.user.id}", max(mine, key=list(Role).index))

    async def write(self, body: Callable[[Connection], T]) -> T:
        """Write, and have it acted on and shown."""
        result = await self.db.run(body)
        self.engine.wake()
        self.cards.wake()
        return result

    async def deleted(self, event: discord.RawMessageDeleteEvent) -> None:
        await self.cards.lost([event.message_id])

    async def bulk_deleted(self, event: discord.RawBulkMessageDeleteEvent) -> None:
        await self.cards.lost([*event.message_ids])

    async def _answer(self, it: Interaction, press: Press, filled: Mapping[str, Any] | None) -> None:
        if filled is None and (press.what in _FORMS or press.what is What.REPLY):
            await self._open_form(it, press)
            return
        anew = press.what in _ANSWERED or (press.what is What.LIST and not is_private(it))
        await it.response.defer(ephemeral=anew, thinking=anew)
        by = self.person(it)
        await self._adopt(it, press)
        match press.what:
            case What.MORE:
                await it.followup.send(view=card_view.menu_view(press), ephemeral=True)
            case What.WHY:
                story = await self.db.read(partial(case_story, cipher=self.db.cipher, case_id=press.case_id, limit=1))
                await tell(it, "\n".join(why_text(each) for each in story.comments) or story.row.why, ours=True)
            case What.REVEAL:
                await self._reveal(it, press, by)
            case What.LIST:
                page = card_view.card_view(await self.cards.listed(press.case_id, press.page))
                await (it.edit_original_response(view=page) if is_private(it) else it.followup.send(view=page))
            case What.TAKE:
                minutes = self.config.desk.claim_minutes
                await self.write(lambda tx: cases.claim(tx, press.case_id, by, self.clock.now(), minutes))
                await self._confirm(it, press)
            case What.ASSIGN:
                to = chosen_member(it, (filled or {}).get("person"))
                await self.write(lambda tx: cases.assign(tx, press.case_id, to, by, self.clock.now()))
                await self._call(it, press.case_id, to)
                await self._confirm(it, press)
            case _:
                await self._rule(it, press, by, filled or {})

    async def _rule(self, it: Interaction, press: Press, by: Person, filled: Mapping[str, Any]) -> None:
        heard = None
        if press.what is What.REPLY:
            heard = await self.db.read(partial(said_in, cipher=self.db.cipher, case_id=press.case_id))
        said = self._said(press, by, filled, heard)
        ruled = await self.write(lambda tx: self._ruled(tx, press, said))
        not_done = "Not done: " + "; ".join(ruled.cannot)
        if ruled.cannot and not ruled.actions:
            raise DeskError(not_done)  # and the words that were typed go back
        await (tell(it, not_done) if ruled.cannot else self._confirm(it, press))

    async def _confirm(self, it: Interaction, press: Press) -> None:
        """Where it was pressed on a message that is not the card, the card may be far away."""
        if is_private(it):
            await tell(it, f"Case {press.case_id}: {press.what} is written down. Its card shows what comes of it.")

    async def _call(self, it: Interaction, case_id: int, to: str) -> None:
        """Mention the member where the cards are."""
        place = it.client.get_partial_messageable(self.settings.channel or 0)
        only = discord.AllowedMentions(everyone=False, roles=False, users=True)
        member = to.rpartition("/")[2]
        await place.send(f"<@{member}> case {case_id} is yours: `/case` shows it", allowed_mentions=only)

    def _said(self, press: Press, by: Person, filled: Mapping[str, Any], heard: Heard | None) -> Said:
        """Raises `ReplyRefused` for words that the guard does not let pass."""
        words = str(filled.get("words", ""))
        if press.what is What.REPLY:
            return Said(Ruling.REPLY, by, words=self.guard.clear(words, heard).words)
        chosen = [each for each in filled.get("labels", []) if each in list(Label)]
        what = Ruling.DELETE if press.what is What.REMOVE else Ruling(press.what)
        return Said(what, by, words, tuple(Label(each) for each in chosen))

    def _ruled(self, tx: Connection, press: Press, said: Said) -> cases.Ruled:
        now, case_id = self.clock.now(), press.case_id
        if said.what is Ruling.UNDO:
            return undoing.undo(tx, self.engine, self.db.cipher, case_id, said.by, now)
        if press.seen and said.what not in IN_A_HURRY:
            none_joined(tx, case_id, press.seen, said.what, "Look at the card again, then press again.")
        mind(tx, self.settings.severe_per_day, case_id, said.by, now)
        return rulings.rule(tx, self.engine, self.db.cipher, case_id, said, now, supportable(self.config))

    async def _open_form(self, it: Interaction, press: Press) -> None:
        """The form is the acknowledgement; a reply takes the case too, so that nobody rules it meanwhile."""
        by = self.person(it)
        if press.what is not What.REPLY:
            await it.response.send_modal(_FORMS[press.what](press))
            return
        await it.response.send_modal(card_view.reply_form(press, await self._template(press.case_id)))
        minutes = self.config.desk.claim_minutes
        await self.write(lambda tx: cases.claim(tx, press.case_id, by, self.clock.now(), minutes))

    async def _template(self, case_id: int) -> str:
        """What the label's template says; "" where it has none, and for crisis, whose reply has its own button."""
        row = await self.db.read(lambda tx: tx.execute(select(case).where(case.c.id == case_id)).first())
        if row is None or row.label == Label.CRISIS or row.label not in self.templates.names():
            return ""
        one = self.config.account(row.account)
        on = Occasion(one.platform, one.country, links=one.links, urgent=row.reason == Reason.RED_FLAG)
        return self.templates.words(row.label, f"case:{case_id}", on)

    async def _reveal(self, it: Interaction, press: Press, by: Person) -> None:
        """For those who may, alone, and logged before it is shown."""
        if not roles_of(it.user).intersection(self.settings.reveal_roles):
            raise DeskError("Words are not revealed to your roles. Read the comment on its platform.")
        note = Note("revealed", by.name, case_id=press.case_id)
        await self.db.run(lambda tx: write_audit(tx, self.clock.now(), [note]))
        story = await self.db.read(
            partial(case_story, cipher=self.db.cipher, case_id=press.case_id, reveal=True, limit=REVEALED_AT_ONCE)
        )
        shown = "\n".join(inert(each.text, LONGEST_REVEALED) for each in story.comments)
        await tell(it, f"Case {press.case_id}, for you alone; this is logged.\n{shown}", ours=True)

    async def _adopt(self, it: Interaction, press: Press) -> None:
        on = it.message
        if on is not None and not is_private(it) and it.channel_id == self.settings.channel:
            await self.db.run(
                partial(postings.adopt, case_id=press.case_id, channel=str(it.channel_id), message=str(on.id))
            )
