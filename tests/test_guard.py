"""The reply guard: what would confirm that somebody is a patient is refused, what is said of nobody passes."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from benchmarks.guard import FRESH, score
from bot.__main__ import app
from bot.errors import ReplyRefused
from bot.guard import ReplyGuard, Said, judge
from classifiers.pipeline import Pipeline, Settings

BREACHES = [
    ("Thank you for your visit!", "visit"),
    ("Thanks for coming in yesterday", "care relationship"),
    ("It was lovely to see you again.", "care relationship"),
    ("As we discussed, the swelling goes down by itself.", "arguing"),
    ("Your appointment is on Tuesday at 3.", "appointment"),
    ("Our records show that the bill was paid.", "visit"),
    ("You never came back after the first session.", "you did"),
    ("You were never a patient here.", "denial"),
    ("Your insurance declined the claim.", "insurance"),
    ("That sounds like eczema to us.", "diagnosis"),
    ("You should take two paracetamol and rest.", "advice"),
    ("Stop taking the tablets tonight.", "advice"),
    ("The biopsy came back benign.", "result"),
    ("Hi Tamara, we are on it.", "name"),
    ("Mrs. Okafor, please call us.", "name"),
    ("That is simply not true.", "arguing"),
    ("Your appoitment was at nine.", "appointment"),
    ("T h a n k you for your v1sit", "visit"),
]
SAFE = [
    "We cannot discuss anybody's care here.",
    "Anyone who is worried about a rash can call 111.",
    "Our opening hours are 8 to 6, Monday to Friday.",
    "Appointments can be booked by phone.",
    "Thank you for your comment.",
    "We are sorry to hear of a bad experience; please contact the practice manager.",
    "If you have a concern, please write to us.",
    "The flu vaccine is offered to everybody over 65 from October.",
    "Dr. Osei will give a talk about diabetes on Tuesday.",
]


@pytest.mark.parametrize(("words", "rule"), BREACHES)
def test_a_breach_is_refused_and_told(words: str, rule: str) -> None:
    it = judge(words)
    assert rule in {reason.rule for reason in it.reasons}
    assert it.safer
    assert not judge(it.safer).refused


@pytest.mark.parametrize("words", SAFE)
def test_what_is_said_of_nobody_passes(words: str) -> None:
    assert judge(words).reasons == ()


def test_the_words_are_marked_where_they_were_typed() -> None:
    words = "Hello! We saw y\u200bou on Monday."
    marked = {words[reason.start : reason.end] for reason in judge(words).reasons}
    assert "saw y\u200bou" in marked


def test_nothing_that_the_commenter_told_is_repeated() -> None:
    said = Said("I have psoriasis and my GP in Bexhill laughed", name="Jo Field")
    assert not judge("Everybody deserves to be heard.", said).refused
    for words in ("Psoriasis is no laughing matter.", "Dear all, Jo has a point."):
        assert "repeats" in {reason.rule for reason in judge(words, said).reasons}


ECHOES = [
    ("I'm 16 and pregnant and the nurse judged me", "Teenage pregnancy is nothing to be judged for."),
    ("I weigh 300 lbs and the chair broke", "Chairs for 300 lbs have been ordered."),
    ("My wife was sent away on 4 March", "What happened in March is being looked at."),
    ("My son is autistic and the lights were awful", "Autistic children often find the lights hard."),
]
NO_ECHOES = [
    ("Are you open Saturdays?", "Saturdays 9 to 4, Sundays closed."),
    ("what is the best treatment for migraine?", "There are several treatments for migraine."),
    ("Should I worry about the mole on my neck?", "A mole that changes should be seen by a dermatologist."),
    ("My son is autistic and the lights were awful", "A quiet room can be booked by anybody."),
]


@pytest.mark.parametrize(("said", "words"), ECHOES)
def test_what_they_told_of_somebody_is_known_again(said: str, words: str) -> None:
    assert "repeats" not in {reason.rule for reason in judge(words).reasons}
    assert "repeats" in {reason.rule for reason in judge(words, Said(said)).reasons}


@pytest.mark.parametrize(("said", "words"), NO_ECHOES)
def test_a_general_answer_to_a_question_repeats_nothing(said: str, words: str) -> None:
    assert judge(words, Said(said)).reasons == ()


def test_the_guard_clears_or_refuses_with_reasons_that_hold_no_words() -> None:
    guard = ReplyGuard()
    assert guard.clear("Thank you for your comment.").words == "Thank you for your comment."
    with pytest.raises(ReplyRefused) as refused:
        guard.clear("Thank you for your visit, Quentin")
    assert "Quentin" not in str(refused.value)
    assert refused.value.marks
    assert refused.value.safer


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300), st.text(max_size=100))
def test_judging_never_raises_and_marks_lie_within_the_text(words: str, said: str) -> None:
    for reason in judge(words, Said(said, name=said[:9])).reasons:
        assert 0 <= reason.start <= reason.end <= len(words)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([words for words, _ in BREACHES[:-1]]), st.data())
def test_invisible_characters_let_nothing_pass(words: str, data: st.DataObject) -> None:
    for place in data.draw(st.lists(st.integers(0, len(words)), max_size=5)):
        words = words[:place] + data.draw(st.sampled_from("\u200b\u200d\u2060\ufeff\u00ad")) + words[place:]
    assert judge(words).refused


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., tuple[int, str]]:
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()

    def run(*arguments: str, typed: str | None = None) -> tuple[int, str]:
        done = runner.invoke(app, ["guard", *arguments], input=typed)
        return done.exit_code, done.output

    return run


def test_the_command_refuses_with_the_words_marked_and_a_safe_wording(told: Callable[..., tuple[int, str]]) -> None:
    status, output = told("Thank you for your visit")
    assert status == 1
    assert "              ^^^^^^^^^^" in output
    assert "It says that somebody was here." in output
    assert "Offered: " in output


def test_the_command_allows_and_knows_what_was_said(told: Callable[..., tuple[int, str]]) -> None:
    assert told("-", typed="Lupus is tiring.\n") == (0, "Allowed.\n")
    status, output = told("Lupus is tiring.", "--said", "I was diagnosed with lupus", "--json")
    assert status == 1
    assert [each["rule"] for each in json.loads(output)["reasons"]] == ["repeats"]


def telling(words: str) -> float:
    """A teller that is sure of a text with `told` in it, and just as sure of every other."""
    return 9.0 if "told" in words else -9.0


def test_without_a_model_whatever_a_rule_finds_is_refused() -> None:
    words = "Your leaflet is on the counter."
    assert [reason.rule for reason in judge(words).reasons] == ["yours"]
    assert not judge(words, teller=telling).refused


def test_what_no_rule_knows_but_the_model_reads_is_doubted_where_it_tells_most() -> None:
    words = "Good morning. This was told before noon. Bye."
    assert not judge("Good morning. This was said before noon. Bye.", teller=telling).refused
    (reason,) = judge(words, teller=telling).reasons
    assert reason.rule == "doubt"
    assert words[reason.start : reason.end].strip() == "This was told before noon."


@pytest.mark.parametrize("file", sorted(FRESH.glob("*.jsonl")), ids=lambda file: file.stem)
def test_it_errs_seldom_on_what_neither_model_nor_rules_have_read(file: Path) -> None:
    it = score(file, Pipeline.load(Settings()).tells)
    assert it.recall >= 0.97
    assert it.false_refusals <= 0.1


@pytest.mark.parametrize("words", ["😀", "! " * 2000, ". . " * 1000])
def test_what_has_no_words_can_be_judged_all_the_same(words: str) -> None:
    assert all(reason.end <= len(words) for reason in judge(words, teller=lambda _: 99.0).reasons)


def test_an_invitation_is_no_fact() -> None:
    assert not judge("If you feel that you were treated unfairly, please write to the manager.").refused
    assert judge("You were treated unfairly.").refused


def test_what_is_not_english_or_nothing_cannot_be_judged() -> None:
    for words in ("Gracias por su visita, esperamos verle pronto en la clínica", "   ", "x" * 6000):
        assert judge(words).refused


BESIDE_ENGLISH = [
    "Please contact us. 您的手术很成功。",
    "Please contact us any time。您的手术很成功。",
    "We take all feedback seriously, please contact us any time. Ihre Behandlung war am Dienstag.",
    "We wish everybody a lovely weekend, شكرا لزيارتك وعملية ناجحة",
]


@pytest.mark.parametrize("words", BESIDE_ENGLISH)
def test_one_foreign_sentence_among_english_ones_cannot_be_judged(words: str) -> None:
    assert {reason.rule for reason in judge(words, teller=lambda _: -9.0).reasons} == {"unreadable"}


def test_beside_a_foreign_sentence_the_english_ones_are_judged_all_the_same() -> None:
    found = {reason.rule for reason in judge("Ramadan Mubarak. It was lovely to see you again.").reasons}
    assert found >= {"unreadable", "care relationship"}
