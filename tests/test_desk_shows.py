"""The search of `python -m benchmarks.desk masking`: what it finds, and what of ours it passes over."""

import pytest

from benchmarks.desk.masking import Row, _in_clear, _strings
from classifiers.labels import Label, SpanType

ROW = Row("…", Label.HEALTH_DISCLOSURE, (("Mill Lane", SpanType.PLACE), ("4", SpanType.CONDITION)))
SENT = [
    ("[PLACE]", []), ("at mill lane, [DATE]", [SpanType.PLACE]), ("at MILL LANE", [SpanType.PLACE]),
    ("windmill lanes", []), ("26 words, 4 × treatment", []), ("stage 4", [SpanType.CONDITION]),
]  # fmt: skip


@pytest.mark.parametrize(("said", "found"), SENT, ids=[said for said, _ in SENT])
def test_an_identifier_is_found_in_any_case_as_whole_words(said: str, found: list[SpanType]) -> None:
    assert list(_in_clear(ROW, [said], {"ours"})) == found


def test_every_string_of_a_call_is_searched_as_its_author_wrote_it() -> None:
    body = {"components": [{"content": "ask @\u200bsam"}, {"components": [{"label": "at http[:]//x"}]}], "flags": 4}
    assert list(_strings(body)) == ["ask @sam", "at http://x"]
