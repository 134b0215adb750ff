"""`chaperone score`: the contract other programs rely on, with the shipped model."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bot.__main__ import app
from classifiers.labels import Label, SpanType

LINES: list[dict[str, Any]] = [
    {"id": "1", "text": "thank you doctor, very clear"},
    {"id": 2, "text": "you are a pathetic excuse for a doctor and I hope you die", "parent_post": "Flu week"},
    {"id": "3", "text": "¿Puedo ir mañana con mi hija o hay que pedir cita antes?"},
    {"id": "4", "text": "❤️"},
    {"id": "5", "text": "what is this lump on my neck? call me on 020 7946 0991"},
    {"id": "6", "text": "\ud800 broken \u0000 sign"},
]


def scored(text: str | bytes, *arguments: str) -> list[dict[str, Any]]:
    done = CliRunner().invoke(app, ["score", "-", "--json", "-c", "no-such.toml", *arguments], input=text)
    assert done.exit_code == 0, (done.output, done.exception)
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    return scored("".join(json.dumps(line) + "\n" for line in LINES))


def test_lines_out_are_lines_in_in_order(rows: list[dict[str, Any]]) -> None:
    assert [row["id"] for row in rows] == ["1", "2", "3", "4", "5", "6"]


def test_a_row_has_the_promised_keys(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        assert set(row) - {"reason"} == {"id", "assessed", "labels", "flags", "acts", "spans"}
        assert ("reason" in row) == (not row["assessed"])
        assert set(row["labels"]) == (set(Label) if row["assessed"] else set())
        assert all(0 <= p <= 1 for p in row["labels"].values())
        assert set(row["acts"]) <= set(row["flags"]) <= set(Label)
        assert "crisis" not in row["acts"]


def test_what_is_plain_is_found(rows: list[dict[str, Any]]) -> None:
    assert rows[0]["flags"] == []
    assert "harassment" in rows[1]["flags"]
    assert (rows[2]["reason"], rows[3]["reason"]) == ("language", "wordless")
    assert "diagnosis_request" in rows[4]["flags"]


def test_spans_are_offsets_of_the_text_as_given(rows: list[dict[str, Any]]) -> None:
    text = str(LINES[4]["text"])
    found = {text[span["start"] : span["end"]]: SpanType(span["type"]) for span in rows[4]["spans"]}
    assert found["020 7946 0991"] is SpanType.CONTACT


def test_lines_that_cannot_be_read_are_rows_too() -> None:
    broken = b'not json\n{"id": "a"}\n{"id": "b", "text": 7}\n\xff\xfe\n{"id": "c", "text": "hello there"}\n'
    rows = scored(broken)
    assert [(row["id"], row.get("reason")) for row in rows] == [
        (None, "malformed"),
        ("a", "malformed"),
        ("b", "malformed"),
        (None, "malformed"),
        ("c", None),
    ]


def test_a_text_gets_the_same_score_in_any_company(rows: list[dict[str, Any]]) -> None:
    alone = scored(json.dumps(LINES[1]) + "\n")[0]
    for label, p in rows[1]["labels"].items():
        assert alone["labels"][label] == pytest.approx(p, abs=2e-4)


def test_a_missing_file_and_truncated_weights_are_one_message_each(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["score", str(tmp_path / "none.jsonl"), "-c", "no-such.toml"])
    assert "cannot be read: No such file" in str(done.exception)
    (tmp_path / "model.safetensors").write_bytes(b"short")
    (tmp_path / "c.toml").write_text(
        f'[classifier]\nfolder = "{tmp_path}"\n'
        '[[accounts]]\nname = "a"\nplatform = "replay"\nsettings = { path = "x" }'
    )
    done = CliRunner().invoke(app, ["score", "-", "-c", str(tmp_path / "c.toml")], input="")
    assert type(done.exception).__name__ == "ModelUnavailable"
    assert "truncated" in str(done.exception)
