"""A platform is one file: dropped into the folder, it is found and held to the contract with no other change."""

from pathlib import Path

import pytest

import bot.platforms

pytest_plugins = ["pytester"]

NEWCOMER = Path(__file__).with_name("newcomer.py").read_text()
CONTRACT = Path(__file__).with_name("test_platforms.py").read_text()


def verdict_on(newcomer: str, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.RunResult:
    """What the contract says of a platform of two verbs in a folder beside ours."""
    folder = pytester.mkdir("dropped")
    (folder / "newcomer.py").write_text(newcomer)
    monkeypatch.setattr(bot.platforms, "__path__", [*bot.platforms.__path__, str(folder)])
    pytester.makepyfile(CONTRACT)
    return pytester.runpytest_inprocess("-p", "no:cacheprovider", "-o", "asyncio_mode=auto", "-k", "newcomer]")


def test_the_contract_finds_a_newcomer(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes = verdict_on(NEWCOMER, pytester, monkeypatch).parseoutcomes()
    assert outcomes.pop("passed") > 0
    assert outcomes.keys() == {"deselected"}


def test_the_contract_finds_fault(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    spoilt = NEWCOMER.replace('description="the folder whose files are comments"', "")
    spoilt = spoilt.replace("(base.Platform):", "(base.Platform):\n    call_seconds = 100.0\n")
    spoilt = spoilt.replace("async def events(", "async def comments(")
    failed = verdict_on(spoilt, pytester, monkeypatch).stdout
    failed.fnmatch_lines_random(
        [
            "FAILED *test_its_settings_are_described_and_know_their_own_keys_only?newcomer?*",
            "FAILED *test_its_adapter_is_a_platform?newcomer?*",
            "FAILED *test_its_calls_end_well_before_the_lease_of_who_makes_them?newcomer?*",
        ]
    )
