"""The rows that training reads: what is known, what is masked, and who stands on which side of a split."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from classifiers.labels import IDENTIFIERS, Label, SpanType
from classifiers.training import corpus, public, readings
from classifiers.training.rows import UNKNOWN, Row, known, partly, read
from classifiers.training.splits import FOLDS, held_out


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def _own(text: str, labels: list[str], **more: Any) -> dict[str, Any]:
    return {"id": f"x-{text[:8]}", "text": text, "labels": labels, "parent_post": None} | more


@pytest.fixture
def data(tmp_path: Path) -> Path:
    _write(
        tmp_path / "authored" / "harassment.jsonl",
        [_own("Dr Okonjo is thick", ["harassment"], attributes={"identifiers": ["Okonjo"]})],
    )
    rows = [_own("so happy my sister is cancer free", ["health_disclosure"], set="illness", skip=None)]
    rows.append(_own("who knows", [], set="illness", skip="arguable"))
    _write(tmp_path / "relabelled" / "part1.jsonl", rows)
    for name in {use.set for use in public.USES} | set(public.UNREAD) | {"ner_presidio", "ner_btc", "ner_wnut17"}:
        with gzip.open(tmp_path / f"{name}.jsonl.gz", "wt", encoding="utf-8") as file:
            file.write(json.dumps(_public(name)) + "\n")
    return tmp_path


def _public(name: str) -> dict[str, Any]:
    raw = {"text": f"a row of {name}", "original_label": "hateful", "category": "none", "toxicity_score": 5}
    if name.startswith("ner"):
        raw |= {"text": "I know Ann Bell", "tokens": ["I", "know", "Ann", "Bell"], "tags": ["O", "O", "B-PER", "I-PER"]}
    return raw


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    folder = tmp_path / "ours"
    row = _own("Dr Bell, St Ann ward", [], spans=[["Bell", "person"], ["St Ann ward", "place"]])
    _write(folder / "requests-disclosures.jsonl", [row])
    return folder


def test_building_keeps_what_is_known_and_masks_the_rest(data: Path, ours: Path, tmp_path: Path) -> None:
    corpus.build(data, ours, tmp_path / "out", labels=tmp_path / "none", unseen=tmp_path / "none")
    own = {row.writer: row for row in read(tmp_path / "out" / "own.jsonl")}
    assert own["relabelled/illness"].targets == known(["health_disclosure"])
    assert len(own) == 3  # the arguable row is left out
    others = {row.writer: row for row in read(tmp_path / "out" / "public.jsonl")}
    hateful = others["public/hatemoji_build"]
    assert hateful.target(Label.HARASSMENT) == 1
    assert hateful.target(Label.CRISIS) is None


def test_replies_are_kept_apart_from_comments(data: Path, ours: Path, tmp_path: Path) -> None:
    corpus.build(data, ours, tmp_path / "out", labels=tmp_path / "none", unseen=tmp_path / "none")
    replies = read(tmp_path / "out" / "replies.jsonl")
    assert {row.tells for row in replies} == {0, 1}
    assert {row.targets for row in replies} == {UNKNOWN}
    assert not {row.writer for row in replies} & {row.writer for row in read(tmp_path / "out" / "own.jsonl")}


def test_a_comment_that_two_readers_label_differently_is_left_out(data: Path, ours: Path, tmp_path: Path) -> None:
    read_by_two = next(corpus.relabelled(data))
    (tmp_path / "arguable.json").write_text(json.dumps([{"set": "illness", "hash": readings.digest(read_by_two.text)}]))
    corpus.build(data, ours, tmp_path / "out", labels=tmp_path, unseen=tmp_path / "none")
    assert "relabelled/illness" not in {row.writer for row in read(tmp_path / "out" / "own.jsonl")}


def test_what_the_model_is_measured_on_is_never_trained_on(data: Path, ours: Path, tmp_path: Path) -> None:
    unseen, read_for_it = tmp_path / "unseen", "a row of nhs_feedback"
    _write(unseen / "written" / "town.jsonl", [_own("my gout is back", ["health_disclosure"]), _own("WHO knows", [])])
    labelled = {"set": "nhs_feedback", "hash": readings.digest(read_for_it), "labels": [], "skip": False}
    _write(unseen / "real" / "one.jsonl", [labelled])
    _write(ours / "told.jsonl", [_own("who knows?", [])])
    corpus.build(data, ours, tmp_path / "out", labels=tmp_path / "none", unseen=unseen)
    kept = {
        name: {row.text for row in read(tmp_path / "out" / f"{name}.jsonl")} for name in ("own", "public", "unseen")
    }
    assert kept["unseen"] == {"my gout is back", read_for_it}
    assert not kept["unseen"] & (kept["own"] | kept["public"])


def test_spans_are_found_where_their_words_stand(data: Path, ours: Path, tmp_path: Path) -> None:
    corpus.build(data, ours, tmp_path / "out", labels=tmp_path / "none", unseen=tmp_path / "none")
    own = {row.writer: row for row in read(tmp_path / "out" / "own.jsonl")}
    typed = own["corpus/requests-disclosures"]
    assert [(typed.text[m.start : m.end], m.kinds) for m in typed.marks or ()] == [
        ("Bell", (SpanType.PERSON,)),
        ("St Ann ward", (SpanType.PLACE,)),
    ]
    untyped = own["authored/harassment"]
    assert [(m.start, m.end, set(m.kinds)) for m in untyped.marks or ()] == [(3, 9, set(IDENTIFIERS))]
    assert SpanType.CONDITION in untyped.elsewhere


def test_a_text_that_is_ours_is_left_out_of_the_public_rows() -> None:
    ours = Row("1", "authored/crisis", "Help me, NOW!", known([]))
    theirs = [Row("2", "public/cad", "help me now", partly(harassment=0)), Row("3", "public/cad", "no", partly())]
    assert [row.id for row in corpus.unique(theirs, without=[ours])] == ["3"]


def test_the_sources_count_rows_and_labels() -> None:
    rows = [Row("1", "a", "x", known(["crisis"])), Row("2", "a", "y", known([]))]
    assert corpus.counts(rows) == {"a": {"rows": 2, "crisis": 1}}


def test_every_writer_is_held_out_once_and_whole() -> None:
    writers = sorted(frozenset().union(*FOLDS))
    rows = [Row(f"{w}{i}", w, "x", known([])) for w in writers for i in range(2)]
    sides = [{row.writer for row in held_out(rows, fold)} for fold in range(len(FOLDS))]
    assert sorted(w for side in sides for w in side) == writers
    assert all(len(held_out(rows, fold)) == 2 * len(sides[fold]) for fold in range(len(FOLDS)))


def test_a_writer_in_no_fold_is_refused() -> None:
    with pytest.raises(ValueError, match="corpus/new"):
        held_out([Row("1", "corpus/new", "x", known([]))], 0)


def test_every_file_of_ours_is_in_a_fold() -> None:
    ours = [f"corpus/{path.stem}" for path in corpus.OWN.glob("*.jsonl")]
    ours += [f"replies/{path.stem}" for path in corpus.REPLIES.glob("*.jsonl")]
    held_out([Row("1", writer, "x", known([])) for writer in ours], 0)
