"""Training on a network small enough for a test: masks hold, the loss falls, runs go on, rounding loses little."""

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from classifiers.calibration import Calibration
from classifiers.encoder import KINDS, Network, Shape, expand, read_network
from classifiers.errors import ModelUnavailable
from classifiers.labels import Label, SpanType
from classifiers.training import export
from classifiers.training.batches import batches
from classifiers.training.rows import UNKNOWN, Mark, Row, known, partly
from classifiers.training.scoring import encoder, scores
from classifiers.training.train import Recipe, _pace, fit, loss

WORDS = ["[PAD]", "[UNK]", "you", "fool", "thanks", "doctor", "nurse", "kind", "ann", "bell", "said"]
RECIPE = Recipe(epochs=2, rate=1e-2, head_rate=1e-2, size=4, warm_up=0.1)


@pytest.fixture
def tokenizer() -> Tokenizer:
    found = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
    found.normalizer = normalizers.Lowercase()
    found.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return found


def small() -> Network:
    torch.manual_seed(1)
    return Network(Shape(words=len(WORDS), width=16, inner=32, layers=2, heads=2, positions=32, dropout=0.1))


@pytest.fixture
def network() -> Network:
    return small()


@pytest.fixture
def rows() -> list[Row]:
    good, bad = known([]), known(["harassment"])
    return [Row(f"{i}", "corpus/x", *("you fool", bad) if i % 2 else ("thanks doctor", good)) for i in range(20)]


def test_the_loss_falls_and_the_run_is_saved(
    network: Network, tokenizer: Tokenizer, rows: Sequence[Row], tmp_path: Path
) -> None:
    losses = fit(network, tokenizer, rows, (), RECIPE, tmp_path)
    assert losses[1] < losses[0]
    assert {path.name for path in tmp_path.iterdir()} == {"network.pt", "facts.json"}


def made(run: Path) -> str:
    """Which weights came out."""
    return str(json.loads((run / "facts.json").read_text())["weights"])


def test_two_runs_of_one_recipe_come_out_the_same(tokenizer: Tokenizer, rows: Sequence[Row], tmp_path: Path) -> None:
    weights = []
    for name, recipe in (("a", RECIPE), ("b", RECIPE), ("c", replace(RECIPE, seed=8))):
        fit(small(), tokenizer, rows, (), recipe, tmp_path / name)
        weights.append(made(tmp_path / name))
    assert weights[0] == weights[1] != weights[2]


def test_an_interrupted_run_goes_on_as_if_nothing_had_happened(
    network: Network, tokenizer: Tokenizer, rows: Sequence[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = []

    def power_cut(optimisers: Sequence[torch.optim.Optimizer], factor: float) -> None:
        steps.append(factor)
        if len(steps) > 5:
            raise KeyboardInterrupt
        _pace(optimisers, factor)

    with monkeypatch.context() as patch:
        patch.setattr("classifiers.training.train._pace", power_cut)
        with pytest.raises(KeyboardInterrupt):
            fit(network, tokenizer, rows, (), RECIPE, tmp_path / "cut")
    assert (tmp_path / "cut" / "checkpoint.pt").exists()
    assert len(fit(small(), tokenizer, rows, (), RECIPE, tmp_path / "cut")) == RECIPE.epochs
    fit(small(), tokenizer, rows, (), RECIPE, tmp_path / "whole")
    assert made(tmp_path / "cut") == made(tmp_path / "whole")


def test_what_is_unknown_moves_nothing(network: Network, tokenizer: Tokenizer) -> None:
    rows = [Row("1", "public/x", "you fool", partly(crisis=0)), Row("2", "public/x", "nurse", partly(crisis=0))]
    (batch,) = batches(rows, tokenizer, seed=1, size=4, longest=8, altered=False)
    torch.autograd.backward(loss(network, batch, spans=1.0))
    moved = network.bias.grad
    assert moved is not None
    assert [bool(value) for value in moved] == [label is Label.CRISIS for label in (*Label, "tells")]
    assert network.kinds.weight.grad is None


def test_a_reply_teaches_its_own_output_alone(network: Network, tokenizer: Tokenizer) -> None:
    (batch,) = batches([Row("1", "replies/x", "thanks", UNKNOWN, tells=1)], tokenizer, seed=1, size=4, longest=8)
    torch.autograd.backward(loss(network, batch, spans=1.0))
    moved = network.bias.grad
    assert moved is not None
    assert [bool(value) for value in moved] == [False] * len(Label) + [True]


def test_what_a_reply_tells_is_learnt(network: Network, tokenizer: Tokenizer, tmp_path: Path) -> None:
    words = ("ann bell said", "thanks")
    rows = [Row(f"{i}", "replies/x", words[i % 2], UNKNOWN, tells=1 - i % 2) for i in range(40)]
    fit(network, tokenizer, rows, (), RECIPE, tmp_path)
    model = encoder(network.eval(), tokenizer)
    tells, harmless = model.tells(words)
    assert tells > 0 > harmless
    assert model.tells(words[::-1]) == pytest.approx([harmless, tells], abs=1e-4)


def test_weights_without_the_output_judge_no_replies(tokenizer: Tokenizer) -> None:
    old = Network(Shape(words=len(WORDS), outputs=len(Label), width=16, inner=32, layers=2, heads=2, positions=32))
    with pytest.raises(ModelUnavailable, match="no replies"):
        encoder(old.eval(), tokenizer).tells(["thanks"])


def test_a_token_may_be_what_its_row_says(tokenizer: Tokenizer) -> None:
    mark = Mark(5, 13, (SpanType.PERSON,))
    row = Row("1", "corpus/x", "said Ann Bell thanks", known([]), marks=(mark,), elsewhere=(SpanType.DATE,))
    (batch,) = batches([row], tokenizer, seed=1, size=4, longest=8)
    allowed = [{KINDS[int(k)] for k in token.nonzero()} for token in batch.kinds[0]]
    assert allowed == [{None, SpanType.DATE}, {SpanType.PERSON}, {SpanType.PERSON}, {None, SpanType.DATE}]


def test_rounding_keeps_every_weight_within_half_a_step(network: Network) -> None:
    state = network.state_dict()
    for name, tensor in expand(export.quantised(state)).items():
        step = state[name].abs().amax(-1, keepdim=True) / 127
        assert ((tensor - state[name]).abs() <= step / 2 + 1e-7).all(), name


def test_what_is_written_is_read_back(network: Network, tokenizer: Tokenizer, tmp_path: Path) -> None:
    wide = Network(Shape(words=len(WORDS)))
    export.write(wide.state_dict(), tmp_path / "model.safetensors")
    read = read_network(tmp_path / "model.safetensors")
    rows = [Row("1", "corpus/x", "thanks doctor", known([])), Row("2", "corpus/x", "fool", known([]))]
    before = scores(encoder(export.as_shipped(wide.state_dict()), tokenizer), rows).logits
    assert scores(encoder(read, tokenizer), rows).logits == pytest.approx(before, abs=1e-5)


@pytest.mark.parametrize("kept", [0, 100, -50])
def test_truncated_weights_are_refused(kept: int, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    export.write(Network(Shape(words=len(WORDS))).state_dict(), path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ModelUnavailable, match="truncated"):
        read_network(path)


def test_weights_of_another_shape_are_refused(network: Network, tmp_path: Path) -> None:
    export.write(network.state_dict(), tmp_path / "model.safetensors")
    with pytest.raises(ModelUnavailable, match="another shape"):
        read_network(tmp_path / "model.safetensors")


def test_company_does_not_change_a_score(network: Network, tokenizer: Tokenizer) -> None:
    torch.nn.init.normal_(network.verdict)  # zero at the start of training, when every score is the same
    model = encoder(network.eval(), tokenizer, Calibration({}))
    alone = model.score(["you fool"], [None])[0]
    together = model.score(["thanks doctor nurse kind ann bell said", "you fool", "fool"], [None] * 3)[1]
    for label, logit in alone.logits.items():
        assert math.isclose(logit, together.logits[label], abs_tol=1e-4)
