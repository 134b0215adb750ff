from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import BertWordPieceTokenizer

from classifiers.calibration import Calibration, Curve
from classifiers.encoder import Network, Shape
from classifiers.labels import Label
from classifiers.settings import Settings
from tests.classifiers.examples.huggingface import WORDS


def settings(folder: Path) -> Settings:
    """The real network with random weights and few words."""
    torch.manual_seed(0)
    network = Network(Shape(words=len(WORDS)))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(std=0.1)
    save_file(network.state_dict(), folder / "model.safetensors")
    vocabulary = {word: number for number, word in enumerate(WORDS)}
    BertWordPieceTokenizer(vocabulary).save(str(folder / "tokenizer.json"))
    curves = Calibration({label: Curve(1, 0, 0.5) for label in Label})
    (folder / "calibration.json").write_text(curves.to_json(), encoding="utf-8")
    return Settings(folder=folder)
