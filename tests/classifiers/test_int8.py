from pathlib import Path

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own custom
from safetensors.torch import save_file

from classifiers.encoder import Network, Shape, pad
from classifiers.errors import ModelUnavailable
from classifiers.int8 import SPARE, Int8, _cut, observed, read_ranges, supported
from classifiers.training import ranges
from tests.classifiers.examples import encoder as example

pytestmark = pytest.mark.skipif(not supported(), reason="this CPU is scored in fp32")

TEXTS = [[2, *range(5, 5 + length), 3] for length in (1, 3, 3, 8, 8, 8, 20)]


@pytest.fixture(scope="module")
def network() -> Network:
    torch.manual_seed(0)
    made = Network(Shape(words=60, width=64, inner=256, layers=2, heads=4, positions=32))
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.normal_(std=0.15) if parameter.ndim > 1 else parameter.add_(0.1)
    return made.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def quick(network: Network) -> Int8:
    return Int8(network, observed(network, [pad(TEXTS)]))


def test_logits_and_kinds_are_nearly_those_of_fp32(network: Network, quick: Int8) -> None:
    logits, kinds = network(*pad(TEXTS))
    near, each = quick(TEXTS)
    assert (near - logits).abs().mean() < 0.1 * logits.std()
    for row, (tokens, text) in enumerate(zip(each, TEXTS, strict=True)):
        assert tokens.shape == (len(text), kinds.shape[2])
        assert (tokens - kinds[row, : len(text)]).abs().mean() < 0.1 * kinds.std()


def test_a_text_is_scored_the_same_whatever_comes_with_it(quick: Int8) -> None:
    together, kinds = quick(TEXTS)
    for row, text in enumerate(TEXTS):
        alone, [tokens] = quick([text])
        assert alone[0] == pytest.approx(together[row], abs=1e-5)
        assert tokens.numpy() == pytest.approx(kinds[row].numpy(), abs=1e-5)
    backwards, _ = quick(TEXTS[::-1])
    assert backwards.flip(0).numpy() == pytest.approx(together.numpy(), abs=1e-5)


def test_units_that_reach_far_are_cut_so_that_the_grid_need_not() -> None:
    most = torch.ones(64)
    most[7] = 60.0
    grid, times, steps = _cut(most)
    assert len(times) == 64 + SPARE
    assert (255 - grid.zero) * grid.step < 4
    x = torch.linspace(-60, 60, 2000)[:, None].expand(-1, 64).where(torch.arange(64) == 7, torch.tensor(0.5))
    codes = grid.codes(F.gelu(x[:, times] - steps)).float()
    whole = torch.zeros(2000, 64).index_add(1, times, (codes - grid.zero) * grid.step)
    assert (whole - F.gelu(x)).abs().max() < 0.25


def test_what_reaches_further_than_was_seen_is_clipped(network: Network) -> None:
    narrow = {name: most / 10 for name, most in observed(network, [pad(TEXTS)]).items()}
    logits, _ = Int8(network, narrow)(TEXTS)
    assert logits.isfinite().all()


def test_ranges_are_for_their_weights_only(tmp_path: Path) -> None:
    example.settings(tmp_path)
    weights, file = tmp_path / "model.safetensors", tmp_path / "ranges.safetensors"
    assert read_ranges(file, weights) is None
    ranges.main(tmp_path)
    assert read_ranges(file, weights) is not None
    save_file({"other": torch.zeros(1)}, weights)
    assert read_ranges(file, weights) is None


def test_truncated_ranges_are_named(tmp_path: Path) -> None:
    file = tmp_path / "ranges.safetensors"
    file.write_bytes(b"\0" * 4)
    with pytest.raises(ModelUnavailable, match="ranges"):
        read_ranges(file, tmp_path / "model.safetensors")
