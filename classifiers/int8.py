"""The encoder's network in int8, for CPUs: nearly the same logits, more than twice as fast as in fp32.

oneDNN, which is part of torch, multiplies activations of eight bits by weights of eight bits (a scale a row)
exactly, in integers. Activations are put on a fixed grid, whose ranges were seen once on the corpus
(`ranges.safetensors`, written by `classifiers.training.ranges`). What keeps the rounding small:

- Columns of an input that reach far and those that do not are evened out, the weights taking the difference
  (SmoothQuant, Xiao et al. 2023). Layer norms and values absorb that, so it costs nothing when scoring.
- A few hidden units reach far beyond the rest, on the first token above all. Each is cut into several that take a
  step of the way each, so the grid need not reach far: gelu(x) is nearly clip(gelu(x)) + clip(gelu(x - top)) + ...,
  and clipping at `top` is what the grid does anyway.

Texts are packed end to end, without padding, and attention runs over texts of one length at a time: so every
number is computed in the same way whatever a text is scored with, and no rounding tips over. CPUs without
VNNI add pairs of products in sixteen bits, which rarely overflow: measured, logits are off by 0.07 on average
there, 0.06 elsewhere.
"""

import hashlib
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own custom
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from classifiers.errors import ModelUnavailable

SITES = ("qkv", "out", "up", "down")
SMOOTH = 0.8  # how much of the evening out the weights take: 0 = none, 1 = all
HEADROOM = 1.15  # how far beyond what was seen an activation may reach before it is clipped
SPARE = 16  # units into which those that reach far are cut, a layer
STEP = 64  # packs are filled up to a multiple of so many tokens: oneDNN compiles and keeps code for each size it meets
LOWEST, STRAIGHT = -0.17, 3.0  # of gelu: its lowest value, and from where it is x


@dataclass(frozen=True, slots=True)
class Grid:
    """Values that eight bits can hold: (code - zero) * step, codes 0 to 255."""

    step: float
    zero: int

    def codes(self, values: Tensor) -> Tensor:
        """The nearest codes, as uint8. (`int_repr` would copy; this looks at the same memory.)"""
        on_grid = torch.quantize_per_tensor(values, self.step, self.zero, torch.quint8)
        return torch.empty(0, dtype=torch.uint8).set_(on_grid.untyped_storage(), 0, values.shape, values.stride())


UNIT = Grid(1 / 127, 128)  # evened inputs lie in [-1, 1]


class Product:
    """x @ weights.T + bias, of codes on a grid."""

    def __init__(self, weights: Tensor, bias: Tensor) -> None:
        self._scales = weights.abs().amax(1).clamp(min=1e-8) / 127
        codes = (weights / self._scales[:, None]).round().to(torch.int8)
        self._weights = torch.ops.onednn.qlinear_prepack(codes, None)
        self._zeros = torch.zeros(len(bias), dtype=torch.int32)
        self._bias = bias.clone()

    def __call__(self, codes: Tensor, grid: Grid) -> Tensor:
        return self._onednn(codes, grid, Grid(1.0, 0), torch.float32, "none")

    def gelu(self, codes: Tensor, grid: Grid, out: Grid) -> Tensor:
        """Codes of gelu(x @ weights.T + bias) on the grid `out`."""
        return self._onednn(codes, grid, out, torch.uint8, "gelu")

    def _onednn(self, codes: Tensor, grid: Grid, out: Grid, type_: torch.dtype, then: str) -> Tensor:
        sums: Tensor = torch.ops.onednn.qlinear_pointwise(
            codes, grid.step, grid.zero, self._weights, self._scales, self._zeros, self._bias,
            out.step, out.zero, type_, then, [], "none",
        )  # fmt: skip
        return sums


@dataclass(frozen=True, slots=True)
class Norm:
    """Layer norm over the last dimension, its result divided by `evened`."""

    weight: Tensor
    bias: Tensor
    evened: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        return F.layer_norm(x, self.weight.shape, self.weight, self.bias, 1e-12)


@dataclass(frozen=True, slots=True)
class Run:
    """Texts of one length that lie next to each other in a pack: rows `start` to `end`."""

    start: int
    end: int
    texts: int
    tokens: int

    def of(self, rows: Tensor) -> Tensor:
        """(texts, tokens, width) of rows (tokens of the pack, width)."""
        return rows[self.start : self.end].view(self.texts, self.tokens, rows.shape[1])


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer. It takes and gives activations divided by the `evened` of the norm before them."""

    heads: int
    qkv: Product
    out: Product
    norm1: Norm
    up: Product
    hidden: Grid
    down: Product
    norm2: Norm

    def __call__(self, x: Tensor, evened: Tensor, runs: Sequence[Run]) -> Tensor:
        qkv = self.qkv(UNIT.codes(x), UNIT)
        seen = torch.zeros_like(x)
        for run in runs:
            q, k, v = run.of(qkv).view(run.texts, run.tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
            found = F.scaled_dot_product_attention(q, k, v).transpose(1, 2)
            run.of(seen).view(found.shape).copy_(found)
        x = self.norm1(torch.addcmul(self.out(UNIT.codes(seen), UNIT), x, evened))
        hidden = self.up.gelu(UNIT.codes(x), UNIT, self.hidden)
        return self.norm2(torch.addcmul(self.down(hidden, self.hidden), x, self.norm1.evened))


class Int8:
    """Token ids to logits, like `encoder.Network`, of texts of any lengths at once."""

    def __init__(self, network: Any, ranges: Mapping[str, Tensor]) -> None:
        """`network` is an `encoder.Network` in fp32; `ranges` what `observed` said of it."""
        with warnings.catch_warnings():  # torch says once a process that a later torch will do this in another way
            warnings.simplefilter("ignore", UserWarning)
            UNIT.codes(torch.zeros(1, 1))
        self._network = network
        count = len(network.layers)
        evened = [_evened(ranges[f"{n}.qkv"], network.layers[n].qkv.weight) for n in range(count)]
        evened.append(torch.ones_like(network.norm.weight))
        self._norm = _norm(network.norm, evened[0])
        self._layers = [
            _layer(layer, {site: ranges[f"{n}.{site}"] for site in SITES}, evened[n], evened[n + 1])
            for n, layer in enumerate(network.layers)
        ]

    @torch.inference_mode()
    def __call__(self, ids: Sequence[Sequence[int]]) -> tuple[Tensor, list[Tensor]]:
        """Logits (texts, labels), and of each text (tokens, kinds). Quickest with texts of one length together."""
        lengths = [len(text) for text in ids]
        runs = list(_runs(lengths))
        words = self._network.words(torch.tensor([token for text in ids for token in text]))
        places = torch.cat([torch.arange(length) for length in lengths])
        x = F.pad(words + self._network.positions(places), (0, 0, 0, -len(places) % STEP))
        x, evened = self._norm(x), self._norm.evened
        for layer in self._layers:
            x, evened = layer(x, evened, runs), layer.norm2.evened
        logits = torch.cat([self._verdicts(run.of(x)) for run in runs])
        return logits, list(self._network.kinds(x[: len(places)]).split(lengths))

    def _verdicts(self, x: Tensor) -> Tensor:
        """What `Network.forward` makes of the last activations (texts, tokens, width)."""
        looks = (x @ self._network.queries.T).softmax(dim=1)
        pooled = torch.einsum("btl,btw->blw", looks, x)
        logits: Tensor = (pooled * self._network.verdict).sum(-1) + self._network.bias
        return logits


def _runs(lengths: Sequence[int]) -> Iterator[Run]:
    start = 0
    for tokens, texts in groupby(lengths):
        count = len(list(texts))
        yield Run(start, start + count * tokens, count, tokens)
        start += count * tokens


def _layer(layer: Any, ranges: Mapping[str, Tensor], evened: Tensor, after: Tensor) -> Layer:
    between = _evened(ranges["up"], layer.up.weight)
    values = ranges["out"].clamp(min=1e-2) * HEADROOM
    shrink = torch.cat([torch.ones(2 * len(values)), 1 / values])  # queries and keys stay
    hidden, times, steps = _cut(ranges["down"] * HEADROOM)
    return Layer(
        heads=layer.heads,
        qkv=Product(layer.qkv.weight * evened * shrink[:, None], layer.qkv.bias * shrink),
        out=Product(layer.out.weight * values, layer.out.bias),
        norm1=_norm(layer.norm1, between),
        up=Product((layer.up.weight * between)[times], layer.up.bias[times] - steps),
        hidden=hidden,
        down=Product(layer.down.weight[:, times], layer.down.bias),
        norm2=_norm(layer.norm2, after),
    )


def _evened(most: Tensor, weights: Tensor) -> Tensor:
    """What to divide each column of an input by, so that it lies in [-1, 1] and the weights stay even too."""
    most = most.clamp(min=1e-2)
    shape = most**SMOOTH / weights.abs().amax(0).clamp(min=1e-4) ** (1 - SMOOTH)
    return shape * (most / shape).max() * HEADROOM


def _norm(norm: nn.LayerNorm, evened: Tensor) -> Norm:
    return Norm(norm.weight / evened, norm.bias / evened, evened)


def _cut(most: Tensor) -> tuple[Grid, Tensor, Tensor]:
    """The grid of the hidden units; which unit each of them is a part of; and by how much it starts later.

    The grid reaches as little far as SPARE further units allow, but to where gelu has become straight.
    """
    furthest = most.max().item()
    tops = torch.linspace(furthest, min(furthest, STRAIGHT), 200)
    further = torch.stack([(most / top).ceil().clamp(min=1) - 1 for top in tops])
    chosen = int((further.sum(1) <= SPARE).nonzero().max())
    top, parts = tops[chosen].item(), further[chosen].long() + 1
    zero = round(-LOWEST / (top - LOWEST) * 255)
    times = torch.repeat_interleave(torch.arange(len(most)), parts)
    steps = torch.cat([torch.arange(count) for count in parts.tolist()]) * top
    idle = len(most) + SPARE - len(times)  # oneDNN is slow with odd numbers of units; these never start
    return Grid(top / (255 - zero), zero), F.pad(times, (0, idle)), F.pad(steps, (0, idle), value=1e4)


@torch.inference_mode()
def observed(network: Any, batches: Iterable[tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
    """The furthest reach of each input column of each product, over batches of (ids, mask)."""
    most: dict[str, Tensor] = {}

    def hook(name: str) -> Any:
        def see(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            reach = inputs[0].abs().flatten(0, -2).amax(0)
            most[name] = torch.maximum(most[name], reach) if name in most else reach

        return see

    handles = [
        getattr(layer, site).register_forward_pre_hook(hook(f"{n}.{site}"))
        for n, layer in enumerate(network.layers)
        for site in SITES
    ]
    for ids, mask in batches:
        network(ids, mask)
    for handle in handles:
        handle.remove()
    return most


def read_ranges(path: Path, weights: Path) -> dict[str, Tensor] | None:
    """None where there are none, or none for these very weights. Raises ModelUnavailable."""
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            if file.metadata().get("weights") != hashlib.sha256(weights.read_bytes()).hexdigest():
                return None
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    except SafetensorError as error:
        raise ModelUnavailable(f"{path} is truncated; fetch the weights again") from error


def supported() -> bool:
    """Whether this CPU has the instructions, on which nothing here would be quick otherwise."""
    return torch.backends.mkldnn.is_available() and "AVX" in torch.backends.cpu.get_cpu_capability()  # type: ignore[no-untyped-call]
