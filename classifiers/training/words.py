"""Writes `classifiers/words.txt`: common words of English comments, the most frequent first.

    python -m classifiers.training.words DATA

DATA is the folder of public sets (`NAME.jsonl.gz`, each row with a `text`). A word counts when at least FREQUENT
sightings in at least SETS sets speak for it, which keeps out most names and other languages. Only words leave
the sets, never their rows.
"""

import gzip
import json
import re
import sys
from collections import Counter
from pathlib import Path

SOURCES = [
    "cad",
    "counsel_chat",
    "covid_rumor_comments",
    "davidson",
    "druglib",
    "fox_news",
    "goemotions",
    "illness",
    "medqa_lasse",
    "nhs_feedback",
    "online_misogyny",
    "psytar_posts",
    "scamspot_raw",
    "toxic_spans_comments",
    "wnut17_raw",
    "youtube_spam",
]
FREQUENT = 10
SHORT = 500  # the same for words of one or two letters, most of which are abbreviations
SETS = 4
ELSEWHERE = re.compile(r"https?\S+|www\.\S+|[@#&]\w+")
WORD = re.compile(r"(?<![\w'])[a-z]+(?:'[a-z]+)?(?![\w'])")


def words_of(path: Path) -> Counter[str]:
    """How often each word stands in one set."""
    counts: Counter[str] = Counter()
    with gzip.open(path, "rt", encoding="utf-8") as rows:
        for row in rows:
            text = json.loads(row)["text"].lower().replace("’", "'")
            counts.update(WORD.findall(ELSEWHERE.sub("", text)))
    return counts


def main(data: Path) -> None:
    sets = [words_of(data / f"{name}.jsonl.gz") for name in SOURCES]
    total = sum(sets, Counter[str]())
    often = [w for w, n in total.items() if n >= (FREQUENT if len(w) > 2 else SHORT)]
    kept = [w for w in often if sum(w in each for each in sets) >= SETS]
    kept.sort(key=lambda word: (-total[word], word))
    target = Path(__file__).parent.parent / "words.txt"
    target.write_text("".join(f"{word}\n" for word in kept), encoding="utf-8")
    print(f"{len(kept)} words, {target.stat().st_size} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
