"""What every classifier must do. It finds the files in classifiers/ that `load`, and their examples, by itself."""

import math
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest

import classifiers
from classifiers.base import Classifier, named
from classifiers.errors import ModelUnavailable
from classifiers.labels import Label, SpanType
from classifiers.pipeline import Pipeline, Text
from classifiers.settings import Settings

MODULES = {each.name: import_module(f"classifiers.{each.name}") for each in iter_modules(classifiers.__path__)}
NAMES = [name for name, module in MODULES.items() if hasattr(module, "load")]

TEXTS = [
    "you are a clown",
    "",
    "thank you doctor!",
    " ",
    "🐒" * 3_000,
    "the doctor " * 2_000,
    "\0\u200f\u202e\ud7ff",
    "a" * 5_000,
    "you are a clown",
    *(f"{'the ' * n}doctor" for n in range(40)),
]


@pytest.fixture(params=NAMES, scope="module")
def settings(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    example = import_module(f"tests.classifiers.examples.{request.param}")
    made: Settings = example.settings(tmp_path_factory.mktemp(request.param))
    assert made.name == request.param
    return made


@pytest.fixture(scope="module")
def classifier(settings: Settings) -> Classifier:
    return named(settings)


def test_the_files_are_found() -> None:
    assert {"encoder", "huggingface"} <= set(NAMES)


def test_it_says_what_it_scores_and_how_to_read_that(classifier: Classifier) -> None:
    assert classifier.labels
    assert set(classifier.labels) <= set(Label)
    assert len(set(classifier.labels)) == len(classifier.labels)
    assert set(classifier.labels) <= classifier.calibration.curves.keys()


def test_its_revision_is_its_own_and_stays(classifier: Classifier, settings: Settings) -> None:
    assert classifier.revision.startswith(f"{settings.name}-")
    assert named(settings).revision == classifier.revision


def test_whatever_the_text_every_label_has_a_finite_logit(classifier: Classifier) -> None:
    scored = classifier.score(TEXTS, [None] * len(TEXTS))
    assert len(scored) == len(TEXTS)
    for each in scored:
        assert each.logits.keys() == set(classifier.labels)
        assert all(math.isfinite(logit) for logit in each.logits.values())


def test_no_texts_have_no_scores(classifier: Classifier) -> None:
    assert classifier.score([], []) == []


def test_a_text_scores_the_same_whatever_comes_with_it(classifier: Classifier) -> None:
    together = classifier.score(TEXTS, ["a parent"] * len(TEXTS))
    for text, one in zip(TEXTS, together, strict=True):
        alone = classifier.score([text], ["a parent"])[0]
        assert dict(one.logits) == pytest.approx(dict(alone.logits), abs=1e-4)
        assert one.spans == alone.spans


def test_what_stands_in_the_middle_of_a_long_text_is_read(classifier: Classifier) -> None:
    around, within = "the doctor " * 150, "a clown ! " * 150
    without, told = classifier.score([around * 2, around + within + around], [None, None])
    assert any(told.logits[label] > without.logits[label] + 1e-4 for label in classifier.labels)


def test_different_texts_score_differently(classifier: Classifier) -> None:
    one, other = classifier.score(["you are a clown", "thank you doctor!"], [None, None])
    assert dict(one.logits) != pytest.approx(dict(other.logits), abs=1e-4)


def test_spans_lie_in_their_text_in_order(classifier: Classifier) -> None:
    for text, scored in zip(TEXTS, classifier.score(TEXTS, [None] * len(TEXTS)), strict=True):
        bounds = [place for span in scored.spans for place in (span.start, span.end)]
        assert bounds == sorted(bounds)
        assert all(0 <= span.start < span.end <= len(text) for span in scored.spans)
        assert all(isinstance(span.type, SpanType) for span in scored.spans)


def test_the_pipeline_takes_it(settings: Settings, classifier: Classifier) -> None:
    pipeline = Pipeline.load(settings)
    assessment = pipeline.assess([Text("you are a clown")])[0]
    assert pipeline.model == assessment.model == classifier.revision
    assert assessment.assessed
    assert assessment.probabilities.keys() == set(classifier.labels)
    assert all(0 <= probability <= 1 for probability in assessment.probabilities.values())


@pytest.mark.parametrize("damage", ["missing", "empty", "truncated"])
def test_damaged_weights_are_named(settings: Settings, tmp_path: Path, damage: str) -> None:
    assert settings.folder is not None
    for path in settings.folder.iterdir():
        content = path.read_bytes()
        if path.suffix == ".safetensors":
            if damage == "missing":
                continue
            content = content[: 0 if damage == "empty" else len(content) // 2]
        (tmp_path / path.name).write_bytes(content)
    with pytest.raises(ModelUnavailable, match=str(tmp_path)):
        named(settings.model_copy(update={"folder": tmp_path}))
