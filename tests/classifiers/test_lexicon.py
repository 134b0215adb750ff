import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers import lexicon
from classifiers.lexicon import crisis, patterns

CORPUS = Path(__file__).parents[2] / "classifiers" / "training" / "corpus"


@pytest.mark.parametrize(
    "text",
    [
        "i want to kill myself tonight",
        "I don't want to be here anymore, goodbye everyone",
        "my dad is not breathing please help what do we do",
        "took all my tablets an hour ago and now i cant stay awake",
        "he's hitting her again right now i can hear it through the wall",
        "My baby's lips are blue and she won't wake up",
    ],
)
def test_danger_is_hit_without_a_model(text: str) -> None:
    assert crisis(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Thank you doctor, lovely clinic",
        "this exam is killing me",
        "worst hospital in town, three hour wait",
        "What are the early signs of lupus?",
        "Suicide rates fell in 2019, says the report",
    ],
)
def test_everyday_comments_are_not_hit(text: str) -> None:
    assert crisis(text) is None


def test_held_out_rows_are_hit_as_well_as_promised() -> None:
    rows = [json.loads(line) for line in (CORPUS / "crisis.jsonl").read_text(encoding="utf-8").strip().split("\n")]
    odd = [row for row in rows if int(row["id"].rpartition("-")[2]) % 2]
    hits = ["crisis" in row["labels"] for row in odd if crisis(row["text"])]
    precision, recall = sum(hits) / len(hits), sum(hits) / sum("crisis" in row["labels"] for row in odd)
    assert precision >= 0.5
    assert recall >= 0.7
    assert crisis("i want to kill myself tonight") == pytest.approx(precision, abs=0.03)


def test_every_cue_is_weighed() -> None:
    weights = json.loads((Path(lexicon.__file__).parent / "lexicon.json").read_text(encoding="utf-8"))
    assert set(weights["cues"]) == set(patterns())


@given(st.text(max_size=200))
def test_it_survives_any_text(text: str) -> None:
    assert crisis(text) is None or 0 < crisis(text) < 1  # type: ignore[operator]
