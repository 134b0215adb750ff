"""Which rows of the public sets are used, and which of our labels their labels decide. The rest stays unknown.

The sets are described in the data folder's README. Their labels are not ours: a mapping keeps only what, read by eye,
agrees with the labelling guide nearly always, and says nothing of other labels.
"""

import gzip
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from classifiers.labels import SpanType
from classifiers.training.rows import UNKNOWN, Mark, Row, partly

Raw = dict[str, Any]
Targets = tuple[int | None, ...]

UNREAD = (
    "illness",
    "medqa_lasse",
    "druglib",
    "psytar_posts",
    "nhs_feedback",
    "scamspot_raw",
    "cad",
    "toxic_spans_comments",
    "covid_rumor_comments",
    "wnut17_raw",
    "goemotions",
)
UNREAD_CAP = 600  # comments of each of these sets
LONGEST = 700  # characters; longer public rows cost much time and teach little

ABUSE = partly(harassment=1, diagnosis_request=0, solicitation=0)
NO_ABUSE = partly(harassment=0, diagnosis_request=0, solicitation=0)
CLEAN = partly(harassment=0, diagnosis_request=0, solicitation=0, misinformation=0)
GENERAL = partly(harassment=0, diagnosis_request=0, health_disclosure=0, crisis=0, misinformation=0, solicitation=0)
TELLS = partly(harassment=0, health_disclosure=1, solicitation=0)
TELLS_NOTHING = partly(health_disclosure=0)
ASKS = partly(harassment=0, diagnosis_request=1, health_disclosure=1, solicitation=0)
LURE = partly(solicitation=1, diagnosis_request=0, health_disclosure=0, crisis=0)
NO_LURE = partly(solicitation=0)

ANGRY = {"anger", "annoyance", "disgust", "disapproval", "sadness", "grief", "fear", "remorse"}


@dataclass(frozen=True, slots=True)
class Use:
    """At most `cap` rows of a set that get the same targets."""

    set: str
    targets: Targets
    cap: int
    takes: Callable[[Raw], bool]


def _labelled(*labels: str) -> Callable[[Raw], bool]:
    return lambda raw: raw["original_label"] in labels


USES = (
    Use("hatemoji_build", ABUSE, 3000, _labelled("hateful")),
    Use("hatemoji_build", NO_ABUSE, 3000, _labelled("non-hateful")),
    Use(
        "toxigen_human",
        ABUSE,
        2000,
        lambda r: r["original_label"] == "hate" and r["toxicity_score"] >= 4,
    ),
    Use(
        "toxigen_human",
        NO_ABUSE,
        2400,
        lambda r: r["original_label"] == "neutral" and r["toxicity_score"] <= 2,
    ),
    Use("edos", ABUSE, 2200, lambda r: r["category"][:2] in {"1.", "2."}),
    Use("cad", ABUSE, 1500, lambda r: "Person" in r["original_label"] or "Identity" in r["original_label"]),
    Use("cad", NO_ABUSE, 2000, _labelled("Neutral")),
    Use("cad", NO_ABUSE, 200, _labelled("CounterSpeech")),
    Use("davidson", ABUSE, 900, _labelled("hate")),
    Use("toxic_spans_comments", ABUSE, 1500, _labelled("all_toxic")),
    Use("medqa_lasse", ASKS, 900, lambda r: r["original_label"].startswith("question_text")),
    Use("medqa_lasse", NO_ABUSE, 600, lambda r: r["original_label"].startswith("doctor_answer")),
    Use("medquad_questions", GENERAL, 900, lambda r: True),
    Use("meqsum", GENERAL, 900, _labelled("summary_question")),
    Use("psytar", TELLS, 1300, lambda r: bool({"ADR", "WD", "EF"} & set(r["original_label"].split("+")))),
    Use("illness", TELLS_NOTHING, 1500, _labelled("no_person")),
    Use("nhs_feedback", CLEAN, 2500, lambda r: len(r["text"]) > 12),
    Use("goemotions", CLEAN, 3000, lambda r: not ANGRY & set(r["original_label"].split("+"))),
    Use("scamspot", LURE, 1000, _labelled("scam")),
    Use("scamspot", NO_LURE, 900, _labelled("not")),
    Use("youtube_spam", LURE, 300, _labelled("spam")),
    Use("sms_spam", LURE, 500, _labelled("spam")),
    Use("sms_spam", NO_LURE, 500, _labelled("ham")),
)


def rows(folder: Path) -> Iterator[Row]:
    """Rows of the sets in `folder`, the same at every call."""
    for number, use in enumerate(USES):
        taken = [raw for raw in _read(folder, use.set) if len(raw["text"]) <= LONGEST and use.takes(raw)]
        random.Random(number).shuffle(taken)
        for i, raw in enumerate(taken[: use.cap]):
            yield Row(f"{use.set}-{number}-{i}", f"public/{use.set}", raw["text"], use.targets)
    yield from _named(folder)


def unread(folder: Path) -> Iterator[Row]:
    """A sample of many sets, the same at every call, without labels. Some may be rows elsewhere too."""
    for name in UNREAD:
        taken = [raw for raw in _read(folder, name) if len(raw["text"]) <= LONGEST]
        random.Random(f"unread {name}").shuffle(taken)
        for i, raw in enumerate(taken[:UNREAD_CAP]):
            yield Row(f"{name}-unread-{i}", f"unread/{name}", raw["text"], UNKNOWN)


def _read(folder: Path, name: str) -> list[Raw]:
    with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


# Sets with names and places marked: what their kinds can be for us. Another kind decides nothing.
HEALTH = (SpanType.CONDITION, SpanType.TREATMENT, SpanType.DATE)
KINDS: dict[str, tuple[SpanType, ...]] = {
    "PERSON": (SpanType.PERSON,),
    "PER": (SpanType.PERSON,),
    "person": (SpanType.PERSON,),
    "STREET_ADDRESS": (SpanType.PLACE,),
    "ZIP_CODE": (SpanType.PLACE,),
    "GPE": (SpanType.TOWN, SpanType.PLACE),
    "LOC": (SpanType.TOWN, SpanType.PLACE),
    "location": (SpanType.TOWN, SpanType.PLACE),
    "PHONE_NUMBER": (SpanType.CONTACT,),
    "EMAIL_ADDRESS": (SpanType.CONTACT,),
    "DOMAIN_NAME": (SpanType.CONTACT,),
    "US_SSN": (SpanType.RECORD,),
    "US_DRIVER_LICENSE": (SpanType.RECORD,),
    "CREDIT_CARD": (SpanType.RECORD,),
    "IBAN_CODE": (SpanType.RECORD,),
    "DATE_TIME": (SpanType.DATE, SpanType.BIRTH_DATE),
}


def _named(folder: Path) -> Iterator[Row]:
    for name, cap in (("ner_presidio", 1300), ("ner_btc", 1500), ("ner_wnut17", 800)):
        taken = [raw for raw in _read(folder, name) if raw["original_label"] != "none"]
        random.Random(name).shuffle(taken)
        for i, raw in enumerate(taken[:cap]):
            text, found = (raw["text"], raw["spans"]) if "spans" in raw else _joined(raw["tokens"], raw["tags"])
            marks = tuple(Mark(start, end, KINDS.get(kind, ())) for start, end, kind in sorted(found))
            yield Row(f"{name}-{i}", f"public/{name}", text, UNKNOWN, marks=marks, elsewhere=HEALTH)


def _joined(tokens: list[str], tags: list[str]) -> tuple[str, list[tuple[int, int, str]]]:
    """The text of BIO-tagged tokens, and its spans."""
    found: list[tuple[int, int, str]] = []
    text = ""
    for token, tag in zip(tokens, tags, strict=True):
        start = len(text) + (1 if text else 0)
        text += f" {token}" if text else token
        if tag.startswith("I-") and found:
            found[-1] = (found[-1][0], len(text), found[-1][2])
        elif tag != "O":
            found.append((start, len(text), tag[2:]))
    return text, found
