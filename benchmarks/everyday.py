"""Candidates for `bot/review/everyday.txt`, for a person to choose from: `python -m benchmarks.everyday`.

A candidate is among the most frequent words of English comments (`classifiers/words.txt`), stands in small letters in
at least two rows of our own corpus, never with a capital in the middle of a sentence, and is not listed yet. Rows of
disclosures and crises are not read: on those the list is measured (`python -m benchmarks.desk masking`).

Of a candidate the person asks: can it name somebody, a place, a job, an illness, a part of the body or what it does, a
medicine, a result, a number or a date, alone or beside other words of the list? Only what cannot is taken.
"""

import json
from collections import Counter
from pathlib import Path

from bot.review.sure import ENDS_SENTENCE, WORD, everyday

CLASSIFIERS = Path(__file__).parent.parent / "classifiers"
FILES = ("everyday", "plain", "harassment", "harassment-2", "groups", "misinformation-solicitation")
MOST_FREQUENT, LEAST_ROWS = 8_000, 2


def main() -> None:
    small, large = Counter[str](), Counter[str]()
    for name in FILES:
        for line in (CLASSIFIERS / f"training/corpus/{name}.jsonl").read_text(encoding="utf-8").splitlines():
            text = json.loads(line)["text"].replace("’", "'")
            if not text.isupper():
                _count(text, small, large)
    frequent = (CLASSIFIERS / "words.txt").read_text(encoding="utf-8").split()[:MOST_FREQUENT]
    found = [each for each in frequent if small[each] >= LEAST_ROWS and not large[each] and each not in everyday()]
    print(" ".join(found))
    print(f"\n{len(found)} candidates; {len(everyday())} words are listed")


def _count(text: str, small: Counter[str], large: Counter[str]) -> None:
    """Add one row: words in small letters, and those with a capital that no sentence begins with."""
    at, seen = 0, set[str]()
    for it in WORD.finditer(text):
        opens, at, word = at == 0 or ENDS_SENTENCE.search(text[at : it.start()]), it.end(), it.group()
        if word[0].islower():
            seen.add(word)
        elif not opens and not word.isupper():
            large[word.lower()] += 1
    small.update(seen)


if __name__ == "__main__":
    main()
