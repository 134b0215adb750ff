"""Red flags: signs of an emergency that a comment names, such as pain in the chest (`config/red_flags.toml`).

They choose the emergency wording of a reply (`bot/act.py`), and call the person on call (`bot/decide.py`).
"""

import re
import tomllib
from functools import cache

from bot.shipped import shipped
from classifiers.normalise import normalise


def named(text: str) -> bool:
    """Whether a comment names one."""
    return bool(_words().search(normalise(text).text))


@cache
def _words() -> re.Pattern[str]:
    table = tomllib.loads(shipped("red_flags.toml").read_text(encoding="utf-8"))
    return re.compile("|".join(table["words"]), re.IGNORECASE)
