"""Trains the model: `python -m classifiers.training.train --rows DIR --out DIR [--stages public folds final]`.

    public   all public rows once, labels masked, from the base model
    folds    our rows and replies but those of the writers that the fold holds out, for honest scores; from `public`
    final    all our rows, gently, from the mean of the folds: what ships

A stage is two runs, on a core each (two threads for one run wait for each other whenever anything else wants a core),
whose weights are averaged. The runs of `public` take half of the rows each, those of `final` all of them in another
order. Each epoch of `folds` and `final` takes a fresh share of the public rows along, so that what only those teach
(hate against groups, everyday speech) stays learnt. A run is saved after every epoch, goes on from there when started
again, and is not repeated once done. Seeds are fixed; `facts.json` beside a run says what it was made from and which
weights came out.
"""

import argparse
import ctypes
import hashlib
import json
import math
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from typing import Any, cast

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own custom
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from tokenizers import Tokenizer
from torch import Tensor

from classifiers.encoder import Network
from classifiers.training.batches import Batch, batches, epochs
from classifiers.training.rows import Row, read
from classifiers.training.splits import FOLDS, held_out
from classifiers.training.start import base


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one run is trained. `rate` is the learning rate of the top layer, `fade` its factor a layer down."""

    epochs: int
    rate: float
    fade: float = 0.9
    head_rate: float = 1e-3
    warm_up: float = 0.06
    size: int = 32
    longest: int = 160
    spans: float = 0.3  # weight of the span loss
    seed: int = 7


PUBLIC = Recipe(epochs=1, rate=2e-4)
OWN = Recipe(epochs=2, rate=2e-4)
FINAL = Recipe(epochs=2, rate=1.2e-4, head_rate=5e-4)
REPLIES = 2  # times that an epoch reads each: they are few, and more readings let fewer safe ones be refused
STAGES = {
    "public": ("public-0", "public-1"),
    "folds": tuple(f"fold-{number}" for number in range(len(FOLDS))),
    "final": ("final-0", "final-1"),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m classifiers.training.train")
    parser.add_argument("--rows", type=Path, required=True, help="folder that the corpus command wrote")
    parser.add_argument("--out", type=Path, required=True, help="folder for the runs, outside the project")
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=STAGES)
    arguments = parser.parse_args()
    for stage in (stage for stage in STAGES if stage in arguments.stages):
        names = STAGES[stage]
        with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as two:
            list(two.map(train, names, repeat(arguments.rows), repeat(arguments.out)))
        torch.save(mean([arguments.out / name for name in names]), arguments.out / f"{stage}.pt")


def train(name: str, rows: Path, out: Path) -> None:
    """One run, from its last saved epoch; `out/NAME/network.pt` at its end."""
    torch.set_num_threads(1)
    keep_memory()
    if (out / name / "network.pt").exists():
        print(f"{name}: done before")
        return
    torch.manual_seed(PUBLIC.seed)  # the span head starts at random
    network, tokenizer = base()
    public = read(rows / "public.jsonl")
    stage, number = name.split("-")
    if stage == "public":
        fit(network, tokenizer, public[int(number) :: 2], (), PUBLIC, out / name)
        return
    own = read(rows / "own.jsonl") + REPLIES * read(rows / "replies.jsonl")
    if stage == "final":
        network.load_state_dict(torch.load(out / "folds.pt"))
        fit(network, tokenizer, own, public, replace(FINAL, seed=FINAL.seed + int(number)), out / name)
        return
    network.load_state_dict(torch.load(out / "public.pt"))
    away = {row.id for row in held_out(own, int(number))}
    seen = [row for row in own if row.id not in away]
    fit(network, tokenizer, seen, public, replace(OWN, seed=OWN.seed + int(number)), out / name)


def mean(runs: Sequence[Path]) -> dict[str, Tensor]:
    """The weights of several runs from one start, averaged (model soup, Wortsman et al. 2022)."""
    states = [torch.load(run / "network.pt") for run in runs]
    return {name: torch.stack([state[name] for state in states]).mean(0) for name in states[0]}


def fit(
    network: Network, tokenizer: Tokenizer, rows: Sequence[Row], extra: Sequence[Row], recipe: Recipe, out: Path
) -> list[float]:
    """Trains in place and saves; the mean loss of every epoch."""
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(recipe.seed)
    optimisers = _optimisers(network, recipe)
    state = _resume(network, optimisers, out / "checkpoint.pt")
    losses: list[float] = state["losses"]
    taken = list(epochs(rows, extra, recipe.epochs, recipe.seed))
    steps = sum(math.ceil(len(epoch) / recipe.size) for epoch in taken)
    step: int = state["step"]
    for number, epoch in enumerate(taken[len(losses) :], len(losses)):
        passes = batches(epoch, tokenizer, seed=recipe.seed + number, size=recipe.size, longest=recipe.longest)
        total = 0.0
        for batch in _watched(passes, f"{out.name} {number + 1}/{recipe.epochs}"):
            _pace(optimisers, _schedule(step / max(steps, 1), recipe.warm_up))
            total += _step(network, optimisers, batch, recipe)
            step += 1
        losses.append(total / len(passes))
        _save(network, optimisers, {"step": step, "losses": losses}, out / "checkpoint.pt")
        print(f"{out.name}: epoch {number + 1}, loss {losses[-1]:.4f}", flush=True)
    torch.save(network.state_dict(), out / "network.pt")
    (out / "checkpoint.pt").unlink(missing_ok=True)
    facts = {"rows": len(rows), "extra": len(extra), "recipe": asdict(recipe), "losses": losses}
    facts["weights"] = digest(network)
    (out / "facts.json").write_text(json.dumps(facts, indent=1) + "\n")
    return losses


def digest(network: Network) -> str:
    """SHA-256 of every weight, to see whether two runs came out the same."""
    found = hashlib.sha256()
    for name, tensor in network.state_dict().items():
        found.update(name.encode())
        found.update(tensor.contiguous().numpy().tobytes())
    return found.hexdigest()


def loss(network: Network, batch: Batch, spans: float) -> Tensor:
    """Binary cross-entropy over known labels a row, and minus the log of what is given to the kinds allowed."""
    logits, kinds = network(batch.ids, batch.mask)
    known = ~batch.targets.isnan()
    labels = F.binary_cross_entropy_with_logits(logits, batch.targets.nan_to_num(), reduction="none")
    label_loss = (labels * known).sum() / len(known)
    decided = batch.mask & ~batch.kinds.all(-1)
    if not decided.any():
        return label_loss
    allowed = kinds.masked_fill(~batch.kinds, -torch.inf).logsumexp(-1) - kinds.logsumexp(-1)
    return cast(Tensor, label_loss - spans * allowed[decided].mean())


def keep_memory() -> None:
    """Tells the C library to keep freed memory: a third of the time went into asking for it anew."""
    trim, map_over = -1, -3  # M_TRIM_THRESHOLD, M_MMAP_THRESHOLD of malloc.h
    if os.uname().sysname == "Linux":
        libc = ctypes.CDLL(None)
        libc.mallopt(map_over, 2**30)
        libc.mallopt(trim, 2**31 - 1)


def _step(network: Network, optimisers: Sequence[torch.optim.Optimizer], batch: Batch, recipe: Recipe) -> float:
    network.train()
    value = loss(network, batch, recipe.spans)
    torch.autograd.backward(value)
    dense = [p for p in network.parameters() if p.grad is not None and not p.grad.is_sparse]
    torch.nn.utils.clip_grad_norm_(dense, 1.0)
    for optimiser in optimisers:
        optimiser.step()
        optimiser.zero_grad()
    return value.item()


def _optimisers(network: Network, recipe: Recipe) -> tuple[torch.optim.Optimizer, ...]:
    """AdamW for the layers, slower further down; a sparse Adam for the words; `peak` is a group's full rate."""
    depth = len(network.layers)
    groups = [
        {"params": list(layer.parameters()), "lr": recipe.rate * recipe.fade ** (depth - 1 - i)}
        for i, layer in enumerate(network.layers)
    ]
    bottom = recipe.rate * recipe.fade**depth
    groups.append({"params": [network.positions.weight, *network.norm.parameters()], "lr": bottom})
    heads = [network.queries, network.verdict, network.bias, *network.kinds.parameters()]
    groups.append({"params": heads, "lr": recipe.head_rate})
    optimisers = (
        torch.optim.AdamW(groups, weight_decay=0.01, fused=True),
        torch.optim.SparseAdam([network.words.weight], lr=bottom),
    )
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["peak"] = group["lr"]
    return optimisers


def _schedule(done: float, warm_up: float) -> float:
    """Factor of the learning rate: up in a line, down along a cosine."""
    if done < warm_up:
        return done / warm_up
    return 0.5 * (1 + math.cos(math.pi * (done - warm_up) / (1 - warm_up)))


def _pace(optimisers: Sequence[torch.optim.Optimizer], factor: float) -> None:
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["lr"] = group["peak"] * max(factor, 1e-3)


def _save(network: Network, optimisers: Sequence[torch.optim.Optimizer], state: dict[str, Any], path: Path) -> None:
    everything = state | {"network": network.state_dict(), "optimisers": [o.state_dict() for o in optimisers]}
    everything["random"] = torch.get_rng_state()  # of dropout
    torch.save(everything, path.with_suffix(".new"))
    path.with_suffix(".new").replace(path)


def _resume(network: Network, optimisers: Sequence[torch.optim.Optimizer], path: Path) -> dict[str, Any]:
    if not path.exists():
        return {"step": 0, "losses": []}
    state: dict[str, Any] = torch.load(path)
    network.load_state_dict(state["network"])
    for optimiser, saved in zip(optimisers, state["optimisers"], strict=True):
        optimiser.load_state_dict(saved)
    torch.set_rng_state(state["random"])
    return state


def _watched(passes: Sequence[Batch], name: str) -> Iterator[Batch]:
    """A progress bar; where nobody watches, a line for every tenth."""
    columns = (TextColumn(name), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns) as progress:
        for number, batch in enumerate(progress.track(passes), 1):
            yield batch
            if not progress.console.is_terminal and number % max(len(passes) // 10, 1) == 0:
                print(f"{name}: {number} of {len(passes)} batches", flush=True)


if __name__ == "__main__":
    main()
