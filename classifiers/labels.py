"""The words of judgement: what a comment can be found to be, and what an assessment of it says.

The meaning of each label is the labelling guide in `classifiers/training/labelling-guide.md`; a change there is a
change of the product. Labels are independent: a comment carries none, one or several.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType


class Label(StrEnum):
    """What the encoder scores, in the order of its outputs."""

    HARASSMENT = "harassment"
    DIAGNOSIS_REQUEST = "diagnosis_request"
    HEALTH_DISCLOSURE = "health_disclosure"
    CRISIS = "crisis"
    MISINFORMATION = "misinformation"
    SOLICITATION = "solicitation"


class SpanType(StrEnum):
    """What a run of words is. `IDENTIFIERS` point to a person; the rest is only masked where a card shows the text."""

    PERSON = "person"
    CONTACT = "contact"
    PLACE = "place"  # small enough to identify: an address, a village, an employer, a school, a clinic
    RECORD = "record"
    BIRTH_DATE = "birth_date"
    DATE = "date"
    TOWN = "town"  # a large town or a country, which identifies nobody alone
    CONDITION = "condition"
    TREATMENT = "treatment"


IDENTIFIERS = frozenset({SpanType.PERSON, SpanType.CONTACT, SpanType.PLACE, SpanType.RECORD, SpanType.BIRTH_DATE})


class Subject(StrEnum):
    """Whose health a text tells of, as far as its words say (see `subject.py`)."""

    ONESELF = "oneself"
    SOMEBODY_ELSE = "somebody_else"  # a relative, a friend, a stranger; also beside oneself
    A_PATIENT = "a_patient"  # of whoever writes, who treats them
    UNSURE = "unsure"


class NotAssessed(StrEnum):
    """Why a comment was not assessed. Never shown as clean."""

    LANGUAGE = "language"  # not English
    WORDLESS = "wordless"  # nothing in it that a label could be read from
    UNREADABLE = "unreadable"  # more than could be read: control characters, or far over the length that is scored
    MODEL_DOWN = "model_down"  # the classifier is missing, broken or failed on this text


@dataclass(frozen=True, slots=True)
class Span:
    """A run of words: `start` and `end` are offsets in code points of the original text, end exclusive."""

    start: int
    end: int
    type: SpanType


@dataclass(frozen=True, slots=True)
class Assessment:
    """What the classifiers say of one text.

    `probabilities` has every label, calibrated, each in [0, 1]. `reason` says why the text, or a sentence of it, was
    not assessed: then they are of what was read, or what the crisis lexicon found, or empty. `model` is the revision
    that judged.
    """

    model: str
    probabilities: Mapping[Label, float] = field(default_factory=lambda: MappingProxyType({}))
    spans: tuple[Span, ...] = ()
    reason: NotAssessed | None = None
    subject: Subject = Subject.UNSURE  # worth asking only where the text discloses something

    @property
    def assessed(self) -> bool:
        return self.reason is None
