"""Who disclosed about whom: as good as its docstring says on rows it was not fitted on, and what follows from it."""

from collections import Counter
from dataclasses import replace

import pytest

from bot.config import Rules
from bot.decide import Facts
from bot.model import Reason, Severity, Step, Verb, Verdict
from classifiers.labels import Label, Subject
from classifiers.subject import subject
from classifiers.training.subject import CORPUS, rows
from tests.test_decide import decided, seen, shipped_policy

NUDGE, HIDE = Step(Verb.MESSAGE, template="health_disclosure"), Step(Verb.HIDE)


def test_it_is_as_good_as_it_says() -> None:
    counts = Counter((other, subject(text)) for text, other in rows(CORPUS, odd=True))
    assert counts.total() == 347
    for other, answer in ((False, Subject.ONESELF), (True, Subject.SOMEBODY_ELSE)):
        given = counts[True, answer] + counts[False, answer]
        assert counts[other, answer] / given >= 0.94
        assert counts[other, answer] / sum(count for (whose, _), count in counts.items() if whose is other) >= 0.70


TOLD = [
    ("I have had diabetes for ten years", Subject.ONESELF),
    ("my mum has dementia and she fell on Sunday", Subject.SOMEBODY_ELSE),
    ("one of my patients, a tailor in Umbilo, is on metformin", Subject.A_PATIENT),
    ("we treated her for sepsis on our ward last week", Subject.A_PATIENT),
    ("a patient of mine lost his leg to diabetes", Subject.A_PATIENT),
    ("I treated a boy with meningitis and he lived", Subject.A_PATIENT),
]


@pytest.mark.parametrize(("text", "whose"), TOLD, ids=[text for text, _ in TOLD])
def test_what_is_plain_is_told(text: str, whose: Subject) -> None:
    assert subject(text) is whose


@pytest.mark.parametrize(
    "text",
    [
        "I have been a patient here since 2019, type 2",
        "they lost my patient record and my HIV result",
        "be patient, I have MS",
    ],
)
def test_a_patient_of_somebody_is_not_a_patient_of_the_writer(text: str) -> None:
    assert subject(text) is not Subject.A_PATIENT


@pytest.mark.parametrize("text", ["", "🙂", "my " * 5000, "he she i me my mum " * 2000, "@" * 10_000])
def test_it_never_fails(text: str) -> None:
    assert subject(text) in Subject


DONE = Rules.model_validate(
    {"health_disclosure": {"about_oneself": ["nudge"], "about_somebody_else": ["hide"], "severity": "normal"}}
)
FOLLOWS = [
    (Subject.ONESELF, Verdict.ACT, Reason.ACTED, (NUDGE,), Severity.NORMAL),
    (Subject.SOMEBODY_ELSE, Verdict.ACT, Reason.FLAGGED, (HIDE,), Severity.NORMAL),
    (Subject.A_PATIENT, Verdict.ASK, Reason.FLAGGED, (), Severity.URGENT),
    (Subject.UNSURE, Verdict.ASK, Reason.FLAGGED, (), Severity.NORMAL),
]


@pytest.mark.parametrize(
    ("whose", "verdict", "reason", "steps", "severity"), FOLLOWS, ids=[str(it[0]) for it in FOLLOWS]
)
def test_it_decides_what_happens(
    whose: Subject, verdict: Verdict, reason: Reason, steps: tuple[Step, ...], severity: Severity
) -> None:
    it = replace(seen(health_disclosure=0.95), subject=whose)
    made = decided(it, rules=shipped_policy(DONE))
    assert (made.verdict, made.reason, made.steps, made.severity) == (verdict, reason, steps, severity)
    assert made.rule == "rules.health_disclosure" + (f".about_{whose}" if whose is not Subject.UNSURE else "")


@pytest.mark.parametrize("whose", Subject)
def test_shipped_it_only_asks(whose: Subject) -> None:
    assert not decided(replace(seen(health_disclosure=0.999), subject=whose)).steps


def test_one_quiet_word_in_a_thread() -> None:
    it = replace(seen(health_disclosure=0.95), subject=Subject.ONESELF)
    facts = Facts(said_in_thread=frozenset({"health_disclosure"}))
    assert decided(it, facts, shipped_policy(DONE)).verdict is Verdict.LEAVE


def test_whoever_may_be_in_danger_is_left_to_a_person_whatever_else_they_write() -> None:
    made = decided(seen(harassment=0.99, solicitation=0.99), Facts(in_crisis=True))
    assert (made.verdict, made.steps, made.label) == (Verdict.ASK, (), Label.HARASSMENT)
