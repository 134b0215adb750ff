"""Spans from the logits of tokens."""

import torch
from tokenizers import Tokenizer, models, pre_tokenizers

from classifiers.encoder import KINDS, spans
from classifiers.labels import Span, SpanType

LIKELY = 20.0


def found(text: str, **kinds: SpanType) -> list[Span]:
    """Spans of a text whose words are what `kinds` says, every sign of it a person, and the rest nothing."""
    split = pre_tokenizers.BertPreTokenizer()
    words = [word for word, _ in split.pre_tokenize_str(text)]
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(dict.fromkeys(words))}, unk_token="?"))
    tokenizer.pre_tokenizer = split
    logits = torch.zeros(len(words), len(KINDS))
    for row, word in zip(logits, words, strict=True):
        kind = kinds.get(word) if word.isalnum() else SpanType.PERSON
        row[KINDS.index(kind)] = LIKELY
    return list(spans(tokenizer.encode(text), range(len(words)), logits))


def test_words_of_one_kind_are_one_span_also_around_a_hyphen() -> None:
    person = SpanType.PERSON
    assert found("ask Ann Osei-Duah", Ann=person, Osei=person, Duah=person) == [Span(4, 17, person)]


def test_signs_alone_are_no_span() -> None:
    assert found("well - yes . no", well=SpanType.DATE) == [Span(0, 4, SpanType.DATE)]
