import logging
from collections.abc import Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers.errors import ModelUnavailable
from classifiers.labels import Assessment, Label, NotAssessed, SpanType
from classifiers.pipeline import Pipeline, Settings, Text
from tests.classifiers.keywords import Keywords


def assess(texts: Sequence[str], **config: object) -> list[Assessment]:
    pipeline = Pipeline(Settings.model_validate(config), Keywords())
    return pipeline.assess([Text(text) for text in texts])


def without_model(text: str) -> Assessment:
    return Pipeline.without_model(Settings(), "the weights are missing").assess([Text(text)])[0]


def test_a_text_gets_a_calibrated_probability_for_every_label() -> None:
    [seen] = assess(["this is harassment of the doctor"])
    assert seen.assessed
    assert seen.model == "keywords-1"
    assert seen.probabilities.keys() == set(Label)
    assert seen.probabilities[Label.HARASSMENT] > 0.9
    assert all(p < 0.1 for label, p in seen.probabilities.items() if label is not Label.HARASSMENT)


def test_a_disguised_text_is_scored_undisguised_and_its_spans_come_back_as_written() -> None:
    text = "h4r4ssment of \u200bM\u200baureen, 07700 900418"
    [seen] = assess([f"this is {text}"])
    assert seen.probabilities[Label.HARASSMENT] > 0.9
    found = {(f"this is {text}"[span.start : span.end], span.type) for span in seen.spans}
    assert found == {("M\u200baureen", SpanType.PERSON), ("07700 900418", SpanType.CONTACT)}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Gracias doctora, me ayudó mucho con mi dolor", NotAssessed.LANGUAGE),
        ("❤️", NotAssessed.WORDLESS),
        ("", NotAssessed.WORDLESS),
        ("word " * 20_000, NotAssessed.UNREADABLE),
        ("h\0e\0l\0l\0o\0", NotAssessed.UNREADABLE),
        ("\ud83d\ud83d\ud83d hi", NotAssessed.UNREADABLE),
        ("this makes it go boom", NotAssessed.MODEL_DOWN),
        ("an overflow of something", NotAssessed.MODEL_DOWN),
        ("this one goes astray", NotAssessed.MODEL_DOWN),
    ],
)
def test_what_is_not_assessed_says_why_and_is_never_clean(text: str, reason: NotAssessed) -> None:
    before, seen, after = assess(["this is harassment", text, "thank you doctor"])
    assert seen.reason is reason
    assert not seen.assessed
    assert seen.probabilities == {}
    assert before.probabilities[Label.HARASSMENT] > 0.9
    assert after.assessed


@pytest.mark.parametrize("text", ["🖕", "🐒🐒🐒", "fuck\0", "thank you \u202edoctor", "🐒" * 10_000, "word " * 9_000])
def test_odd_but_readable_texts_are_assessed(text: str) -> None:
    assert assess([text])[0].assessed


def test_one_text_that_fails_costs_only_its_own_assessment() -> None:
    seen = assess(["thank you", "boom goes the doctor", "this is harassment"] * 3)
    assert [each.reason for each in seen] == [None, NotAssessed.MODEL_DOWN, None] * 3


def test_texts_are_handed_on_together() -> None:
    classifier = Keywords()
    Pipeline(Settings(), classifier).assess([Text("thank you doctor")] * 50 + [Text("❤️")])
    assert classifier.calls == [50]


def test_a_stated_base_rate_moves_probabilities_and_lines() -> None:
    rare = Pipeline(Settings(base_rate={Label.HARASSMENT: 0.001}), Keywords())
    usual = Pipeline(Settings(), Keywords())
    text = [Text("this is harassment")]
    assert rare.assess(text)[0].probabilities[Label.HARASSMENT] < usual.assess(text)[0].probabilities[Label.HARASSMENT]
    assert usual.line(Label.HARASSMENT, 0.98) is not None
    assert rare.line(Label.HARASSMENT, 0.98) is None
    assert rare.line(Label.CRISIS, 0.98) == usual.line(Label.CRISIS, 0.98)


def test_that_crises_are_rare_lets_none_be_overlooked() -> None:
    rare, usual = (Pipeline(Settings(base_rate=rates), Keywords()) for rates in ({Label.CRISIS: 0.001}, {}))
    assert rare.line(Label.CRISIS, 0.5) == usual.line(Label.CRISIS, 0.5)
    found, expected = (each.assess([Text("a crisis")])[0].probabilities[Label.CRISIS] for each in (rare, usual))
    assert found == expected


def test_where_the_model_knows_no_crisis_the_word_list_does() -> None:
    pipeline = Pipeline(Settings(), Keywords(labels=(Label.HARASSMENT,)))
    danger, insult = pipeline.assess([Text("I want to kill myself tonight"), Text("harassment")])
    assert danger.assessed
    assert danger.probabilities[Label.CRISIS] >= 0.5
    assert insult.probabilities.keys() == {Label.HARASSMENT}


def test_what_is_over_the_line_keeps_the_promise_to_the_last_place() -> None:
    pipeline = Pipeline(Settings(), Keywords())
    line = pipeline.line(Label.CRISIS, 0.98)
    assert line is not None
    over, under = pipeline.assess([Text("a crisis"), Text("thank you")])
    assert over.probabilities[Label.CRISIS] >= line > under.probabilities[Label.CRISIS]


def test_without_a_model_everything_with_words_waits_for_a_person() -> None:
    seen = without_model("thank you doctor")
    assert seen.reason is NotAssessed.MODEL_DOWN
    assert seen.probabilities == {}
    assert seen.model.startswith("lexicon-")


def test_without_a_model_a_crisis_is_still_found() -> None:
    for text in ("I want to kill myself tonight", "i w4nt to k1ll my\u200bself tonight"):
        seen = without_model(text)
        assert seen.reason is NotAssessed.MODEL_DOWN
        assert seen.probabilities.keys() == {Label.CRISIS}
        assert 0.5 <= seen.probabilities[Label.CRISIS] < 1


def test_a_crisis_is_found_in_a_text_on_which_the_model_fails() -> None:
    [seen] = assess(["boom. I want to kill myself tonight"])
    assert seen.probabilities.keys() == {Label.CRISIS}


def test_without_a_model_there_are_still_reasons_and_spans_but_no_promises() -> None:
    assert without_model("Gracias doctora, me ayudó mucho").reason is NotAssessed.LANGUAGE
    assert without_model("❤️").reason is NotAssessed.WORDLESS
    assert [span.type for span in without_model("call me on 07700 900418 please").spans] == [SpanType.CONTACT]
    pipeline = Pipeline.without_model(Settings(), "the weights are missing")
    assert pipeline.why == "the weights are missing"
    assert all(pipeline.line(label, 0.5) is None for label in Label)


def test_a_failure_is_logged_without_the_text(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        assess(["boom goes Maureen"])
    assert "scoring_failed" in caplog.text
    assert "Maureen" not in str([record.__dict__ for record in caplog.records])


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_gone_is_a_model_that_is_down() -> None:
    with pytest.raises(ModelUnavailable, match=r"encoder\.py cannot load"):
        Pipeline.load(Settings(device="cuda"))


@pytest.mark.parametrize("name", ["nowhere", "labels", "pipeline", "os.path", "../encoder", ""])
def test_a_name_that_is_no_classifier_is_named(name: str) -> None:
    with pytest.raises(ModelUnavailable, match="classifiers/"):
        Pipeline.load(Settings(name=name))


@pytest.mark.parametrize(
    "config",
    [{"nmae": "encoder"}, {"languages": ["xx"]}, {"base_rate": {"crisis": 0}}, {"base_rate": {"rude": 0.1}}],
)
def test_a_config_that_cannot_be_is_refused(config: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"nmae|languages|base_rate"):
        Settings.model_validate(config)


def test_every_setting_is_described() -> None:
    assert all(field.description for field in Settings.model_fields.values())


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.text(st.one_of(st.characters(), st.sampled_from("boom 🖕\ud800\0\u202e\u200b")), max_size=40), max_size=5
    )
)
def test_any_texts_get_one_assessment_each_in_order(texts: list[str]) -> None:
    seen = assess(texts)
    assert len(seen) == len(texts)
    assert seen == [assess([text])[0] for text in texts]
    for text, each in zip(texts, seen, strict=True):
        assert each.assessed == bool(each.probabilities) or each.probabilities.keys() == {Label.CRISIS}
        assert all(0 <= span.start < span.end <= len(text) for span in each.spans)


class Judging(Keywords):
    """Also judges replies, and fails on a "boom" as on a comment."""

    def tells(self, replies: Sequence[str]) -> list[float]:
        if "boom" in replies[0]:
            raise RuntimeError(replies[0])
        return [float(reply.count("visit")) for reply in replies]


def test_a_reply_is_judged_undisguised_by_a_classifier_that_can() -> None:
    assert Pipeline(Settings(), Judging()).tells("thank you for your v1s\u200bit") == 1.0
    assert Pipeline(Settings(), Keywords()).tells("thank you for your visit") is None
    assert Pipeline.without_model(Settings(), "the weights are missing").tells("thank you") is None


def test_a_reply_on_which_the_model_fails_is_left_to_the_rules_and_out_of_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.DEBUG):
        assert Pipeline(Settings(), Judging()).tells("boom goes Quentin") is None
    assert "judging_failed" in caplog.text
    assert "Quentin" not in caplog.text


def test_what_was_read_of_a_text_in_two_languages_is_told_beside_why_it_is_not_assessed() -> None:
    text = "What a lovely team you all are, every one of you. Me quiero suicidar esta noche, ya no puedo más."
    (seen,) = Pipeline(Settings(), Keywords()).assess([Text(text)])
    assert seen.reason is NotAssessed.LANGUAGE
    assert set(seen.probabilities) == set(Label)
