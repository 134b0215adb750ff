"""From texts to assessments.

    for each text:  normalise → patterns for identifiers → can it be assessed?      a reason where it cannot
    for all others: the classifier's logits and spans                               model_down where it fails
                    → probabilities at the stated base rates, spans of the original text

Whatever is not assessed still passes the crisis lexicon, and so does everything where the classifier knows no crisis.
Sorting into passes by true token count happens inside `Classifier.score`, where the tokenizer is.
"""

import logging
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from classifiers import lexicon
from classifiers.base import Classifier, JudgesReplies, Scored, named
from classifiers.calibration import Calibration
from classifiers.identifiers import found, merged
from classifiers.labels import Assessment, Label, NotAssessed, Span, Subject
from classifiers.language import obstacle, partly_read
from classifiers.normalise import Normalised, normalise
from classifiers.settings import Settings
from classifiers.subject import subject

__all__ = ["Pipeline", "Settings", "Text"]

log = logging.getLogger("chaperone.classifier")

MAY_DISCLOSE = 0.1  # the probability from which on it is asked whose health a text tells of
MOST_CHARACTERS = 50_000  # twice what any platform takes
MOST_CONTROLS = 0.25  # share of a text: more is no text
CONTROL = re.compile(r"[\0-\x08\v\f\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffd]")


@dataclass(frozen=True, slots=True)
class Text:
    """A comment, and what it answers where that is known."""

    text: str
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class _Read:
    """A text made ready; `reason` says why it is not for the classifier, where it is not."""

    normalised: Normalised
    parent: str | None
    spans: tuple[Span, ...] = ()
    reason: NotAssessed | None = None


class Pipeline:
    """One loaded classifier and all around it. One thread uses it at a time.

    `model` is the revision of what judges; `why` says why there is no classifier, where there is none.
    """

    def __init__(self, settings: Settings, classifier: Classifier | None, why: str | None = None) -> None:
        self.model = classifier.revision if classifier else f"lexicon-{lexicon.revision()}"
        self.why = why
        self._languages = settings.languages
        self._classifier = classifier
        rates: dict[Label, float] = dict(settings.base_rate)
        rates.pop(Label.CRISIS, None)
        self._calibration = classifier.calibration.moved(rates) if classifier else Calibration({})

    @classmethod
    def load(cls, settings: Settings) -> "Pipeline":
        """Raises ModelUnavailable."""
        return cls(settings, named(settings))

    @classmethod
    def without_model(cls, settings: Settings, why: str) -> "Pipeline":
        """Every text that could be assessed is model_down; the crisis lexicon still works."""
        return cls(settings, None, why)

    def line(self, label: Label, when_right: float) -> float | None:
        """The probability at or above which flags are right so often; None = data too thin, a person is asked."""
        return self._calibration.line(label, when_right)

    def assess(self, texts: Sequence[Text]) -> list[Assessment]:
        """One assessment a text, in order. Never raises for a text: it gets a reason, and the rest is assessed.

        A label that the classifier does not score is missing from `probabilities`, but for what the lexicon says.
        """
        reads = [_read(text, self._languages) for text in texts]
        scored = iter(self._scored([read for read in reads if read.reason is None]))
        return [self._assessment(read, None if read.reason else next(scored)) for read in reads]

    def tells(self, reply: str) -> float | None:
        """The logit of what we say telling of somebody's care; None where nothing here can judge it.

        Any thread may ask.
        """
        if not isinstance(self._classifier, JudgesReplies):
            return None
        try:
            return self._classifier.tells([normalise(reply).text])[0]
        except Exception as error:  # whatever it is, rules judge alone; its message could quote the text
            log.warning("judging_failed", extra={"fields": {"error": type(error).__name__}})
            return None

    def _scored(self, reads: Sequence[_Read]) -> list[Scored | None]:
        """None for each text on which the classifier fails, also where it fails only on all of them together."""
        if self._classifier is None or not reads:
            return [None] * len(reads)
        texts = [read.normalised.text for read in reads]
        try:
            scored = self._classifier.score(texts, [read.parent for read in reads])
            return [one if _sound(one, text) else None for one, text in zip(scored, texts, strict=True)]
        except Exception as error:  # whatever it is, a person is asked; its message could quote the text
            log.warning("scoring_failed", extra={"fields": {"texts": len(reads), "error": type(error).__name__}})
        return [None] if len(reads) == 1 else [one for read in reads for one in self._scored([read])]

    def _assessment(self, read: _Read, scored: Scored | None) -> Assessment:
        if scored is None:
            reason = read.reason or NotAssessed.MODEL_DOWN
            return Assessment(self.model, _in_danger(read), read.spans, reason)
        said = {label: self._calibration.probability(label, logit) for label, logit in scored.logits.items()}
        probabilities = said if Label.CRISIS in said else {**said, **_in_danger(read)}
        spans = merged([*read.spans, *map(read.normalised.original, scored.spans)])
        discloses = probabilities.get(Label.HEALTH_DISCLOSURE, 0.0) >= MAY_DISCLOSE
        unread = NotAssessed.LANGUAGE if partly_read(read.normalised.text, self._languages) else None
        whose = subject(read.normalised.text) if discloses else Subject.UNSURE
        return Assessment(self.model, MappingProxyType(probabilities), spans, unread, whose)


def _read(text: Text, languages: Sequence[str]) -> _Read:
    words = text.text
    if len(words) > MOST_CHARACTERS or len(CONTROL.findall(words)) > MOST_CONTROLS * len(words):
        return _Read(normalise(words[:MOST_CHARACTERS]), text.parent, reason=NotAssessed.UNREADABLE)
    read = normalise(words)
    spans = merged(map(read.original, found(read.text)))
    return _Read(read, text.parent, spans, obstacle(read.text, languages))


def _in_danger(read: _Read) -> Mapping[Label, float]:
    """What the crisis lexicon says of a text that no classifier judges for it."""
    likely = lexicon.crisis(read.normalised.text)
    return MappingProxyType({Label.CRISIS: likely} if likely is not None else {})


def _sound(scored: Scored, text: str) -> bool:
    """Whether a score can be believed: no overflow, no span outside its text."""
    finite = all(map(math.isfinite, scored.logits.values()))
    return finite and all(0 <= span.start < span.end <= len(text) for span in scored.spans)
