import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.identifiers import MOST, found, merged
from classifiers.labels import Span, SpanType

FOUND = [
    ("mail me at gwyn.prosser51@example.org thanks", "gwyn.prosser51@example.org", SpanType.CONTACT),
    ("call 07700 900418 before six", "07700 900418", SpanType.CONTACT),
    ("ring (419) 555-0126, ask for Jo", "(419) 555-0126", SpanType.CONTACT),
    ("whatsapp +254 722 555 018 now", "+254 722 555 018", SpanType.CONTACT),
    ("telegram: dr_healer99", "dr_healer99", SpanType.CONTACT),
    ("my discord is quesy#0412", "quesy#0412", SpanType.CONTACT),
    ("my discord is ...quesy#0412", "quesy#0412", SpanType.CONTACT),
    ("order at wa.me/254700555", "wa.me/254700555", SpanType.CONTACT),
    ("that's my sister @tilly_oakes", "@tilly_oakes", SpanType.PERSON),
    ("NHS number 943 476 5919 if you need it", "943 476 5919", SpanType.RECORD),
    ("MRN 00482913 says otherwise", "00482913", SpanType.RECORD),
    ("my member ID is BMF-20-771833", "BMF-20-771833", SpanType.RECORD),
    ("UHB/22/10934, Mr P", "UHB/22/10934", SpanType.RECORD),
    ("DOB 14/02/1951, me", "14/02/1951", SpanType.BIRTH_DATE),
    ("she was born on 3 May 1990", "3 May 1990", SpanType.BIRTH_DATE),
    ("operated on 14/02/2021.", "14/02/2021", SpanType.DATE),
    ("since 3rd March it hurts", "3rd March", SpanType.DATE),
    ("fell two weeks ago", "two weeks ago", SpanType.DATE),
    ("I live in SW1A 1AA", "SW1A 1AA", SpanType.PLACE),
    ("at 43 Farrier's Row, Oakham", "43 Farrier's Row", SpanType.PLACE),
    ("gran is on Ward 14", "Ward 14", SpanType.PLACE),
]

NOTHING = [
    "take 5mg/kg q8h, BP 120/80, 12000 for a scan, 7.5 of 10, 2.5-5 ml",
    "COVID-19, H1N1, BNT162b2, HbA1c 48, CA-125, TP53, B12, 5-HT, NCT",
    "thanks @NHSuk and @BootsHelp and @BBCNews",
    "I may march on, the sun is out, sat on a wall, my second child",
    "999 014 7733 people cannot be wrong about 10,000,000 doses",  # no NHS number: its check digit is wrong
    "page 3/4, 24/7, 1-2 weeks, 10x better, £20.50, 3:51",
]


@pytest.mark.parametrize(("text", "it", "type_"), FOUND)
def test_what_points_to_somebody_is_found(text: str, it: str, type_: SpanType) -> None:
    assert [(text[s.start : s.end], s.type) for s in merged(found(text))] == [(it, type_)]


@pytest.mark.parametrize("text", NOTHING)
def test_doses_codes_and_public_handles_point_to_nobody(text: str) -> None:
    pointing = [text[s.start : s.end] for s in merged(found(text)) if s.type is not SpanType.CONTACT]
    assert pointing == []


@pytest.mark.parametrize("row", ["a", "a.", "-", "A-", "@", "a@"])
def test_a_long_row_hides_no_address_and_holds_nothing_up(row: str) -> None:
    text = row * 12_500 + " gwyn@example.org"
    assert Span(len(text) - 16, len(text), SpanType.CONTACT) in set(found(text))


def test_of_a_text_full_of_numbers_only_so_many_are_looked_at() -> None:
    numbers = {span.start for span in found("07700 900418; " * (MOST + 100))}
    assert numbers == {14 * place for place in range(MOST)}
    assert not any(found("1 " * 12_500 + "or 07700 900418"))


def test_the_longest_span_wins_and_others_keep_what_it_leaves() -> None:
    spans = [Span(0, 4, SpanType.PERSON), Span(2, 12, SpanType.PLACE), Span(5, 8, SpanType.TOWN)]
    assert merged(spans) == (Span(0, 2, SpanType.PERSON), Span(2, 12, SpanType.PLACE))


def test_of_spans_of_one_length_the_first_wins() -> None:
    assert merged([Span(0, 4, SpanType.RECORD), Span(0, 4, SpanType.CONTACT)]) == (Span(0, 4, SpanType.RECORD),)


def cut(bounds: tuple[int, int], type_: SpanType) -> Span:
    return Span(min(bounds), max(bounds) + 1, type_)


spans = st.lists(st.builds(cut, st.tuples(st.integers(0, 30), st.integers(0, 30)), st.sampled_from(SpanType)))


@given(spans)
def test_merged_spans_cover_the_same_text_in_order_without_overlaps(given_spans: list[Span]) -> None:
    result = merged(given_spans)
    covered = [place for span in result for place in range(span.start, span.end)]
    assert covered == sorted({place for span in given_spans for place in range(span.start, span.end)})
    assert all(span.start < span.end for span in result)


@given(st.text(st.one_of(st.characters(), st.sampled_from("0123456789 @.-/+#Aa")), max_size=80))
def test_it_survives_any_text(text: str) -> None:
    assert all(0 <= span.start < span.end <= len(text) for span in merged(found(text)))
