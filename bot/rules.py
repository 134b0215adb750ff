"""What the config says of each label: what may be done alone, how sure that must be, and how often."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from classifiers.labels import Label, NotAssessed, Subject


class Do(StrEnum):
    """What a rule may do alone. Bans and deletions are people's."""

    HIDE = "hide"
    WARN = "warn"
    NUDGE = "nudge"  # the template too, but in private; where that cannot be, nothing is said
    MUTE = "mute"


class Rule(BaseModel):
    """What becomes of a comment with this label. Crisis has one that only asks (see `bot/config.py`)."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    ask_when_right: float = Field(0.8, ge=0, le=1, description="ask a person where it is right at least so often")
    act_when_right: float = Field(0.98, ge=0.9, le=1, description="act alone only where it is right so often")
    do: tuple[Do, ...] = Field((), description='any of "hide", "warn", "nudge", "mute"; empty = only ask')
    severity: Literal["low", "normal", "high", "urgent"] = Field("normal", description="how soon a person must look")
    budget_per_day: int = Field(
        50, ge=0, description="automatic actions per account and day; above it a person is asked"
    )
    overturned_per_day: int = Field(3, ge=1, description="so many overturned in a day, and it only asks until the next")


class DisclosureRule(Rule):
    """What becomes of a disclosure depends on whose health it tells of; `do` is for where nobody can tell."""

    about_oneself: tuple[Do, ...] = Field((), description="done where somebody tells of themselves")
    about_somebody_else: tuple[Do, ...] = Field((), description="of a relative or a third party; a person is asked too")
    about_a_patient: tuple[Do, ...] = Field((), description="of somebody whom the writer treats; urgent, and asked")

    def about(self, subject: Subject) -> tuple[Do, ...]:
        done: tuple[Do, ...] = self.do if subject is Subject.UNSURE else getattr(self, f"about_{subject}")
        return done


@dataclass(frozen=True, slots=True)
class Lines:
    """The probabilities at which a label's promises hold; None = data too thin for that promise."""

    ask: float | None
    act: float | None


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of one config with the lines that one model's calibration gives for them."""

    rules: Mapping[Label, Rule]
    lines: Mapping[Label, Lines]
    ask_when: frozenset[NotAssessed] = frozenset(NotAssessed)  # the rest is left alone
    supports: bool = False  # the machine may say the one supportive reply alone
    red_flags_call: bool = True  # a request for a diagnosis that names a red flag is a crisis
