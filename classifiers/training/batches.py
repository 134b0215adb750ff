"""Rows to tensors: disguised at random, normalised as at run time, cut, and put together by length."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import nan

import torch
from tokenizers import Encoding, Tokenizer
from torch import Tensor

from classifiers.batching import head_and_tail
from classifiers.encoder import KINDS, pad
from classifiers.labels import Label
from classifiers.normalise import Normalised, normalise
from classifiers.training.augment import disguised, slipped
from classifiers.training.rows import Row

POOL = 2048  # rows that are sorted by length together
AGAIN = {  # how often a public row is in an epoch of our rows
    "public/hatemoji_build": 0.3,
    "public/toxigen_human": 0.3,
    "public/cad": 0.2,
    "public/nhs_feedback": 0.2,
    "public/goemotions": 0.2,
    "public/ner_presidio": 0.15,
    "public/ner_btc": 0.15,
    "public/ner_wnut17": 0.15,
}
SOMETIMES = 0.08  # and one of another set
OFTEN, SELDOM = 0.5, 0.15  # how often rows are disguised that people would disguise, and others


@dataclass(frozen=True, slots=True)
class Batch:
    """ids, mask (rows, tokens); targets (rows, outputs), nan = unknown; kinds (rows, tokens, kinds): those a token
    may be, all where unknown."""

    ids: Tensor
    mask: Tensor
    targets: Tensor
    kinds: Tensor


def batches(
    rows: Sequence[Row], tokenizer: Tokenizer, *, seed: int, size: int, longest: int, altered: bool = True
) -> list[Batch]:
    """One pass over the rows in an order given by `seed`."""
    chance = random.Random(seed)
    order = chance.sample(rows, len(rows))
    texts = [normalise(varied(row, chance) if altered else row.text) for row in order]
    encodings = tokenizer.encode_batch([text.text for text in texts])
    groups = []
    for start in range(0, len(order), POOL):
        pool = sorted(range(start, min(start + POOL, len(order))), key=lambda i: len(encodings[i].ids))
        groups += [pool[at : at + size] for at in range(0, len(pool), size)]
    chance.shuffle(groups)
    return [_batch([(order[i], texts[i], encodings[i]) for i in group], longest) for group in groups]


def varied(row: Row, chance: random.Random) -> str:
    """The text, perhaps disguised; never where spans are known, whose places would move."""
    if row.marks is not None:
        return row.text
    tempting = row.target(Label.HARASSMENT) or row.target(Label.SOLICITATION)
    if chance.random() < (OFTEN if tempting else SELDOM):
        return disguised(row.text, chance) if chance.random() < 0.6 else slipped(row.text, chance)
    return row.text


def _batch(parts: Sequence[tuple[Row, Normalised, Encoding]], longest: int) -> Batch:
    kept = [head_and_tail(range(len(encoding.ids)), longest) for _, _, encoding in parts]
    ids, mask = pad([[part[2].ids[t] for t in tokens] for part, tokens in zip(parts, kept, strict=True)])
    targets = torch.tensor([[nan if t is None else float(t) for t in (*row.targets, row.tells)] for row, _, _ in parts])
    kinds = torch.ones(*ids.shape, len(KINDS), dtype=torch.bool)
    for at, ((row, text, encoding), tokens) in enumerate(zip(parts, kept, strict=True)):
        if row.marks is not None:
            for place, token in enumerate(tokens):
                kinds[at, place] = _allowed(row, text, encoding.offsets[token])
    return Batch(ids, mask, targets, kinds)


def _allowed(row: Row, text: Normalised, offsets: tuple[int, int]) -> Tensor:
    """The kinds that a token may be."""
    if offsets[0] == offsets[1]:  # a token of the model's own
        return torch.ones(len(KINDS), dtype=torch.bool)
    start, end = text.starts[offsets[0]], text.ends[offsets[1] - 1]
    mark = next((m for m in row.marks or () if m.start < end and start < m.end), None)
    kinds = (mark.kinds or KINDS) if mark else (None, *row.elsewhere)
    return torch.tensor([kind in kinds for kind in KINDS])


def epochs(rows: Sequence[Row], extra: Sequence[Row], count: int, seed: int) -> Iterator[list[Row]]:
    """`count` times all of `rows`, and of `extra` another sample each time."""
    for epoch in range(count):
        chance = random.Random(f"{seed} {epoch}")
        yield [*rows, *(row for row in extra if chance.random() < AGAIN.get(row.writer, SOMETIMES))]
