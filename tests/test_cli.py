"""The command line as a person meets it: each command run for real, its output read."""

import json
import math
import re
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from bot.__main__ import app
from bot.commands.setup import _model, _must_answer
from bot.config import Config, read
from bot.errors import ChaperoneError, ConfigError
from bot.model import Mode
from bot.platforms import base as platforms
from classifiers.base import Scored
from classifiers.errors import ClassifierError
from classifiers.labels import Label
from classifiers.pipeline import Pipeline, Settings
from tests.classifiers.keywords import Keywords

COMMENTS = [
    {"id": "a", "text": "you are a pathetic excuse for a doctor", "author": "u1", "thread": "t"},
    {"id": "b", "text": "thank you, this helped", "author": "u2", "thread": "t"},
    {"id": "c", "text": "i want to kill myself tonight", "author": "u3", "thread": "t"},
]
CONFIG = """
[classifier]
{classifier}
[desk]
people = {{ asha = "lead", cleo = "triage" }}
[[accounts]]
name = "practice"
platform = "replay"
mode = "{mode}"
country = "GB"
on_call = [{{ name = "dr sen", contact = "1" }}]
settings = {{ path = "comments.jsonl", follow = false }}
"""
NO_MODEL = 'folder = "nowhere"'  # every comment becomes a person's; the commands are the same and the tests quick


def chaperone(*arguments: str, text: str | None = None) -> Result:
    return CliRunner().invoke(app, list(arguments), input=text, catch_exceptions=True)


def ok(*arguments: str) -> str:
    done = chaperone(*arguments)
    assert done.exit_code == 0, (done.output, done.exception)
    return done.stdout


def refused(*arguments: str) -> str:
    done = chaperone(*arguments)
    assert isinstance(done.exception, ChaperoneError), (done.output, done.exception)
    return str(done.exception)


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.delenv("CHAPERONE_KEY", raising=False)
    (tmp_path / "comments.jsonl").write_text("".join(json.dumps(row) + "\n" for row in COMMENTS) + "no json\n")
    file = tmp_path / "chaperone.toml"
    file.write_text(CONFIG.format(classifier=NO_MODEL, mode="live"))
    return str(file)


@pytest.fixture
def worked(config: str) -> str:
    ok("run", "--once", "-c", config)
    return config


def status(config: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ok("status", "--json", "-c", config))
    return found


def test_no_summary_of_a_command_is_cut() -> None:
    assert not re.findall(r"^  .*\.\.\.$", ok("--help"), re.MULTILINE)


def test_without_a_model_everything_goes_to_a_person_and_it_says_so(config: str) -> None:
    done = chaperone("run", "--once", "-c", config)
    assert done.exit_code == 0
    assert "Without the model every comment goes to a person" in done.stderr
    found = status(config)
    assert (found["comments"], found["assessed"], found["set_aside"]) == (3, 0, 1)
    assert found["not_assessed"] == {"model_down": 3}
    assert found["verdicts"] == {"ask": 3}


def test_a_second_run_adds_nothing(worked: str) -> None:
    before = status(worked)
    ok("run", "--once", "-c", worked)
    assert status(worked) == before


def test_status_is_a_page_for_an_operator(worked: str) -> None:
    told = ok("status", "-c", worked)
    for words in (
        "NOT RUNNING",
        "practice (replay): live, it acts; last heard from",
        "2 cases for a person",
        "1 crisis, 1 high; the oldest since",
        "1 not judged, the model was down",
        "comments: 3 seen, 3 put before a person",
        "line 4, ",
        "not a JSON object",
    ):
        assert words in told, told
    assert not re.search(r"\b0\b(?!:)|none|\w_\w", told.partition("database")[0]), told  # but the hour of a time


def test_before_anything_ran_it_says_so_and_where_it_looked_and_makes_nothing(config: str) -> None:
    for command in ("status", "queue"):
        told = refused(command, "-c", config)
        assert "Nothing has run yet" in told
        assert str(Path(config).with_name("chaperone.sqlite3")) in told
    assert not list(Path(config).parent.glob("chaperone.[ks]*"))


def test_crisis_is_first_in_the_queue_and_somebody_was_told(worked: str) -> None:
    first = ok("queue", "-c", worked).splitlines()[1]
    assert "crisis" in first
    assert "on call: dr sen" in first


def test_a_dead_model_makes_one_case_and_not_thousands(worked: str) -> None:
    cases = json.loads(ok("queue", "--json", "-c", worked))
    assert [(row["reason"], row["comments"]) for row in cases] == [("flagged", 1), ("model_down", 2)]


def test_why_tells_the_whole_way(worked: str) -> None:
    told = ok("why", "a", "-c", worked)
    for word in ("NOT JUDGED  model down", "not_assessed.model_down", "never flagged before", "ask a person", "cases"):
        assert word in told


def test_one_comment_of_a_case_is_undone_alone(worked: str) -> None:
    assert "2 actions to be done" in ok("rule", "1", "hide", "--seen", "2", "--as", "asha", "-c", worked)
    ok("run", "--once", "-c", worked)
    assert "1 action to be done" in ok("rule", "1", "undo", "--comment", "2", "--as", "asha", "-c", worked)


def test_what_joined_a_case_after_it_was_shown_is_not_ruled_on(worked: str) -> None:
    assert "rule on all 2: chaperone rule 1 … --seen 2" in ok("show", "1", "-c", worked)
    with Path(worked).with_name("comments.jsonl").open("a") as file:
        for n in range(23):
            file.write(json.dumps({"id": f"d{n}", "text": "what a quack", "author": "u4", "thread": "t"}) + "\n")
    ok("run", "--once", "-c", worked)
    told = refused("rule", "1", "hide", "--seen", "2", "--as", "asha", "-c", worked)
    assert "Case 1 has 25 comments, 23 more than you saw, so nothing was done" in told
    shown = ok("show", "1", "-c", worked)
    assert (shown.count("│ comment "), "--seen 25" in shown) == (25, True)  # all that it hands the number out for
    assert "25 comments, 24 more" in refused("rule", "1", "keep", "--as", "asha", "-c", worked)
    ok("rule", "1", "label", "none", "--as", "asha", "-c", worked)  # it stays open
    assert "1 action to" in ok("rule", "1", "hide", "--comment", "1", "--as", "asha", "-c", worked)
    assert "25 actions to" in ok("rule", "1", "mute", "--seen", "25", "--as", "asha", "-c", worked)


def test_ruling_from_the_command_line(worked: str) -> None:
    assert "1 action to be done on the platform" in ok(
        "rule", "1", "hide", "--comment", "1", "--as", "asha", "-c", worked
    )
    ok("run", "--once", "-c", worked)
    assert "hidden" in ok("why", "1", "-c", worked)
    ok("rule", "1", "keep", "--seen", "2", "--as", "cleo", "-c", worked)
    assert "Nothing" not in ok("queue", "-c", worked)
    assert "1 action to be done on the platform" in ok("undo", "1", "--as", "asha", "-c", worked)
    ok("run", "--once", "-c", worked)
    assert re.search(r"restore +by asha: restored", ok("why", "1", "-c", worked))


def test_the_words_after_a_ruling_are_kept(worked: str) -> None:
    ok("rule", "1", "note", "call her back", "--as", "asha", "-c", worked)
    ok("rule", "1", "keep", "no harm meant", "--seen", "2", "--why", "she was joking", "--as", "asha", "-c", worked)
    told = ok("show", "1", "--json", "-c", worked)
    assert "call her back" in told
    assert "no harm meant; she was joking" in told


REFUSED = [
    (("rule", "1", "hide"), "Say who you are"),
    (("rule", "1", "hide", "--as", "ahsa"), "did you mean 'asha'"),
    (("rule", "1", "hide", "--seen", "2", "--as", "cleo"), "cleo is triage"),
    (("rule", "99", "hide", "--as", "asha"), "There is no case 99"),
    (("rule", "1", "warn", "--seen", "2", "--as", "asha"), "say which template"),
    (("rule", "1", "reply", "Thank you for your visit, Sam", "--as", "asha"), "The reply guard did not"),
    (("rule", "1", "label", "harasment", "--as", "asha"), "did you mean 'harassment'"),
    (("rule", "1", "note", "--as", "asha"), "A note needs words"),
    (("show", "99"), "There is no case 99"),
    (("show", "1", "--reveal"), "Say who you are"),
    (("why", "zzz"), "There is no comment zzz"),
    (("pause", "practise", "--as", "asha"), "did you mean 'practice'"),
    (("erase", "u9", "--account", "practice", "--as", "asha"), "Nothing of that author"),
    (("erase", "--account", "practice", "--as", "asha"), "Nothing of that author"),
    (("erase", "--wrote", "99", "--account", "practice", "--as", "asha"), "Nothing of that author"),
]


@pytest.mark.parametrize(("arguments", "told"), REFUSED, ids=[" ".join(arguments[:3]) for arguments, _ in REFUSED])
def test_what_cannot_be_done_is_said_and_why(worked: str, arguments: tuple[str, ...], told: str) -> None:
    assert told in refused(*arguments, "-c", worked)


def test_revealing_is_logged_and_hiding_is_the_default(worked: str) -> None:
    ok("show", "1", "--reveal", "--as", "asha", "-c", worked)
    assert "pathetic" in ok("show", "1", "-c", worked)  # nothing in it points to a person, so nothing is masked


def test_pause_and_resume(worked: str) -> None:
    assert "Paused practice: harassment" in ok(
        "pause", "practice", "--label", "harassment", "--as", "asha", "-c", worked
    )
    assert status(worked)["paused"][0]["label"] == "harassment"
    assert "acts again" in ok("resume", "practice", "--label", "harassment", "--as", "asha", "-c", worked)


def test_erasing_a_person(worked: str) -> None:
    assert "1 comments" in ok("erase", "u1", "--account", "practice", "--as", "asha", "-c", worked)
    assert "1 comments" in ok("erase", "--wrote", "2", "--account", "practice", "--as", "asha", "-c", worked)
    assert "pathetic" not in ok("why", "1", "-c", worked)


def test_the_key_is_rotated(worked: str) -> None:
    key_file = Path(worked).with_name("chaperone.key")
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    old, new = key_file.read_text(), ok("key")
    key_file.write_text(new + old)
    assert "values are sealed with the newest key" in ok("rotate-key", "-c", worked)
    key_file.write_text(new)
    assert "pathetic" in ok("why", "a", "-c", worked)


def test_init_writes_what_check_accepts_but_for_what_only_a_person_knows(tmp_path: Path) -> None:
    file = tmp_path / "new.toml"
    (tmp_path / "comments.jsonl").touch()
    ok("init", str(file), "--platform", "replay", "--setting", "path=comments.jsonl", "--country", "ie",
       "--on-call", "Dr Sen")  # fmt: skip
    assert 'country = "IE"' in file.read_text()
    assert "is there already" in refused("init", str(file))
    other = str(tmp_path / "other.toml")
    assert "write it as name=value" in refused("init", other, "--platform", "replay", "--setting", "comments.jsonl")
    told = chaperone("check", "-c", str(file)).stdout
    assert "shadow: acts on nothing" in told
    assert "Dr Sen has neither `contact` nor `notify`" in told
    assert not (tmp_path / "chaperone.sqlite3").exists()


@pytest.mark.parametrize("platform", platforms.names())
def test_init_asks_for_what_each_platform_needs(platform: str, tmp_path: Path) -> None:
    file, needed = tmp_path / "new.toml", {"discord_server": "123456789012345678", "x": "your_clinic"}
    answers = f"{platform}\n{needed.get(platform, 'comments.jsonl')}\ngb\nAsha\n\n"
    assert chaperone("init", str(file), text=answers).exit_code == 0
    (account,) = read(file).accounts
    assert (account.platform, account.mode) == (platform, Mode.SHADOW)


def test_a_live_account_whose_crisis_would_call_nobody_fails_the_check(config: str) -> None:
    told = chaperone("check", "-c", config).stdout
    assert re.search(r"FAIL\s+practice.*a crisis would call nobody", told)


def test_init_asks_how_whoever_is_on_call_is_reached(tmp_path: Path) -> None:
    file = tmp_path / "new.toml"
    done = chaperone("init", str(file), text="replay\ncomments.jsonl\ngb\nAsha\njson://pager.example.org/asha\n")
    assert "such as\n  mailto://alerts:$CHAPERONE_MAIL_PASSWORD@" in done.stdout, done.exception
    (asha,) = read(file).accounts[0].on_call
    assert (asha.name, asha.notify) == ("Asha", ("json://pager.example.org/asha",))
    skipped = tmp_path / "skipped.toml"
    chaperone("init", str(skipped), text="replay\ncomments.jsonl\ngb\nAsha\n\n")
    assert read(skipped).accounts[0].on_call[0].notify == ()


def test_check_demands_a_country_and_somebody_on_call(config: str) -> None:
    file = Path(config)
    file.write_text(re.sub(r"country.*|on_call.*", "", file.read_text()))
    done = chaperone("check", "-c", config)
    assert done.exit_code == 1
    assert "no country" in done.stdout
    assert "nobody on call" in done.stdout


def test_check_says_that_the_model_is_missing(config: str) -> None:
    done = chaperone("check", "-c", config)
    assert done.exit_code == 1
    assert re.search(r"FAIL\s+model", done.stdout)


class Deaf(Keywords):
    def score(self, texts: Sequence[str], parents: Sequence[str | None]) -> list[Scored]:
        return [Scored({Label.CRISIS: math.nan}) for _ in texts]


@pytest.mark.parametrize(("classifier", "settings"), [(Deaf, {}), (Keywords, {"languages": ["es"]})])
def test_check_fails_a_model_that_would_judge_nothing(classifier: type[Keywords], settings: dict[str, Any]) -> None:
    account = {"name": "practice", "platform": "replay"}
    config = Config.model_validate({"classifier": settings, "accounts": [account]})
    with pytest.raises((ClassifierError, ConfigError), match=r"does not answer|`languages`"):
        _model(config, Pipeline(config.classifier, classifier()))


def test_check_passes_a_model_of_ones_own_that_reads_another_language() -> None:
    spanish = Settings(name="huggingface", languages=("es",))
    _must_answer(spanish, Pipeline(spanish, Keywords()))


def test_going_live_does_nothing_to_the_backlog(config: str) -> None:
    file = Path(config)
    file.write_text(file.read_text().replace('mode = "live"', 'mode = "shadow"'))
    ok("run", "--once", "-c", config)
    assert "in shadow: nothing is done on the platform" in ok(
        "rule", "1", "hide", "--seen", "2", "--as", "asha", "-c", config
    )
    assert "would be hidden (shadow)" not in ok("why", "1", "-c", config)
    ok("run", "--once", "-c", config)
    assert "would be hidden (shadow)" in ok("why", "1", "-c", config)
    assert "nothing was done on the platform, so there is" in ok("undo", "1", "--as", "asha", "-c", config)
    file.write_text(file.read_text().replace('mode = "shadow"', 'mode = "live"'))
    ok("run", "--once", "-c", config)
    assert not file.with_name("outcomes.jsonl").exists()


def test_an_error_of_ours_is_one_message_and_no_traceback(tmp_path: Path) -> None:
    assert "There is no config file" in refused("status", "-c", str(tmp_path / "none.toml"))
