from pathlib import Path

import torch
from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

from classifiers.settings import Settings

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "you", "are", "a", "clown", "thank", "doctor", "!", ".", "the"]
LABEL_MAP = {"toxic": "harassment", "insult": "harassment", "advert": "solicitation"}


def settings(folder: Path) -> Settings:
    """A tiny BERT with random weights and three labels of its own."""
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
        id2label=dict(enumerate(LABEL_MAP)),
        label2id={name: number for number, name in enumerate(LABEL_MAP)},
        problem_type="multi_label_classification",
        initializer_range=0.5,
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    BertTokenizer(vocab={word: number for number, word in enumerate(WORDS)}, model_max_length=64).save_pretrained(
        folder
    )
    return Settings.model_validate({"name": "huggingface", "folder": folder, "label_map": LABEL_MAP})
