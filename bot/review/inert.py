"""What a stranger wrote, made harmless for a chat: it calls nobody, formats nothing and leads nowhere.

The words stand in a code block, in which a chat renders nothing; what could end the block is taken out of them. What
other places would act on (a mention, an address) is broken as well, for words are copied.
"""

import re
import unicodedata

_INVISIBLE = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})  # turn the writing round, hide, or are no characters
_FENCE = {ord("`"): "ˋ", ord("|"): "ǀ"}  # a code block ends at the one, a spoiler at the other
_CALLS = re.compile(r"[@<]|://")
_BROKEN = {"@": "@\u200b", "<": "<\u200b", "://": "[:]//"}
_BLANK = re.compile(r"[^\S\n]+")
_LINES = re.compile(r"\s*\n\s*")


def inert(text: str, longest: int) -> str:
    """The text as a code block whose words take at most `longest` characters."""
    return f"```\n{plain(text, longest) or ' '}\n```"


def plain(text: str, longest: int) -> str:
    """The words alone, without anything that could end a code block, cut to `longest` characters."""
    seen = "".join(sign if sign == "\n" or unicodedata.category(sign) not in _INVISIBLE else " " for sign in text)
    seen = _LINES.sub("\n", _BLANK.sub(" ", seen.translate(_FENCE))).strip()
    broken = _CALLS.sub(lambda it: _BROKEN[it.group()], seen)
    return broken if len(broken) <= longest else broken[: longest - 1].rstrip("@<") + "…"


def one_line(text: str, longest: int) -> str:
    """Words of a platform or of ours that may quote a stranger, inside a sentence of ours: as inline code."""
    return f"`{plain(text, longest).replace(chr(10), ' ') or ' '}`"
