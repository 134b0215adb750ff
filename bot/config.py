"""The one config file: read, checked, and named by a revision.

Every key has a default and a description here, and stands in `config/chaperone.toml`. An unknown key stops the
start, and the message names the near miss. Secrets come from the environment (or a `.env` file): CHAPERONE_KEY
seals what is stored.
"""

import hashlib
import json
import tomllib
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.config_errors import told
from bot.errors import ConfigError
from bot.model import Mode, Role
from bot.near import nearest
from bot.platforms import base as platforms
from bot.rules import DisclosureRule, Do, Lines, Policy, Rule
from bot.toml_lines import with_lines
from classifiers.labels import Label, NotAssessed
from classifiers.settings import Settings as ClassifierSettings

Line = Callable[[Label, float], float | None]
Days = Annotated[int, Field(ge=1, le=36_500)]  # a century: no calendar reaches far beyond, and what counts so far fails
Minutes = Annotated[int, Field(ge=1, le=36_500 * 24 * 60)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Store(_Part):
    path: Path = Field(Path("chaperone.sqlite3"), description="the database, relative to this file")
    key_file: Path = Field(
        Path("chaperone.key"), description="used where CHAPERONE_KEY is not set; made at first start"
    )
    keep_text_days: Days = Field(30, description="words go after so many days; an open case keeps its own")
    keep_crisis_text_days: Days = Field(90, description="the same for crisis, for whoever responds")


class Log(_Part):
    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="never holds text, names or secrets"
    )
    json_lines: bool = Field(False, description="a JSON object a line in place of key=value")


class WhenNotAssessed(_Part):
    """What becomes of comments that the classifier does not judge: "ask" a person, or "leave" them alone."""

    language: Literal["ask", "leave"] = Field("ask", description="not in a language that is assessed")
    wordless: Literal["ask", "leave"] = Field("leave", description="nothing but hearts, links or laughter")
    unreadable: Literal["ask"] = Field("ask", description="cannot be read at all; always a person's")
    model_down: Literal["ask"] = Field("ask", description="the model is missing or failed; always a person's")


def _is_rule(name: str, given: Any, shipped: Mapping[str, Any]) -> bool:
    return isinstance(given, dict) and name in shipped


class Rules(_Part):
    """One rule a label."""

    harassment: Rule = Rule(ask_when_right=0.75, do=(Do.HIDE,), severity="high")
    diagnosis_request: Rule = Rule(act_when_right=0.97, do=(Do.WARN,))  # a wrong answer is one signpost too many
    health_disclosure: DisclosureRule = DisclosureRule(ask_when_right=0.85)
    crisis: Rule = Rule(ask_when_right=0.5, severity="urgent")
    misinformation: Rule = Rule()
    solicitation: Rule = Rule(do=(Do.HIDE,))

    @model_validator(mode="before")
    @classmethod
    def _each_over_its_own_default(cls, given: dict[str, Any]) -> dict[str, Any]:
        """A rule with one key changed keeps the others of its label."""
        shipped = {name: field.default.model_dump() for name, field in cls.model_fields.items()}
        return {name: shipped[name] | it if _is_rule(name, it, shipped) else it for name, it in given.items()}

    @field_validator("crisis")
    @classmethod
    def _never_acts_on_crisis(cls, rule: Rule) -> Rule:
        if rule.do:
            raise ValueError("crisis is never acted on alone: leave `do` empty")
        return rule


SeverityName = Literal["low", "normal", "high", "urgent", "crisis"]


class OnDiscord(_Part):
    """The desk on Discord. Its token comes from the environment: CHAPERONE_DISCORD_TOKEN."""

    channel: int | None = Field(None, description="the id of the channel where cards are posted; left out = no desk")
    roles: dict[Role, tuple[int, ...]] = Field({}, description="ids of the roles that may rule; nobody else may")
    reveal_roles: tuple[int, ...] = Field((), description="who may read words unmasked; empty = nobody")
    ping: dict[SeverityName, int] = Field({}, description="the role that is called to a case, by severity")
    quiet_hours: str = Field(
        "", pattern=r"^(([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d)?$", description="calls wait until they end"
    )
    time_zone: str = Field("UTC", description="of the quiet hours")
    wake_for: SeverityName = Field("crisis", description="from this severity on calls are made in quiet hours too")
    blur_severe: bool = Field(True, description="words of severe cases are blurred until they are clicked")
    blank_unsure: bool = Field(
        False, description="of a patient's words that are not all sure, show those that are; false = only a summary"
    )
    severe_per_day: int | None = Field(None, ge=1, description="severe cases a person may rule in a day; not crisis")
    flood_comments: int = Field(10, ge=4, description="a case of so many comments gets a thread that lists them")
    show_acted: bool = Field(False, description="also post what the bot did alone, without a call")

    @field_validator("time_zone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError('there is no such time zone; write it like "Europe/London"') from None
        return name


class Desk(_Part):
    claim_minutes: Minutes = Field(10, description="how long a case is kept for whoever claimed it")
    remind_minutes: Minutes = Field(240, description="an open case is brought up again after so long")
    people: dict[str, Role] = Field({}, description="who may rule, and as what; empty = whoever has the key, as lead")
    crisis_minutes: Minutes = Field(10, description="after so long without a ruling the next on-call person is told")
    discord: OnDiscord = OnDiscord()


class Crisis(_Part):
    """What is said to, and shown about, somebody in danger. Who is told is said by `on_call` of each account."""

    helplines_confirmed: date | None = Field(None, description="the day you called the help lines and they answered")
    helplines: Path | None = Field(None, description="a file of your own, over the shipped help lines")
    supportive_reply: Literal["off", "press", "auto"] = Field("off", description="one reply that names a help line")
    red_flags_call: bool = Field(True, description="who asks for a diagnosis and names a red flag is a crisis too")


class OnCall(_Part):
    name: str = Field(min_length=1, description="who is told of a crisis, first to last")
    contact: str = Field("", description="how they are reached; a Discord id is called by the desk")
    notify: tuple[str, ...] = Field((), description="and without Discord: addresses as apprise writes them, in order")


class Account(_Part):
    name: str = Field(pattern=r"^[A-Za-z0-9_-]{1,40}$", description="your word for it; letters, digits, - and _")
    platform: str = Field(description="the name of a file in bot/platforms")
    mode: Mode = Field(Mode.SHADOW, description='"shadow" acts on nothing; "live" acts on comments seen from then on')
    country: str = Field(
        "", pattern=r"^([A-Z]{2})?$", description="ISO 3166 code, for help lines and emergency numbers"
    )
    on_call: tuple[OnCall, ...] = Field((), description="the people told of a crisis, in order")
    staff: tuple[str, ...] = Field((), description="author ids of your own side, which is watched too")
    links: dict[str, str] = Field({}, description="your own addresses and numbers, which replies may name")
    settings: dict[str, Any] = Field({}, description="what the platform needs; its own file says what")

    def platform_settings(self) -> platforms.Settings:
        """Validated by the platform's own model. Raises `ConfigError`."""
        model, _ = platforms.load(self.platform)
        try:
            return model.model_validate(self.settings)
        except ValidationError as error:
            raise ConfigError(told(error, model, f"accounts.{self.name}.settings.")) from None


def _each_name_once(accounts: tuple[Account, ...]) -> tuple[Account, ...]:
    names = [account.name for account in accounts]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"two accounts are named {name}")
    return accounts


class Config(_Part):
    store: Store = Store()
    log: Log = Log()
    classifier: ClassifierSettings = ClassifierSettings()
    not_assessed: WhenNotAssessed = WhenNotAssessed()
    rules: Rules = Rules()
    desk: Desk = Desk()
    crisis: Crisis = Crisis()
    accounts: Annotated[tuple[Account, ...], AfterValidator(_each_name_once)] = Field(min_length=1)

    def account(self, name: str) -> Account:
        """Raises `ConfigError` with the near miss."""
        for account in self.accounts:
            if account.name == name:
                return account
        raise ConfigError(f"There is no account {name!r}{nearest(name, [a.name for a in self.accounts])}")

    def revision(self) -> str:
        """Names everything that decisions follow from; where things are kept does not change it."""
        ruling = self.model_dump(mode="json", include={"classifier", "not_assessed", "rules"})
        ruling |= self.crisis.model_dump(include={"supportive_reply", "red_flags_call"})
        return hashlib.sha256(json.dumps(ruling, sort_keys=True).encode()).hexdigest()[:12]


class Secrets(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="CHAPERONE_", env_file=".env", extra="ignore")

    key: str | None = Field(None, repr=False, description="seals what is stored; several, newest first, while rotating")


def policy(
    rules: Rules, when: WhenNotAssessed, line: Line, *, supports: bool = False, red_flags_call: bool = True
) -> Policy:  # fmt: skip
    """The rules with a model's lines: `line(label, when_right)` is a probability, or None where data is too thin."""
    table = {label: getattr(rules, label.value) for label in Label}
    lines = {
        label: Lines(line(label, rule.ask_when_right), line(label, rule.act_when_right))
        for label, rule in table.items()
    }
    asked = frozenset(reason for reason in NotAssessed if getattr(when, reason.value) == "ask")
    return Policy(table, lines, asked, supports, red_flags_call)


def read(file: Path) -> Config:
    """Read and check the file. Paths in it are relative to it. Raises `ConfigError`."""
    try:
        text = file.read_text(encoding="utf-8")
        raw = tomllib.loads(text)
    except FileNotFoundError:
        raise ConfigError(f"There is no config file {file}. Write one with `chaperone init`.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The config file {file} cannot be read: {type(error).__name__}") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"The config file {file} is not TOML: {error}") from None
    try:
        return _at(Config.model_validate(raw), file.parent.resolve())
    except ValidationError as error:
        raise ConfigError(f"The config file {file}:\n" + with_lines(told(error, Config), text)) from None
    except ConfigError as error:  # the settings of an account
        raise ConfigError(f"The config file {file}:\n" + with_lines(str(error), text)) from None


def _at(config: Config, folder: Path) -> Config:
    """The config with its own paths made absolute, and every account's settings checked."""
    store = config.store.model_copy(
        update={"path": folder / config.store.path, "key_file": folder / config.store.key_file}
    )
    accounts = tuple(account.model_copy(update={"settings": _rooted(account, folder)}) for account in config.accounts)
    own = config.crisis.helplines
    crisis = config.crisis.model_copy(update={"helplines": folder / own if own else None})
    weights = config.classifier.folder
    classifier = config.classifier.model_copy(update={"folder": folder / weights if weights else None})
    return config.model_copy(update={"store": store, "accounts": accounts, "crisis": crisis, "classifier": classifier})


def _rooted(account: Account, folder: Path) -> dict[str, Any]:
    checked = account.platform_settings()
    paths = {name: value for name, value in checked if isinstance(value, Path) and str(value) != "-"}
    return account.settings | {name: folder / path for name, path in paths.items()}
