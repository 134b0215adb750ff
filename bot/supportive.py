"""The one supportive reply: what somebody in danger may be told in public, once, where the config allows it.

Off by default; else a person presses for it, and only `crisis.supportive_reply = "auto"` lets the machine say it. The
words are `config/supportive.txt` with the help line and the emergency number of the account's country; like all that
is said, they pass the reply guard when they are sent.
"""

from collections.abc import Callable
from hashlib import sha256
from typing import Any

from sqlalchemy import Row

from bot.config import Config
from bot.errors import DeskError
from bot.helplines import Helplines
from bot.model import Severity
from bot.replies import Templates
from bot.shipped import shipped

Support = Callable[[str, str], str]  # an account's name and a key that chooses the variant; raises `DeskError`


def helplines(config: Config | None = None) -> Helplines:
    """The shipped ones, and the owner's own over them. Raises `ConfigError`."""
    own = [config.crisis.helplines] if config and config.crisis.helplines else []
    return Helplines.read(shipped("helplines.toml"), *own)


def templates(config: Config | None = None) -> Templates:
    """What we say, with the numbers of every country. Raises `ConfigError`."""
    return Templates.read(shipped("replies"), helplines(config))


def crisis_lines(config: Config, row: Row[Any]) -> tuple[str, ...]:
    """For a case of crisis: whom somebody in danger can call in the account's country. Of others, nothing."""
    if row.severity != Severity.CRISIS:
        return ()
    country = next((one.country for one in config.accounts if one.name == row.account), "")
    return helplines(config).of(country).told()


def variants() -> tuple[str, ...]:
    return tuple(part.strip() for part in shipped("supportive.txt").read_text(encoding="utf-8").split("\n---\n"))


def support(config: Config) -> Support | None:
    """What gives the words; None where the config has it off. Raises `ConfigError` where it cannot read help lines."""
    if config.crisis.supportive_reply == "off":
        return None
    known, texts = helplines(config), variants()

    def words(account: str, key: str) -> str:
        country = known.of(config.account(account).country)
        if not country.lines or country.emergency is None:
            raise DeskError(f"There is no help line for {account}: add its country's to a file of `crisis.helplines`.")
        line, chosen = country.lines[0], int(sha256(key.encode()).hexdigest(), 16) % len(texts)
        return texts[chosen].format(helpline=line.name, number=line.number, emergency=country.emergency.number)

    return words


def supportable(config: Config) -> frozenset[str]:
    """The accounts whose country has what the reply must name."""
    known = helplines(config)
    complete = (one.name for one in config.accounts if known.of(one.country).lines and known.of(one.country).emergency)
    return frozenset(complete)
