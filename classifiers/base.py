"""What a classifier is: one file in this folder that knows how to `load` itself and to `score` texts.

    def load(settings: Settings) -> Classifier      raises ModelUnavailable

The name in the config is the name of the file; nothing else has to be told about a new one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Protocol, cast, runtime_checkable

from classifiers.calibration import Calibration
from classifiers.errors import ModelUnavailable
from classifiers.identifiers import merged
from classifiers.labels import Label, Span
from classifiers.settings import Settings


@dataclass(frozen=True, slots=True)
class Scored:
    """What a classifier says of one text: a raw logit for each of its labels, and spans of the text as given.

    `start` and `end` of a span are offsets in code points of the text that was handed to `score`.
    """

    logits: Mapping[Label, float]
    spans: tuple[Span, ...] = ()

    def joined(self, part: "Scored") -> "Scored":
        """What is said of a text read in parts: the higher logit of each label, and the spans of both, merged."""
        higher = {label: max(logit, part.logits[label]) for label, logit in self.logits.items()}
        return Scored(higher, merged(sorted((*self.spans, *part.spans), key=lambda span: (span.start, span.end))))


class Classifier(Protocol):
    """Scores texts. One thread calls it at a time."""

    @property
    def labels(self) -> tuple[Label, ...]:
        """The labels it scores; those of ours that it does not know are left out."""

    @property
    def revision(self) -> str:
        """Names the exact weights, such as `encoder-3f9a12c4d0be`; it changes whenever a score could."""

    @property
    def calibration(self) -> Calibration:
        """Turns its logits into probabilities and promises; has a curve for each of `labels`."""

    def score(self, texts: Sequence[str], parents: Sequence[str | None]) -> list[Scored]:
        """One `Scored` a text, in order. Texts come normalised; `parents` is what each answers, as written, or None.

        Any number of texts, of any length: sorting them by true token count into passes of `batch_tokens`
        (`batching.passes`) and reading long ones in parts (`batching.parts`) happens in here, where the
        tokenizer is. A text gets the same logits within 1e-4 whatever else is in the call.
        """


@runtime_checkable
class JudgesReplies(Protocol):
    """A classifier that can also judge what goes out; not every one can."""

    def tells(self, replies: Sequence[str]) -> list[float]:
        """The logit of each reply telling of somebody's care. Raises ModelUnavailable where the weights cannot."""


class Load(Protocol):
    """The function `load` of a classifier's file."""

    def __call__(self, settings: Settings) -> Classifier: ...


def named(settings: Settings) -> Classifier:
    """The classifier that the config names, loaded. Raises ModelUnavailable, whatever went wrong with it."""
    module = f"classifiers.{settings.name}"
    if not settings.name.isidentifier() or find_spec(module) is None:
        raise ModelUnavailable(f"there is no classifiers/{settings.name}.py: mend `name` in [classifier]")
    load = getattr(import_module(module), "load", None)
    if load is None:
        raise ModelUnavailable(f"classifiers/{settings.name}.py is no classifier: it has no load(settings)")
    try:
        return cast(Load, load)(settings)
    except ModelUnavailable:
        raise
    except Exception as error:  # a driver that is gone, a full GPU: the word list has to work still
        raise ModelUnavailable(f"classifiers/{settings.name}.py cannot load: {type(error).__name__}") from error
