"""The shipped classifier: a small BERT that gives all six logits and the spans of a text in one pass.

It has one output more, for what goes out rather than what comes in: whether a reply tells of somebody's care
(`Encoder.tells`), which the reply guard asks.

The architecture is that of sentence-transformers/all-MiniLM-L6-v2 (6 layers, 384 wide, 12 heads, post-norm), written
out in plain torch so that nothing heavier has to be imported. Each label has an attention of its own over
the words (one query vector a label), so one sentence of alarm in a long ramble is not averaged away.

Weights ship as int8 with one fp32 scale a row (symmetric). They are multiplied out when loaded; where the CPU can
multiply in int8, `classifiers.int8` does (with `ranges.safetensors` beside the weights). What a post above the comment
says is not read: in a trial it helped no label on average (see the model card).
"""

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own custom
from safetensors import SafetensorError, safe_open
from tokenizers import Encoding, Tokenizer
from torch import Tensor, nn

from classifiers import int8
from classifiers.base import Scored
from classifiers.batching import parts, passes
from classifiers.calibration import Calibration
from classifiers.errors import ModelUnavailable
from classifiers.labels import Label, Span, SpanType
from classifiers.settings import Settings

SHIPPED = Path(__file__).parent / "weights"
LABELS = tuple(Label)
OUTPUTS = len(LABELS) + 1  # the last: does a reply tell of somebody's care?
KINDS: tuple[SpanType | None, ...] = (None, *SpanType)  # outputs of the token head; None = no span
# A word is masked as one of HIDDEN unless "no span" leads by this much (logits). Of what the rows of unseen writers had
# to mask, 0.88 was masked at 3, 0.92 at 4; of the letters of rows with nothing to mask, 0.12 and 0.17 went too (two
# folds).
CAUTION = 4.0
HIDDEN = (SpanType.CONDITION, SpanType.TREATMENT, SpanType.DATE)

# Token ids of texts to logits (texts, outputs), and of each text (its tokens or more, kinds).
Forward = Callable[[Sequence[Sequence[int]]], tuple[Tensor, Sequence[Tensor]]]


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of the network; the defaults are the base model's, with emoji added to its words."""

    words: int = 30522
    outputs: int = OUTPUTS
    width: int = 384
    inner: int = 1536
    layers: int = 6
    heads: int = 12
    positions: int = 512
    dropout: float = 0.0


class Network(nn.Module):
    """Token ids to logits: (texts, tokens) to (texts, outputs) and (texts, tokens, kinds)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.words = nn.Embedding(shape.words, shape.width, sparse=True)
        self.positions = nn.Embedding(shape.positions, shape.width)
        self.norm = nn.LayerNorm(shape.width, eps=1e-12)
        self.layers = nn.ModuleList(_Layer(shape) for _ in range(shape.layers))
        self.queries = nn.Parameter(torch.zeros(shape.outputs, shape.width))
        self.verdict = nn.Parameter(torch.zeros(shape.outputs, shape.width))
        self.bias = nn.Parameter(torch.zeros(shape.outputs))
        self.kinds = nn.Linear(shape.width, len(KINDS))
        self.dropout = shape.dropout

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """`mask` is true where there is a token."""
        x = self.norm(self.words(ids) + self.positions.weight[: ids.shape[1]])
        seen = mask[:, None, None, :]
        for layer in self.layers:
            x = layer(x, seen)
        x = F.dropout(x, self.dropout, self.training)
        looks = (x @ self.queries.T).masked_fill(~mask[:, :, None], -torch.inf).softmax(dim=1)
        pooled = torch.einsum("btl,btw->blw", looks, x)
        return (pooled * self.verdict).sum(-1) + self.bias, self.kinds(x)


class _Layer(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.dropout = shape.dropout
        self.qkv = nn.Linear(shape.width, 3 * shape.width)
        self.out = nn.Linear(shape.width, shape.width)
        self.norm1 = nn.LayerNorm(shape.width, eps=1e-12)
        self.up = nn.Linear(shape.width, shape.inner)
        self.down = nn.Linear(shape.inner, shape.width)
        self.norm2 = nn.LayerNorm(shape.width, eps=1e-12)

    def forward(self, x: Tensor, seen: Tensor) -> Tensor:
        """`seen` is (texts, 1, 1, tokens)."""
        texts, tokens, width = x.shape
        q, k, v = self.qkv(x).view(texts, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        found = F.scaled_dot_product_attention(q, k, v, attn_mask=seen)
        found = self.out(found.transpose(1, 2).reshape(texts, tokens, width))
        x = self.norm1(x + F.dropout(found, self.dropout, self.training))
        found = self.down(F.gelu(self.up(x)))
        return cast(Tensor, self.norm2(x + F.dropout(found, self.dropout, self.training)))


@dataclass(frozen=True, slots=True)
class Encoder:
    """A loaded model. See `classifiers.base.Classifier`."""

    forward: Forward
    tokenizer: Tokenizer
    calibration: Calibration
    revision: str
    max_tokens: int
    batch_tokens: int
    labels: tuple[Label, ...] = LABELS

    def score(self, texts: Sequence[str], parents: Sequence[str | None]) -> list[Scored]:
        """Raw logits and spans, in order. `parents` is not read."""
        scored: dict[int, Scored] = {}
        for i, encoding, kept, logits, kinds in self._passed(texts):
            part = Scored(dict(zip(LABELS, logits.tolist(), strict=False)), tuple(spans(encoding, kept, kinds)))
            scored[i] = scored[i].joined(part) if i in scored else part
        return [scored[i] for i in range(len(texts))]

    def tells(self, replies: Sequence[str]) -> list[float]:
        """The logit of each reply telling of somebody's care. Raises ModelUnavailable (weights without that output)."""
        found: dict[int, float] = {}
        for i, *_, logits, _ in self._passed(replies):
            if len(logits) < OUTPUTS:
                raise ModelUnavailable("these weights judge no replies; take those that came with this version")
            found[i] = max(found.get(i, -math.inf), float(logits[-1]))
        return [found[i] for i in range(len(replies))]

    def _passed(self, texts: Sequence[str]) -> Iterator[tuple[int, Encoding, Sequence[int], Tensor, Tensor]]:
        """Of every part of each text, in any order: place, tokens, those of the part, logits, their kinds."""
        encodings = self.tokenizer.encode_batch(list(texts))
        read = [(i, part) for i, e in enumerate(encodings) for part in parts(range(len(e.ids)), self.max_tokens)]
        for group in passes([len(part) for _, part in read], self.batch_tokens):
            now = [read[at] for at in group]
            logits, kinds = self.forward([[encodings[i].ids[t] for t in part] for i, part in now])
            for row, (i, part) in enumerate(now):
                yield i, encodings[i], part, logits[row], kinds[row]


def load(settings: Settings) -> Encoder:
    """The model of `settings.folder`, or the shipped one. Raises ModelUnavailable."""
    folder = settings.folder or SHIPPED
    device = _device(settings.device)
    return Encoder(
        forward=_forward(folder, device),
        tokenizer=read_tokenizer(folder / "tokenizer.json"),
        calibration=Calibration.from_json(_bytes(folder / "calibration.json")),
        revision=f"encoder-{_digest(folder)}",
        max_tokens=settings.max_tokens,
        batch_tokens=settings.batch_tokens,
    )


def plain(network: Network) -> Forward:
    """The network as it is, over texts padded to the longest."""
    return partial(_padded, network)


@torch.inference_mode()
def _padded(network: Network, ids: Sequence[Sequence[int]]) -> tuple[Tensor, Sequence[Tensor]]:
    device = network.bias.device
    padded, mask = pad(ids)
    logits, kinds = network(padded.to(device), mask.to(device))
    return logits.float().cpu(), list(kinds.float().cpu())


def _forward(folder: Path, device: torch.device) -> Forward:
    weights = folder / "model.safetensors"
    network = read_network(weights).to(device)
    if device.type == "cuda":
        return plain(network.to(torch.bfloat16))
    ranges = int8.read_ranges(folder / "ranges.safetensors", weights) if int8.supported() else None
    if not ranges:
        return plain(network)
    quick = int8.Int8(network, ranges)
    network.layers = nn.ModuleList()  # `quick` has them in int8
    return quick


def read_network(path: Path) -> Network:
    """What `classifiers.training.export` wrote, in fp32 and inference mode. Raises ModelUnavailable."""
    _bytes(path, 1)
    try:
        with safe_open(path, framework="pt") as file:
            stored = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
        tensors = expand(stored)
        with torch.device("meta"):
            network = Network(Shape(words=len(tensors["words.weight"]), outputs=len(tensors["bias"])))
        network.load_state_dict(tensors, assign=True)
    except (SafetensorError, KeyError, RuntimeError) as error:
        raise ModelUnavailable(f"{path} is truncated or of another shape; fetch the weights again") from error
    return network.eval().requires_grad_(False)


def expand(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors in fp32: an int8 matrix is multiplied by its row scales, stored beside it as NAME.scale."""
    return {
        name: tensor.float() * stored[f"{name}.scale"] if tensor.dtype == torch.int8 else tensor.float()
        for name, tensor in stored.items()
        if not name.endswith(".scale")
    }


def read_tokenizer(path: Path) -> Tokenizer:
    """Raises ModelUnavailable."""
    content = _bytes(path)
    try:
        return Tokenizer.from_buffer(content)
    except Exception as error:  # tokenizers raises no narrower class
        raise ModelUnavailable(f"{path} is no tokenizer; fetch the weights again") from error


def pad(ids: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Ids and mask, both (texts, tokens of the longest)."""
    longest = max(len(row) for row in ids)
    padded = torch.tensor([[*row, *([0] * (longest - len(row)))] for row in ids])
    lengths = torch.tensor([len(row) for row in ids])
    return padded, torch.arange(longest) < lengths[:, None]


def spans(encoding: Encoding, kept: Sequence[int], kinds: Tensor) -> Iterator[Span]:
    """Spans of whole words: the pieces of a word vote with their logits.

    Neighbours of one kind are one span, also where one sign parts them, as in a double name; signs alone are none.

    `kept` are the tokens of `encoding` that were read, `kinds` their logits, (tokens or more, kinds).
    """
    votes: dict[int, Tensor] = {}
    for token, logits in zip(kept, kinds, strict=False):
        if (word := encoding.word_ids[token]) is not None and any(map(str.isalnum, encoding.tokens[token])):
            votes[word] = votes.get(word, 0) + logits
    open_: Span | None = None
    for word, vote in votes.items():
        kind, (start, end) = _kind(vote), encoding.word_to_chars(word) or (0, 0)
        if open_ and (kind is not open_.type or start - open_.end > 1):
            yield open_
            open_ = None
        if kind is not None:
            open_ = Span(open_.start if open_ else start, end, kind)
    if open_:
        yield open_


def _kind(vote: Tensor) -> SpanType | None:
    """The strongest kind; in doubt between none and one that would give a patient away, that one."""
    best = KINDS[int(vote.argmax())]
    if best is None:
        hidden = max(HIDDEN, key=lambda kind: float(vote[KINDS.index(kind)]))
        return hidden if vote[0] - vote[KINDS.index(hidden)] < CAUTION else None
    return best


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(name)


def _bytes(path: Path, most: int = -1) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(most)
    except OSError as error:
        raise ModelUnavailable(f"cannot read {path}: {error.strerror}; fetch the weights again") from error


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for name in ("model.safetensors", "tokenizer.json", "calibration.json"):
        digest.update(_bytes(folder / name))
    if (folder / "ranges.safetensors").exists():
        digest.update(_bytes(folder / "ranges.safetensors"))
    return digest.hexdigest()[:12]
