"""The one config file: every key is documented, a typo stops the start and names the near miss."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from bot.config import Config, Rules, read
from bot.config_errors import inner_model
from bot.errors import ConfigError
from bot.model import Mode
from bot.platforms import base as platforms
from bot.rules import Do, Rule
from bot.shipped import shipped
from classifiers.labels import Label

SHIPPED = shipped("chaperone.toml")
EXAMPLES = {
    "hub_id",
    "revision",
    "folder",
    "base_rate",
    "label_map",
    "people",
    "hides_per_15_minutes",
    "channel",
    "severe_per_day",
    "helplines_confirmed",
    "helplines",
}  # no default


def keys(model: type[BaseModel], table: str = "") -> Iterator[tuple[str, str, Any]]:
    """(table, key, default) of every key there is."""
    for name, field in model.model_fields.items():
        inner = inner_model(field.annotation)
        if inner is None:
            yield table, name, field.get_default(call_default_factory=True)
        else:
            yield from keys(inner, f"{table}.{name}".strip("."))


def uncommented() -> dict[str, Any]:
    """The shipped file with every key in force."""
    text = re.sub(r"^# (?=[a-z_0-9]+ = )", "", SHIPPED.read_text(), flags=re.MULTILINE)
    return tomllib.loads(text)


def table_of(document: dict[str, Any], path: str) -> dict[str, Any]:
    for part in path.split("."):
        document = document[part][0] if isinstance(document[part], list) else document[part]
    return document


ALL_KEYS = [*keys(Config), *(("accounts.settings", *rest) for _, *rest in keys(platforms.load("replay")[0]))]


@pytest.mark.parametrize(("table", "key", "default"), ALL_KEYS, ids=[f"{table}.{key}" for table, key, _ in ALL_KEYS])
def test_every_key_stands_in_the_shipped_file_with_its_default(table: str, key: str, default: Any) -> None:
    if (table, key) == ("accounts", "settings"):
        return
    given = table_of(uncommented(), table)[key]
    if table.startswith("rules."):
        default = getattr(getattr(Rules(), table.removeprefix("rules.")), key)
    if default is not PydanticUndefined and key not in EXAMPLES and not table.startswith("accounts"):
        assert given == (
            list(default) if isinstance(default, tuple) else str(default) if isinstance(default, Path) else default
        )


def test_every_key_has_a_description() -> None:
    for _, name, _ in ALL_KEYS:
        assert re.search(rf"^(# )?{name} = .*#|^{name} = \[  +#|^\[.*{name}", SHIPPED.read_text(), re.MULTILINE) or (
            name in Rule.model_fields or name in ("name", "contact", "notify")
        ), name


@pytest.mark.parametrize("word", [*Label, *Do, *Mode])
def test_every_label_action_and_mode_is_named_in_the_shipped_file(word: str) -> None:
    assert word in SHIPPED.read_text()


def test_it_ships_in_shadow() -> None:
    assert all(account.mode is Mode.SHADOW for account in read(SHIPPED).accounts)


def config_with(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "chaperone.toml"
    file.write_text('[[accounts]]\nname = "a"\nplatform = "replay"\nsettings = { path = "c.jsonl" }\n' + text)
    return file


TYPOS = [
    ("[store]\nkeep_text_day = 3", "store.keep_text_day", "keep_text_days"),
    ("[rules.harassment]\nact_when_rihgt = 0.9", "rules.harassment.act_when_rihgt", "act_when_right"),
    ("[rules.harasment]", "rules.harasment", "harassment"),
    ("[rule]", "rule", "rules"),
    ("[classifier]\nnaem = 'encoder'", "classifier.naem", "name"),
]


@pytest.mark.parametrize(("text", "where", "meant"), TYPOS, ids=[where for _, where, _ in TYPOS])
def test_a_typo_stops_the_start_and_names_the_near_miss(tmp_path: Path, text: str, where: str, meant: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(f"{where}: there is no such key; did you mean {meant!r}?")):
        read(config_with(tmp_path, text))


REFUSED = [
    ("[rules.crisis]\ndo = ['hide']", "crisis is never acted on alone"),
    ("[rules.harassment]\ndo = ['ban']", "'hide', 'warn', 'nudge' or 'mute'"),
    ("[not_assessed]\nmodel_down = 'leave'", "'ask'"),
    ("[store]\nkeep_text_days = 0", "greater than or equal to 1"),
    ("[store]\nkeep_crisis_text_days = 999999", "less than or equal to 36500"),
    ("[desk]\ncrisis_minutes = 9999999999", "less than or equal to"),
    ("x = ", "is not TOML"),
]


@pytest.mark.parametrize(("text", "told"), REFUSED, ids=[text for text, _ in REFUSED])
def test_what_the_house_forbids_is_refused(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(told)):
        read(config_with(tmp_path, text))


def test_a_wrong_account_is_told_alone_and_in_plain_words(tmp_path: Path) -> None:
    file = tmp_path / "one.toml"
    file.write_text("[[accounts]]\nname = 'practice'\nplatform = 'replay'\ncountry = 'England'\n")
    with pytest.raises(ConfigError) as refused:
        read(file)
    assert "accounts.0.country: two capital letters, such as GB" in str(refused.value)
    assert "at least 1 item" not in str(refused.value)


WHERE = [
    ("[[accounts]]\nname = 'a'\nplatform = 'replay'\ncountry = 'England'\n", "line 4: accounts.0.country: two"),
    ("[[accounts]]\nname = 'a'\n[store]\n\nkeep_text_day = 3", "line 5: store.keep_text_day: there is no"),
    ("[[accounts]]\nname = 'a'\n[store]\n\nkeep_text_day = 3", "line 1: accounts.0.platform: Field required"),
    (
        "[[accounts]]\nname = 'a'\nplatform = 'replay'\nsettings = { path = 'x' }\n"
        "[[accounts]]\nname = 'b'\nplatform = 'replay'\n[accounts.settings]\npath = 'x'\nfolow = 1",
        "line 10: accounts.b.settings.folow: there is no",
    ),
]


@pytest.mark.parametrize(("text", "told"), WHERE, ids=[told for _, told in WHERE])
def test_the_line_is_told(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "one.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=re.escape(told)):
        read(file)


def test_a_rule_with_one_key_changed_keeps_the_others_of_its_label(tmp_path: Path) -> None:
    rules = read(config_with(tmp_path, "[rules.harassment]\nbudget_per_day = 7")).rules
    assert rules.harassment == Rules().harassment.model_copy(update={"budget_per_day": 7})
    assert rules.solicitation == Rules().solicitation


def test_a_platforms_own_keys_are_checked_too(tmp_path: Path) -> None:
    file = tmp_path / "chaperone.toml"
    file.write_text('[[accounts]]\nname = "a"\nplatform = "replay"\nsettings = { path = "c", folow = true }')
    with pytest.raises(ConfigError, match=r"accounts\.a\.settings\.folow: there is no such key; did you mean 'follow'"):
        read(file)


def test_an_unknown_platform_names_the_near_miss(tmp_path: Path) -> None:
    file = tmp_path / "chaperone.toml"
    file.write_text('[[accounts]]\nname = "a"\nplatform = "repaly"')
    with pytest.raises(ConfigError, match="did you mean 'replay'"):
        read(file)


def test_the_messages_never_quote_a_value(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as told:
        read(config_with(tmp_path, "[store]\nkeep_text_days = 'hunter2-secret'"))
    assert "hunter2" not in str(told.value)


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    config = read(config_with(tmp_path, '[classifier]\nfolder = "weights"'))
    assert config.store.path == tmp_path / "chaperone.sqlite3"
    assert config.classifier.folder == tmp_path / "weights"
    assert config.accounts[0].settings["path"] == tmp_path / "c.jsonl"


def test_the_revision_follows_the_rules_and_nothing_else(tmp_path: Path) -> None:
    plain = read(config_with(tmp_path, "")).revision()
    assert read(config_with(tmp_path, "[store]\nkeep_text_days = 9")).revision() == plain
    assert read(config_with(tmp_path, "[rules.harassment]\nact_when_right = 0.99")).revision() != plain


def test_every_setting_of_x_stands_in_the_shipped_example_with_its_default() -> None:
    example = "\n".join(re.findall(r"^## (\W.*|[a-z_]+ = .*)$", SHIPPED.read_text(), re.MULTILINE))
    (account,) = [one for one in tomllib.loads(example)["accounts"] if one["platform"] == "x"]
    model, _ = platforms.load("x")
    defaults = {name: field.default for name, field in model.model_fields.items() if not field.is_required()}
    given = account["settings"]
    assert given.keys() == model.model_fields.keys()
    assert {name: given[name] for name in defaults} == {
        name: default.model_dump() if isinstance(default, BaseModel) else default for name, default in defaults.items()
    }
    lines = SHIPPED.read_text()
    described = {name: field.description for name, field in model.model_fields.items() if name != "prices"}
    assert [name for name, told in described.items() if f"# {told}\n" not in lines] == []
