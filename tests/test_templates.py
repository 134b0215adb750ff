"""What the templates say: everywhere short enough, everywhere passed by the guard, and fitted to where it is said."""

from pathlib import Path

import pytest

from bot import red_flags
from bot.commands.guarding import template_proofs
from bot.config import read
from bot.guard import Proof, judge
from bot.lengths import LIMITS, length, limit
from bot.replies import Occasion, Templates
from bot.shipped import shipped
from bot.supportive import templates
from classifiers.labels import Label
from classifiers.pipeline import Pipeline, Settings

SHIPPED = templates()
COUNTRIES = {"GB": "999", "US": "911", "IE": "112 or 999", "CA": "911", "AU": "000", "NZ": "111", "SG": "995"}
LINKS = {
    "contact": "https://example.org/contact",
    "rules": "https://example.org/rules",
    "sources": "https://example.org/",
}


@pytest.fixture(scope="module", params=["with the model", "without it"])
def found(request: pytest.FixtureRequest) -> list[Proof]:
    teller = Pipeline.load(Settings()).tells if request.param == "with the model" else None
    return list(template_proofs(read(shipped("chaperone.toml")), teller))


def test_every_text_of_every_template_passes_the_guard_and_fits_everywhere(found: list[Proof]) -> None:
    assert not [each for each in found if each.wrong]


def test_the_table_has_every_label_platform_and_country(found: list[Proof]) -> None:
    places = {(each.template, each.platform, each.country) for each in found}
    assert {
        (label.value, platform, country) for label in Label for platform in LIMITS for country in COUNTRIES
    } <= places


def test_with_links_they_pass_too_and_no_other_may_be_named() -> None:
    own = frozenset(LINKS.values()) | SHIPPED.public_lines()
    for name in SHIPPED.names():
        for words in SHIPPED.variants(name, Occasion(links=LINKS)):
            assert not judge(words, own=own).refused
    assert [reason.rule for reason in judge("More on https://elsewhere.example/cure", own=own).reasons] == ["contact"]


@pytest.mark.parametrize("name", SHIPPED.names())
def test_a_thread_does_not_read_like_a_machine(name: str) -> None:
    assert len(set(SHIPPED.variants(name, Occasion()))) >= 3


@pytest.mark.parametrize(("country", "number"), COUNTRIES.items())
def test_red_flags_get_the_countrys_emergency_number(country: str, number: str) -> None:
    for words in SHIPPED.variants("diagnosis_request", Occasion(country=country, urgent=True)):
        assert f"call {number}" in words
    for words in SHIPPED.variants("diagnosis_request", Occasion(country=country)):
        assert f"call {number}" not in words


@pytest.mark.parametrize("country", ["", "ZA", "XX"])
def test_where_no_official_page_has_a_number_none_is_said(country: str) -> None:
    for words in SHIPPED.variants("diagnosis_request", Occasion(country=country, urgent=True)):
        assert "call your local emergency number" in words
        assert not any(sign.isdigit() for sign in words)


RED = [
    "I have chest pain and my arm is numb",
    "she can't breathe",
    "I can’t breathe",
    "bleeding heavily since noon",
    "her face is drooping",
]


@pytest.mark.parametrize("comment", RED)
def test_red_flags_are_known(comment: str) -> None:
    assert red_flags.named(comment)
    assert not red_flags.named("what is this spot on my arm?")


FITS = [
    (Occasion(), "anywhere"),
    (Occasion("x"), "on X"),
    (Occasion("facebook", "GB"), "in Britain"),
    (Occasion("x", "GB"), "on X"),
    (Occasion("x", private=True), "on X"),
    (Occasion("facebook", "GB", private=True), "in private"),
    (Occasion(language="cy"), "in Welsh"),
]


@pytest.mark.parametrize(("on", "words"), FITS)
def test_the_file_that_names_most_of_the_occasion_is_taken(on: Occasion, words: str) -> None:
    files = {"a": "anywhere", "a.x": "on X", "a.GB": "in Britain", "a.private": "in private", "a.cy": "in Welsh"}
    assert Templates({stem: (text,) for stem, text in files.items()}).words("a", "key", on) == words


def test_a_template_reaches_nothing_but_what_it_is_given(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("{{ ''.__class__.__mro__ }}")
    with pytest.raises(Exception, match="cannot be rendered"):
        Templates.read(tmp_path)


COUNTED = [
    ("x", "a" * 280, 280),
    ("x", "see https://example.org/" + "a" * 100, 27),
    ("x", "write to first.last@mail.example.org", 36),
    ("x", "💛", 2),
    ("facebook", "💛", 1),
]


@pytest.mark.parametrize(("platform", "words", "count"), COUNTED)
def test_a_text_is_counted_as_its_platform_counts(platform: str, words: str, count: int) -> None:
    assert length(platform, words) == count


def test_a_platform_that_is_not_known_gets_the_shortest() -> None:
    assert limit("nowhere") == 280
