"""What may be named as a way to reach somebody: the practice's own, as a whole, and nobody else's."""

import pytest

from bot.guard import judge

OWN = frozenset({"https://ourclinic.org", "https://wa.me/441632960000", "01632 960000", "999"})
WORDED = frozenset({"desk@ourclinic.org or 01632 960111", "https://instagram.com/ourclinic"})
STRANGERS = [
    "Please email bookings24@gmail.com.",
    "Please email jones960000@gmail.com.",
    "Please text wa.me/447911 for help.",
    "More at linktr.ee/x1.",
    "Find us on Instagram: 24810.",
]
PARTS = [
    "More at https://clinic.org/offers.",
    "More at https://ourclinic.org.evil.com.",
    "More at www.not-ourclinic.org.",
    "More at https://ourclinic.org@evil.com.",
    "More at http://org.",
    "More at https://[ourclinic.org.",
    "Please email k@ourclinic.org.",
    "Please email desk@ourclinic.org.evil.com.",
    "Please text wa.me/441632.",
    "Find us on Instagram: ourcl.",
    "Please call 0163296.",
    "Please call 07700 900999.",
]
OURS = [
    "More at https://ourclinic.org.", "More (see https://www.ourclinic.org/rules?a=1).", "See https://book.OURCLINIC.org!",
    "Please write to desk@ourclinic.org.", "Find us on Instagram: ourclinic.", "Please call 01632 960 000.",
    "Please call +44 1632 960000, or 01632 960111.",
]  # fmt: skip


@pytest.mark.parametrize("words", STRANGERS)
def test_digits_make_no_public_number_of_a_strangers_contact(words: str) -> None:
    assert {reason.rule for reason in judge(words, own=OWN).reasons} == {"contact"}


@pytest.mark.parametrize(
    "words", ["In an emergency call 999 or 116 123.", "Please call 01632-960000.", "Please text wa.me/441632960000."]
)
def test_public_numbers_and_the_practices_own_contacts_may_be_said(words: str) -> None:
    assert not judge(words, own=OWN).refused


@pytest.mark.parametrize("words", PARTS)
def test_what_holds_a_part_of_ours_or_is_one_is_a_strangers(words: str) -> None:
    assert {reason.rule for reason in judge(words, own=OWN | WORDED).reasons} == {"contact"}


@pytest.mark.parametrize("words", OURS)
def test_ours_is_known_however_it_is_written(words: str) -> None:
    assert not judge(words, own=OWN | WORDED).refused
