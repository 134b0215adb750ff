"""`chaperone guard`: judge a text before it is posted, or everything that the templates can say."""

import sys
from collections.abc import Iterator
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from bot.commandline import CONFIG, ConfigOption, JsonOption, console, pipeline
from bot.config import Config, read
from bot.errors import ReplyRefused
from bot.guard import Proof, ReplyGuard, Said, Teller, contacts, judge, proofs
from bot.lengths import LIMITS
from bot.replies import Occasion
from bot.review.refusal import refused_text
from bot.review.rendering import as_plain_json
from bot.supportive import templates as shipped_templates


def guard(
    text: Annotated[str, typer.Argument(help='What you want to post; "-" reads it from standard input.')] = "",
    said: Annotated[
        str, typer.Option(help="What you answer: names in it may not be said, what it tells is weighed.")
    ] = "",
    templates: Annotated[bool, typer.Option("--templates", help="Judge all that the templates can say.")] = False,
    json: JsonOption = False,
    config: ConfigOption = CONFIG,
) -> None:
    """Say whether you may post a text, and why not. Exit status 1 where you may not."""
    settings = _config(config)
    teller = pipeline(settings).tells
    if templates:
        found = list(template_proofs(settings, teller))
        console().print(as_plain_json([asdict(each) for each in found]) if json else proof_table(found))
        raise typer.Exit(any(each.wrong for each in found))
    own = (
        contacts([one.links for one in settings.accounts], shipped_templates(settings))
        if settings
        else frozenset[str]()
    )
    words = sys.stdin.read().strip() if text == "-" else text
    if json:
        judged = judge(words, Said(said) if said else None, own, teller)
        told = {"refused": judged.refused, "safer": judged.safer, "reasons": [asdict(each) for each in judged.reasons]}
        console().print(as_plain_json(told), soft_wrap=True, markup=False)
        raise typer.Exit(judged.refused)
    try:
        ReplyGuard(own, teller).clear(words, Said(said) if said else None)
    except ReplyRefused as error:
        console().print(Text("Refused.", style="bold red"), refused_text(error), sep="\n", soft_wrap=True)
        raise typer.Exit(1) from None
    console().print("Allowed.", style="green")


def template_proofs(config: Config | None, teller: Teller | None) -> Iterator[Proof]:
    """Of the config's accounts; without any, of every platform in every country whose numbers are known."""
    templates = shipped_templates(config)
    accounts = config.accounts if config else ()
    places = [Occasion(one.platform, one.country, links=one.links) for one in accounts]
    places += [Occasion(platform, country) for platform in ("", *LIMITS) for country in ("", *templates.countries())]
    own = contacts([one.links for one in accounts], templates)
    yield from proofs(templates, places, own, teller and cache(teller))  # most places say the same


def proof_table(found: list[Proof]) -> Table:
    table = Table("template", "platform", "country", "texts", "longest", "limit", "wrong", box=None, pad_edge=False)
    for each in found:
        wrong = Text("; ".join(each.wrong) or "nothing", style="red" if each.wrong else "green")
        numbers = (str(each.texts), str(each.longest), str(each.limit))
        table.add_row(each.template, each.platform or "any", each.country or "any", *numbers, wrong)
    return table


def _config(file: Path) -> Config | None:
    """None where there is none: a text can be judged before anything is set up. Raises `ChaperoneError`."""
    return read(file) if file.exists() else None
