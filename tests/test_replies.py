"""What we say: only shipped templates, and none of them may confirm anything."""

from pathlib import Path

import pytest

from bot.errors import ConfigError, ReplyRefused
from bot.replies import Templates
from bot.supportive import templates
from classifiers.labels import Label

SHIPPED = templates()
BREACHES = ["patient", "your visit", "appointment", "your treatment", "your results", "as we discussed", "record"]


@pytest.mark.parametrize("words", sorted(SHIPPED.all_words()))
def test_no_shipped_text_confirms_that_somebody_is_a_patient(words: str) -> None:
    assert not [breach for breach in BREACHES if breach in words.lower()]
    assert len(words) <= 280  # the shortest limit of any platform


def test_every_label_has_a_template() -> None:
    assert set(SHIPPED.names()) == set(Label)


def test_a_key_always_chooses_the_same_variant_and_keys_differ() -> None:
    chosen = [SHIPPED.words("diagnosis_request", str(key)) for key in range(50)]
    assert chosen == [SHIPPED.words("diagnosis_request", str(key)) for key in range(50)]
    assert len(set(chosen)) > 1


def test_a_missing_template_is_refused_by_name() -> None:
    with pytest.raises(ReplyRefused, match="'nope'; there are: crisis, diagnosis_request"):
        SHIPPED.words("nope", "key")


@pytest.mark.parametrize(
    ("text", "told"),
    [("{{ name }}", "cannot be rendered"), ("{% for", "cannot be rendered"), ("a\n---\n\n", "empty variant")],
)
def test_a_broken_template_stops_the_start(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "x.txt").write_text(text)
    with pytest.raises(ConfigError, match=told):
        Templates.read(tmp_path)


def test_no_templates_stop_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no reply templates"):
        Templates.read(tmp_path)
