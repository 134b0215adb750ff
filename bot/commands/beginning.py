"""`chaperone init`: writes a config with every key in it, for a platform, from a few answers."""

from pathlib import Path
from typing import Annotated

import tomlkit
import typer
from pydantic.fields import FieldInfo
from rich.prompt import Prompt

from bot.commandline import CONFIG, console
from bot.config import read
from bot.errors import ConfigError
from bot.notify import EXAMPLE
from bot.platforms import base as platforms
from bot.shipped import shipped

QUOTES = '""'  # what stands for an answer until it is given


def init(
    file: Annotated[Path, typer.Argument(help="The file to write.")] = CONFIG,
    platform: Annotated[str, typer.Option(help="Where the comments come from.")] = "",
    setting: Annotated[
        list[str] | None, typer.Option(help="What the platform needs, as path=comments.jsonl or handle=your_clinic.")
    ] = None,
    country: Annotated[str, typer.Option(help="Your country, as two letters.")] = "",
    on_call: Annotated[str, typer.Option(help="Who is told of a crisis.")] = "",
    notify: Annotated[str, typer.Option(help=f"How to reach them, as apprise writes it: {EXAMPLE}")] = "",
) -> None:
    """Write your config file, with every key explained. In shadow: nothing is done until you change that."""
    if file.exists():
        raise ConfigError(f"{file} is there already; move it away, or name another file.")
    platform = platform or Prompt.ask("Platform", choices=platforms.names(), default="replay")
    document = tomlkit.parse(_for_platform(shipped("chaperone.toml").read_text(), platform))
    one = document["accounts"][0]
    one["platform"] = platform
    one["settings"].update(_settings(platform, setting or []))
    one["country"] = (country or Prompt.ask("Country (two letters)", default="GB")).upper()
    person = one["on_call"][0]
    person["name"] = on_call or Prompt.ask("Who is told of a crisis", default="Practice manager")
    if way := notify or ("" if on_call else _ask_way(person["name"])):
        person["notify"].append(way)
    file.write_text(tomlkit.dumps(document))
    try:
        read(file)
    except ConfigError:
        file.unlink()
        raise
    console().print(f"Wrote {file}, in shadow. Next: chaperone check -c {file}", markup=False)


def _needed(platform: str) -> dict[str, FieldInfo]:
    """The settings that a platform cannot do without."""
    return {name: each for name, each in platforms.load(platform)[0].model_fields.items() if each.is_required()}


def _for_platform(written: str, platform: str) -> str:
    """The shipped file, with what this platform needs in place of what "replay" does."""
    if platform == "replay":
        return written
    head, _, rest = written.partition("[accounts.settings]")
    block = ["[accounts.settings] # what else it takes stands in the example below"]
    block += [
        f"{name} = {0 if each.annotation is int else QUOTES} # {each.description}"
        for name, each in _needed(platform).items()
    ]
    return head + "\n".join([*block, "", ""]) + rest.partition("\n\n")[2]


def _settings(platform: str, given: list[str]) -> dict[str, str | int]:
    """The answers, asked for where they were not given."""
    if wrong := next((each for each in given if "=" not in each), None):
        raise ConfigError(f"--setting {wrong}: write it as name=value, such as path=comments.jsonl.")
    answers = dict(each.split("=", 1) for each in given)
    for name, each in _needed(platform).items():
        answers[name] = answers.get(name) or _ask(name, each)
    numbers = {name for name, each in _needed(platform).items() if each.annotation is int}
    return {name: int(told) if name in numbers and told.isdigit() else told for name, told in answers.items()}


def _ask(name: str, each: FieldInfo) -> str:
    question = f"{name} ({each.description})"
    return Prompt.ask(question, default="comments.jsonl") if name == "path" else Prompt.ask(question)


def _ask_way(name: str) -> str:
    """How somebody is reached without Discord; "" = not said yet."""
    told = f"How to reach {name} when it happens: an address as https://appriseit.com writes them, such as"
    after = "(the password comes from the environment; leave it empty to decide later)"
    console().print(told, f"  {EXAMPLE}", after, sep="\n", markup=False, soft_wrap=True)
    return Prompt.ask("Address", default="", show_default=False).strip()
