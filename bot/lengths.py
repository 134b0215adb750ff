"""How long a text may be, by platform, as its platform counts."""

import re
import unicodedata

LIMITS = {
    "x": 280, "bluesky": 300, "threads": 500, "mastodon": 500, "linkedin": 1250, "discord_server": 2000,
    "instagram": 2200, "facebook": 8000, "youtube": 10_000, "reddit": 10_000,
}  # fmt: skip
_HOST = r"(?<![\w@.+-])(?:[a-z0-9-]+\.)+[a-z]{2,}\b(?![\w.+-]*@)"  # as X does, no part of an e-mail address is a link
URL = re.compile(rf"https?://\S+|{_HOST}(?:/\S*)?", re.IGNORECASE)
URL_ON_X = 23  # a link counts so much there, however long it is
LIGHT = (range(0x1100), range(0x2000, 0x200E), range(0x2010, 0x2020), range(0x2032, 0x2038))  # count 1 on X, all else 2


def limit(platform: str) -> int:
    """Characters; the shortest of all where a platform's is not known."""
    return LIMITS.get(platform, min(LIMITS.values()))


def length(platform: str, words: str) -> int:
    """What counts of a text there."""
    if platform != "x":
        return len(words)
    words = unicodedata.normalize("NFC", words)
    links = len(URL.findall(words))
    return links * URL_ON_X + sum(1 if any(ord(c) in light for light in LIGHT) else 2 for c in URL.sub("", words))
