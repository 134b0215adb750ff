"""How fast texts are scored: `python -m classifiers.training.benchmark [--texts N] [--rounds N] [--threads N]`.

Compares, in turns within one run, a classifier of the shape of bert-base-uncased (random weights; the architecture of
Detoxify "original") at its best pass size, our network in fp32 and in int8, and the whole way from text to
assessment. Of each the quickest round counts, in wall time and in processor time (the latter says more where other
programs run). Texts are rows of the corpus, of all lengths.
"""

import argparse
import json
import random
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table
from transformers import BertConfig, BertForSequenceClassification

from classifiers.batching import passes
from classifiers.encoder import SHIPPED, Network, pad, read_network, read_tokenizer
from classifiers.int8 import Int8, observed
from classifiers.normalise import normalise
from classifiers.pipeline import Pipeline, Text
from classifiers.settings import Settings

CORPUS = Path(__file__).parent / "corpus"
PASSES = (256, 512, 1024)  # tokens in one pass

Ids = Sequence[Sequence[int]]


@dataclass(slots=True)
class Contender:
    """`run` scores everything once; `wall` and `cpu` are the best seconds so far."""

    name: str
    run: Callable[[], object]
    wall: float = float("inf")
    cpu: float = float("inf")

    def take_turn(self) -> None:
        wall, cpu = time.perf_counter(), time.process_time()
        self.run()
        self.wall = min(self.wall, time.perf_counter() - wall)
        self.cpu = min(self.cpu, time.process_time() - cpu)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m classifiers.training.benchmark")
    parser.add_argument("--texts", type=int, default=120)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    texts = list(_texts(arguments.texts))
    start = time.perf_counter()
    pipeline = Pipeline.load(Settings())
    pipeline.assess([Text("thank you")])
    loaded, memory = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    tokenizer = read_tokenizer(SHIPPED / "tokenizer.json")
    ids = [encoding.ids[:256] for encoding in tokenizer.encode_batch([normalise(text).text for text in texts])]
    many, single = _contenders(pipeline, texts, ids), _contenders(pipeline, texts[:1], ids[:1])
    for _ in track(range(arguments.rounds), "rounds"):
        for contender in (*many, *single):
            contender.take_turn()
    console = Console()
    console.print(f"{len(texts)} texts, {sum(map(len, ids)) / len(ids):.1f} tokens each, {arguments.threads} threads")
    console.print(f"loading to first score {loaded:.1f} s; at most {memory:.0f} MB until then; {pipeline.model}")
    console.print(_table("all texts, each", many, len(texts)))
    console.print(_table("one text alone", single, 1))


def _contenders(pipeline: Pipeline, texts: Sequence[str], ids: Ids) -> list[Contender]:
    bert = BertForSequenceClassification(BertConfig()).train(False)
    network = read_network(SHIPPED / "model.safetensors")
    int8 = Int8(network, observed(network, [pad(group) for group in _packs(ids, 512)]))
    berts = [
        Contender(f"bert-base, passes of {tokens}", partial(_bert, bert, ids, tokens))
        for tokens in PASSES[: 1 if len(texts) == 1 else None]
    ]
    return [
        *berts,
        Contender("our network in fp32", partial(_fp32, network, ids)),
        Contender("our network in int8", partial(_int8, int8, ids)),
        Contender("text to assessment", partial(pipeline.assess, [Text(text) for text in texts])),
    ]


def _packs(ids: Ids, tokens: int) -> Iterator[Ids]:
    for group in passes([len(text) for text in ids], tokens):
        yield [ids[n] for n in group]


@torch.inference_mode()
def _bert(model: BertForSequenceClassification, ids: Ids, tokens: int) -> None:
    for group in _packs(ids, tokens):
        padded, mask = pad([[token % 30_000 for token in text] for text in group])
        model(input_ids=padded, attention_mask=mask.long())


@torch.inference_mode()
def _fp32(network: Network, ids: Ids) -> None:
    for group in _packs(ids, 512):
        network(*pad(group))


def _int8(network: Int8, ids: Ids) -> None:
    for group in _packs(ids, 512):
        network(group)


def _table(title: str, contenders: Sequence[Contender], texts: int) -> Table:
    table = Table("", "ms", "times bert-base", "ms of processor", "times bert-base", title=title)
    berts = [each for each in contenders if each.name.startswith("bert")]
    wall, cpu = min(each.wall for each in berts), min(each.cpu for each in berts)
    for each in contenders:
        figures = (each.wall / texts * 1e3, wall / each.wall, each.cpu / texts * 1e3, cpu / each.cpu)
        table.add_row(each.name, *(f"{figure:.2f}" for figure in figures))
    return table


def _texts(count: int) -> Iterator[str]:
    rows = [row for path in sorted(CORPUS.glob("*.jsonl")) for row in path.read_text("utf-8").strip().split("\n")]
    for row in random.Random(0).sample(rows, count):
        yield json.loads(row)["text"]


if __name__ == "__main__":
    main()
