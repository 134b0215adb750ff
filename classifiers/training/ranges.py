"""Writes how far activations reach, which scoring in int8 has to know (`classifiers/int8.py`).

    python -m classifiers.training.ranges [FOLDER]

FOLDER holds the weights (the shipped ones if left out). Writes `ranges.safetensors` there, bound to these weights by
their SHA-256, from about TEXTS texts of the corpus. Run it after `evaluate`; without the file, scoring is in fp32.
"""

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from safetensors.torch import save
from torch import Tensor

from classifiers.batching import passes
from classifiers.encoder import SHIPPED, pad, read_network, read_tokenizer
from classifiers.int8 import observed
from classifiers.normalise import normalise

CORPUS = Path(__file__).parent / "corpus"
TEXTS = 1000
TOKENS = 256


def main(folder: Path) -> None:
    """Writes the file. Raises ModelUnavailable where the folder holds no weights."""
    weights = folder / "model.safetensors"
    ranges = observed(read_network(weights), batches(folder / "tokenizer.json"))
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    (folder / "ranges.safetensors").write_bytes(save(ranges, {"weights": digest}))
    print(f"{len(ranges)} ranges for the weights {digest[:12]}")


def batches(tokenizer: Path) -> Iterator[tuple[Tensor, Tensor]]:
    """Ids and masks of some texts of the corpus, long ones first."""
    rows = [row for path in sorted(CORPUS.glob("*.jsonl")) for row in path.read_text("utf-8").strip().split("\n")]
    texts = [normalise(json.loads(row)["text"]).text for row in rows[:: max(1, len(rows) // TEXTS)]]
    ids = [encoding.ids[:TOKENS] for encoding in read_tokenizer(tokenizer).encode_batch(texts)]
    for group in passes([len(text) for text in ids], 1024):
        yield pad([ids[index] for index in group])


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else SHIPPED)
