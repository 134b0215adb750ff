"""Help lines, and what is said with them: the templates, and the one supportive reply.

That reply is what somebody in danger may be told in public, once, where the config allows it: off by default; else a
person presses for it, and only `crisis.supportive_reply = "auto"` lets the machine say it. It is the template `crisis`,
and said only where the account's country has the help line and the emergency number that it names.
"""

from typing import Any

from sqlalchemy import Row

from bot.config import Config
from bot.helplines import Helplines
from bot.model import Severity
from bot.replies import Templates
from bot.shipped import shipped


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


def supportable(config: Config) -> frozenset[str] | None:
    """The accounts whose country has what the supportive reply must name; None where it is off.

    Raises `ConfigError` where help lines cannot be read.
    """
    if config.crisis.supportive_reply == "off":
        return None
    known = helplines(config)
    complete = (one.name for one in config.accounts if known.of(one.country).lines and known.of(one.country).emergency)
    return frozenset(complete)
