"""The weights in the project: there, small enough, and of use."""

from classifiers.encoder import SHIPPED, load
from classifiers.labels import Label
from classifiers.settings import Settings

MOST = 48 * 2**20  # bytes


def test_the_shipped_weights_are_small() -> None:
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) <= MOST


def test_the_shipped_weights_tell_plain_cases_apart() -> None:
    model = load(Settings())
    texts = [
        "you are a pathetic excuse for a doctor, you stupid cow",
        "lump on my neck for three weeks, should i get it checked?",
        "message Dr Ebo on whatsapp, his herbs cured my herpes",
        "What time do you open on Saturday?",
    ]
    first, second, third, last = model.score(texts, [None] * len(texts))
    assert first.logits[Label.HARASSMENT] > 0
    assert second.logits[Label.DIAGNOSIS_REQUEST] > 0
    assert third.logits[Label.SOLICITATION] > 0
    assert max(last.logits.values()) < 0


def test_a_curve_ships_for_every_label() -> None:
    model = load(Settings())
    assert set(model.calibration.curves) == set(model.labels) == set(Label)


def test_the_shipped_weights_judge_replies() -> None:
    breach, policy = load(Settings()).tells(
        ["Thank you for your visit, we loved seeing you again!", "Our opening hours are 8 to 6, Monday to Friday."]
    )
    assert breach > 0 > policy
