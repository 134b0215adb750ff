"""Cards: what a chat shows of a case, as values. Pure: no chat library, no store.

A card tells what was written (masked; or, where a patient may have written it and the masker is not sure of every
word, only a summary), what was found and why, the author's past with us, what can be done here, and what really
happened. Every word that is not ours stands in code, where a chat renders nothing.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from bot.actions import ACTIONS
from bot.masking import PLACEHOLDERS
from bot.model import Ability, AuthorKind, Capability, CaseState, Mode, Reason, Severity, Verb
from bot.review.inert import inert, one_line
from bot.review.story import EXPIRED, GONE, CaseStory, Marked, Story, likely
from bot.review.sure import BLANK, blanked, sure
from classifiers.labels import Assessment, Label

COLOURS = {
    Severity.CRISIS: 0xC2001F, Severity.URGENT: 0xE8590C, Severity.HIGH: 0xF2A900, Severity.NORMAL: 0x2D7DD2,
    Severity.LOW: 0x8A8D91,
}  # fmt: skip
SETTLED = 0x4F545C  # nobody is asked any more
WHO = {AuthorKind.PUBLIC: "a reader", AuthorKind.STAFF: "our own side", AuthorKind.BOT: "the bot"}

FAIL_CLOSED = frozenset({Label.HEALTH_DISCLOSURE, Label.DIAGNOSIS_REQUEST, Label.CRISIS})
MAY_DISCLOSE = 0.1  # a probability of those from which on a comment is treated as one, though it is not flagged
MOST_BLANK = 0.5  # share of a text's words; with more of them blank it says nothing, and only a summary is shown
WORTH_TELLING = 0.33  # a probability below this is not told, unless it led to a flag

BREACH, MAY_REVEAL = "a colleague may have revealed a patient", "it may reveal a patient too"
RED_FLAG = "names a sign of an emergency"
TO_OTHERS = ((Verb.HIDE, "Hide"), (Verb.REPLY, "Warn"), (Verb.MUTE, "Mute"), (Verb.BAN, "Ban"))
TO_OURS = ((Verb.DELETE, "Remove"), (Verb.HIDE, "Hide"))  # the second only where the first is impossible
A_PLACE = re.compile(r"https://[\w.-]+(?:/[\w.-]+)+")

COMMENTS_SHOWN = 3
MARKS_SHOWN = 5
COMMENTS_LISTED = 15  # on a page of the thread of a flood
LONGEST_WORDS, LONGEST_LISTED = 650, 100  # characters of all comments that are shown, and of each in the thread
LONGEST_LINE = 110


class Style(StrEnum):
    PLAIN = "plain"
    MAIN = "main"
    GOOD = "good"
    GRAVE = "grave"


@dataclass(frozen=True, slots=True)
class Button:
    """`what` is one of the words in `bot/review/presses.py`."""

    what: str
    label: str
    style: Style = Style.PLAIN
    enabled: bool = True
    page: int = 0


@dataclass(frozen=True, slots=True)
class Box:
    """Paragraphs in a chat's own markdown, then rows of buttons. A blurred one is shown when it is clicked."""

    paragraphs: tuple[str, ...]
    rows: tuple[tuple[Button, ...], ...] = ()
    blurred: bool = False


@dataclass(frozen=True, slots=True)
class Card:
    case_id: int
    colour: int
    boxes: tuple[Box, ...]
    comments: int = 0  # of the case, when it was drawn; each press tells it

    def digest(self) -> str:
        """The same for the same card."""
        return sha256(repr(self).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Here:
    """What is known beside the story: what the platform can do for this case, and how the desk shows it."""

    able: Mapping[Verb, Capability] = field(default_factory=dict)
    mode: Mode = Mode.SHADOW  # of the account now
    blur: bool = True  # severe words
    blanks: bool = False  # of a patient's words that are not all sure, show those that are; else only a summary
    calls: tuple[str, ...] = ()  # for a crisis: whom somebody in danger can call in the account's country
    supports: bool = False  # the one supportive reply may be pressed for


def card(it: CaseStory, here: Here) -> Card:
    row, waits = it.row, it.row.state == CaseState.OPEN
    shown = it.comments[:COMMENTS_SHOWN]
    words = (*(_written(each, here, LONGEST_WORDS // len(shown)) for each in shown), *_and_more(it))
    crisis = row.severity == Severity.CRISIS
    asked = (*([_crisis(it, here)] if crisis else []), *([_can(it, here)] if waits else []))
    rest = (*_judged(it), *asked, *_happened(it))
    rows = _asking(it, here) if waits else ((Button("undo", "Undo"), Button("more", "More"), *_all(it)),)
    boxes: tuple[Box, ...] = (Box((_head(it), *words, *rest), rows),)
    if words and here.blur and row.severity >= Severity.HIGH:
        boxes = (Box((_head(it),)), Box(words, blurred=True), Box(rest, rows))
    return Card(row.id, COLOURS[Severity(row.severity)] if waits else SETTLED, boxes, row.comments)


def listing(it: CaseStory, here: Here, page: int = 0) -> Card:
    """The thread of a flood: a few words of each comment. `it` has the comments of that page."""
    row, first = it.row, page * COMMENTS_LISTED
    last = first + len(it.comments)
    told = f"**Case {row.id}: comments {first + 1} to {last} of {row.comments}**\nWhat is ruled on the card is for all."
    lines = [f"comment {each.id}\n{_words(each, here, LONGEST_LISTED)}" for each in it.comments]
    turns = [Button("list", "Before", page=page - 1)] if page else []
    turns += [Button("list", f"Next {min(row.comments - last, COMMENTS_LISTED)}", page=page + 1)] * (
        last < row.comments
    )
    blurred = here.blur and row.severity >= Severity.HIGH
    boxes = (Box((told,)), Box(tuple(lines), blurred=blurred), Box((), (tuple(turns),)))
    return Card(row.id, COLOURS[Severity(row.severity)], boxes if turns else boxes[:2])


def may_disclose(it: Story) -> bool:
    """Whether the writer may be a patient, or one of our own side who tells of one; or nobody knows."""
    seen, made = it.assessment, it.decision
    if seen is None or not seen.assessed or it.author_kind is not AuthorKind.PUBLIC:
        return True
    flagged = FAIL_CLOSED.intersection(made.flags) if made else frozenset()
    return bool(flagged) or any(seen.probabilities.get(label, 1.0) >= MAY_DISCLOSE for label in FAIL_CLOSED)


def _head(it: CaseStory) -> str:
    row = it.row
    status = {
        CaseState.OPEN: f"waits for a person, opened {_at(row.opened_at, 'R')}",
        CaseState.ACTED: "done by the machine alone; anybody may look and undo",
        CaseState.CLOSED: f"closed by {_name(row.closed_by)} {_at(row.closed_at)}" if row.closed_at else "closed",
    }[CaseState(row.state)]
    lines = [f"### Case {row.id} · {Severity(row.severity).name.lower()} · {_title(it)}"]
    lines.append(f"{one_line(row.account, 40)} · {row.comments} comment{'s' * (row.comments != 1)} · {status}")
    if row.state == CaseState.OPEN and row.claimed_by:
        lines.append(f"With {_name(row.claimed_by)} until {_at(row.claimed_until)}")
    elif row.state == CaseState.OPEN and row.assigned_to:
        lines.append(f"For {_name(row.assigned_to)}" + (f", reminded {row.reminders} times" * (row.reminders > 0)))
    return "\n".join(lines)


def _title(it: CaseStory) -> str:
    """What was found. Where that is something else than a patient revealed, it comes first: abuse is called abuse."""
    row = it.row
    found: str = (row.label or row.reason).replace("_", " ")
    if row.reason == Reason.RED_FLAG:
        return f"asks for a diagnosis, and {RED_FLAG}" if row.label else RED_FLAG
    if row.reason != Reason.BREACH:
        return found
    return BREACH if row.label in (None, Label.HEALTH_DISCLOSURE) else f"{found} by a colleague; {MAY_REVEAL}"


def _written(it: Story, here: Here, longest: int) -> str:
    times = "once" if it.earlier_findings == 1 else f"{it.earlier_findings} times"
    past = f"flagged {times} before" if it.earlier_findings else "never flagged before"
    legend = f"; {BLANK} stands for what the masker is not sure of" if here.blanks and may_disclose(it) else ""
    who = WHO[it.author_kind] + f" (colleague {it.pseudonym})" * (it.author_kind is AuthorKind.STAFF)
    return f"**Written** by {who}, {past}{legend}\n{_words(it, here, longest)}"


def _and_more(it: CaseStory) -> Iterator[str]:
    """A ruling is for every comment of the case, so nobody rules without knowing of those that are not shown."""
    if (more := it.row.comments - COMMENTS_SHOWN) > 0:
        yield f"**And {more} more**, which a ruling on this card is for too"


def _words(it: Story, here: Here, longest: int) -> str:
    if it.text in (EXPIRED, GONE):
        return f"-# {it.text}"
    if not may_disclose(it) or sure(it.text):
        return inert(it.text, longest)
    if here.blanks and it.assessment is not None and it.assessment.assessed:
        shown = blanked(it.text)
        if shown.count(BLANK) <= MOST_BLANK * len(shown.split()):
            return inert(shown, longest)
    return f"-# No words here: the masker is not sure of each of them. {_summary(it)}."


def _summary(it: Story) -> str:
    """What can be said of a text without a word of it."""
    words, asks = len(it.text.split()), it.text.count("?")
    facts = [f"{words} word{'s' * (words != 1)}", f"{asks} question mark{'s' * (asks != 1)}" if asks else ""]
    facts.append(_spans(it.assessment) if it.assessment else "")
    return ", ".join(each for each in facts if each)


def _spans(seen: Assessment) -> str:
    counts = Counter(PLACEHOLDERS.get(span.type, span.type.upper()) for span in seen.spans)
    return ", ".join(f"{count} × {name.lower().replace('_', ' ')}" for name, count in sorted(counts.items()))


def _judged(it: CaseStory) -> Iterator[str]:
    for each in it.comments[:1]:
        if each.assessment is not None:
            yield f"**Found** {_found(each)}"
        if each.decision is not None:
            model = each.assessment.model if each.assessment else "none"
            rule, revision = one_line(each.decision.rule, 40), one_line(each.decision.revision, 14)
            yield f"-# Rule {rule} of config {revision}, model {one_line(model, 24)}"
    yield f"**Why** {one_line(it.row.why, 280)}"
    if marked := tuple(dict.fromkeys(mark for each in it.comments[:COMMENTS_SHOWN] for mark in each.marked)):
        yield "\n".join(["**Which words**", *(_mark(each) for each in marked[:MARKS_SHOWN])])


def _mark(it: Marked) -> str:
    """Words of our own side, where every one of them is known to be safe."""
    unshown = f"{len(it.words.split())} words that are not shown here"
    return f"{one_line(it.words, LONGEST_LINE // 2) if sure(it.words) else unshown}: {it.why}"


def _found(it: Story) -> str:
    seen = it.assessment
    if seen is None:
        return "nothing yet"
    flags = it.decision.flags if it.decision else ()
    told = [(p, label) for label, p in seen.probabilities.items() if p >= WORTH_TELLING or label in flags]
    found = ", ".join(f"{label.replace('_', ' ')}: {likely(p)} ({p:.2f})" for p, label in sorted(told, reverse=True))
    if not seen.assessed:
        return f"NOT ASSESSED ({seen.reason}); {found or 'nobody knows what it says'}"
    return (found or "nothing") + (f"; masked: {_spans(seen)}" if seen.spans else "")


def _crisis(it: CaseStory, here: Here) -> str:
    """For whoever responds."""
    told = f"\n-# Without Discord: {one_line('; '.join(it.notices[-4:]), 200)}" if it.notices else ""
    return (
        f"**Somebody may be in danger** {one_line(' · '.join(here.calls), 300)}\n"
        "-# The machine never hides this, and calls one person after the other until somebody takes it. Details of a "
        f"method are what you may hide.{told}"
    )


def _can(it: CaseStory, here: Here) -> str:
    lines = ["**What can be done here**"]
    for verb, name in _offered(it, here):
        if (able := here.able.get(verb)) is not None:
            lines.append(f"{name}: {_effect(verb, able)}")
    if is_ours(it):
        lines.append(_by_hand(it))
    if here.mode is Mode.SHADOW:
        lines.append("-# The account is in shadow: a ruling is written down, and nothing happens on the platform.")
    return "\n".join(lines) if len(lines) > 1 else "-# What can be done here is not known now"


def is_ours(it: CaseStory) -> bool:
    """Whether the case is about our own side alone."""
    return bool(it.comments) and all(each.author_kind is AuthorKind.STAFF for each in it.comments)


def _offered(it: CaseStory, here: Here) -> tuple[tuple[Verb, str], ...]:
    if not is_ours(it):
        return TO_OTHERS
    return TO_OURS if not _possible(Verb.DELETE, here) else TO_OURS[:1]


def _possible(verb: Verb, here: Here) -> bool:
    able = here.able.get(verb)
    return able is None or able.ability is not Ability.IMPOSSIBLE


def _by_hand(it: CaseStory) -> str:
    """Where it stands, for whoever must delete it there; and what never happens to our own side."""
    places = [each.url for each in it.comments[:COMMENTS_SHOWN] if each.url and A_PLACE.fullmatch(each.url)]
    links = "".join(f"[Open it where it stands]({each}), to delete it by hand\n" for each in places)
    return f"{links}-# Nothing of our own side's is hidden, answered or removed unless a person presses."


def _effect(verb: Verb, able: Capability) -> str:
    note = f" {one_line(able.note, LONGEST_LINE - 30)}" if able.note else ""
    if able.ability is Ability.IMPOSSIBLE:
        return f"cannot here{note}"
    back = "can be undone" if able.undoable and ACTIONS[verb].undone_by else "cannot be undone"
    about = "only roughly, " if able.ability is Ability.APPROXIMATE else ""
    return f"{about}{back}{note}"


def _happened(it: CaseStory) -> Iterator[str]:
    told = Counter((act.what, act.by, act.outcome) for act in it.actions)
    lines = [
        f"{what} by {_name(by)}: {one_line(outcome, LONGEST_LINE - 40)}" + (f" × {count}" if count > 1 else "")
        for (what, by, outcome), count in list(told.items())[-5:]
    ]
    for heard in it.rulings[-4:]:
        labels = "" if heard.labels is None else f" {', '.join(heard.labels) or 'none'}"
        lines.append(f"-# {_at(heard.at)} {_name(heard.actor)}: {heard.what}{labels}{' (undone)' * heard.undone}"[:120])
    if lines:
        yield "\n".join(["**What happened**", *lines])


def _asking(it: CaseStory, here: Here) -> tuple[tuple[Button, ...], ...]:
    says = _possible(Verb.REPLY, here)
    rulings: tuple[Button, ...] = (
        Button("keep", "Keep", Style.GOOD),
        Button("hide", "Hide", Style.GRAVE, _possible(Verb.HIDE, here)),
        _warn(it, here, says),
        Button("reply", "Reply…", Style.PLAIN, says),
        Button("mute", "Mute", Style.PLAIN, _possible(Verb.MUTE, here)),
    )
    if is_ours(it):
        removes = Button("remove", "Remove…", Style.GRAVE, _possible(Verb.DELETE, here))
        rulings = (rulings[0], removes, *([] if removes.enabled else [rulings[1]]))
    return rulings, (Button("take", "Take", Style.MAIN), Button("more", "More"), *_all(it))


def _all(it: CaseStory) -> Iterator[Button]:
    if it.row.comments > COMMENTS_SHOWN:
        yield Button("list", f"All {it.row.comments}")


def _warn(it: CaseStory, here: Here, says: bool) -> Button:
    if it.row.label == Label.CRISIS:
        return Button("warn", "Supportive reply", Style.PLAIN, says and here.supports)
    return Button("warn", "Warn", Style.PLAIN, says and it.row.label is not None)


def _name(actor: str | None) -> str:
    """A person as others know them; behind the slash stands what makes them unmistakable."""
    return one_line((actor or "nobody").partition("/")[0], 32)


def _at(when: datetime | None, how: str = "f") -> str:
    """As Discord shows a time to each person in their own zone: "f" with its date, "R" as "2 hours ago"."""
    return f"<t:{int(when.timestamp())}:{how}>" if when is not None else "now"
