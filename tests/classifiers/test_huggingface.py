from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import BertConfig

from classifiers.calibration import Calibration, Curve
from classifiers.errors import ModelUnavailable
from classifiers.huggingface import load
from classifiers.labels import Label
from classifiers.settings import Settings
from tests.classifiers.examples import huggingface as example

TEXTS = ["you are a clown", "thank you doctor", "the " * 300, "", "!", "you are a clown"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    example.settings(tmp_path)
    return tmp_path


def settings(folder: Path | None, **other: object) -> Settings:
    return Settings.model_validate({"name": "huggingface", "folder": folder, "label_map": example.LABEL_MAP, **other})


def test_labels_are_mapped_and_the_likeliest_speaks(folder: Path) -> None:
    classifier = load(settings(folder))
    assert classifier.labels == (Label.HARASSMENT, Label.SOLICITATION)
    each = [load(settings(folder, label_map={name: "harassment"})) for name in ("toxic", "insult")]
    highest = max(one.score(TEXTS[:1], [None])[0].logits[Label.HARASSMENT] for one in each)
    assert classifier.score(TEXTS[:1], [None])[0].logits[Label.HARASSMENT] == pytest.approx(highest)


def test_a_text_scores_the_same_in_any_batch(folder: Path) -> None:
    together = load(settings(folder)).score(TEXTS, [None] * len(TEXTS))
    alone = [load(settings(folder, batch_tokens=1)).score([text], [None])[0] for text in TEXTS]
    for one, other in zip(together, alone, strict=True):
        assert dict(one.logits) == pytest.approx(dict(other.logits), abs=1e-4)
    assert dict(together[0].logits) == pytest.approx(dict(together[-1].logits), abs=1e-4)
    assert together[0] != together[1]


def test_of_exclusive_labels_the_logit_is_against_all_others(folder: Path) -> None:
    raw = load(settings(folder)).score(TEXTS[:1], [None])[0].logits[Label.SOLICITATION]
    config = BertConfig.from_pretrained(folder)
    config.problem_type = "single_label_classification"
    config.save_pretrained(folder)
    exclusive = load(settings(folder)).score(TEXTS[:1], [None])[0].logits
    assert exclusive[Label.SOLICITATION] != pytest.approx(raw)
    assert sum(torch.sigmoid(torch.tensor(logit)).item() for logit in exclusive.values()) <= 1


def test_without_a_calibration_no_promise_is_made_and_with_one_it_is_used(folder: Path) -> None:
    assert load(settings(folder)).calibration.line(Label.HARASSMENT, 0.01) is None
    curves = Calibration({Label.HARASSMENT: Curve(2, -1, 0.3), Label.SOLICITATION: Curve(1, 0, 0.1)})
    (folder / "calibration.json").write_text(curves.to_json(), encoding="utf-8")
    assert load(settings(folder)).calibration == curves


def test_other_weights_have_another_revision(folder: Path) -> None:
    before = load(settings(folder)).revision
    weights = load_file(folder / "model.safetensors")
    save_file({name: tensor + 1 for name, tensor in weights.items()}, folder / "model.safetensors", {"format": "pt"})
    assert load(settings(folder)).revision != before
    assert before.startswith("huggingface-")


def test_a_model_without_a_head_is_refused(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    headless = {name: tensor for name, tensor in weights.items() if not name.startswith("classifier")}
    save_file(headless, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelUnavailable, match=r"classifier\.weight"):
        load(settings(folder))


def test_what_is_wrong_is_named(folder: Path, tmp_path: Path) -> None:
    for wrong, word in [
        (settings(None), "either a folder or a hub_id"),
        (settings(folder, hub_id="owner/model"), "either a folder or a hub_id"),
        (settings(folder / "nowhere"), "nowhere"),
        (settings(folder, label_map={}), "toxic, insult, advert"),
        (settings(folder, label_map={"rude": "harassment"}), "toxic, insult, advert"),
        (settings(None, hub_id="owner/model"), "full commit hash"),
        (settings(None, hub_id="owner/model", revision="main"), "full commit hash"),
    ]:
        with pytest.raises(ModelUnavailable, match=word):
            load(wrong)


def test_a_truncated_file_is_named(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ModelUnavailable, match=str(folder)):
        load(settings(folder))
