"""Ten conversations, as a person would read them: `python -m benchmarks.words`.

Invented comments go through everything that `chaperone run` is, live, on the replay platform; printed is what the
practice says, to whom, and why.
"""

import asyncio
import json
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from bot import logs
from bot.app import opened, running
from bot.config import Config, read
from bot.review.story import Story, comment_story
from bot.store.cipher import Cipher
from bot.store.tables import comment
from classifiers.pipeline import Pipeline

CONFIG = """
[[accounts]]
name = "practice"
platform = "replay"
mode = "live"
country = "GB"
staff = ["colleague"]
on_call = [{ name = "Practice manager" }]
links = { contact = "https://example.org/contact", rules = "https://example.org/rules" }
[accounts.settings]
path = "comments.jsonl"
follow = false
outcomes = "outcomes.jsonl"
[rules.health_disclosure]
about_oneself = ["nudge"]
act_when_right = 0.9
[rules.misinformation]
do = ["warn"]
act_when_right = 0.9
[rules.harassment]
act_when_right = 0.9
"""
COMMENTS: list[dict[str, Any]] = [
    {"id": "1", "author": "ann", "text": "what is this rash on my arm, it has been itchy for two weeks?"},
    {"id": "2", "author": "ann", "text": "so should I put cream on my rash or take a tablet for it?"},
    {"id": "3", "author": "bob", "text": "crushing chest pain since noon, my left arm is numb, what should I do?"},
    {"id": "4", "author": "cat", "text": "My sister was diagnosed with bipolar disorder last year and takes lithium."},
    {"id": "5", "author": "dan", "text": "I was diagnosed with HIV in 2019 and I take my tablets every day."},
    {"id": "6", "author": "eve", "text": "You are a pathetic, stupid excuse for a doctor and everybody hates you."},
    {"id": "7", "author": "fay", "text": "Three hours in the waiting room. Worst clinic in town."},
    {"id": "8", "author": "gus", "text": "Vaccines cause autism, every doctor knows it and hides it."},
    {"id": "9", "author": "hal", "text": "Dr Moses cured my herpes with herbs, WhatsApp him +234 803 555 0100"},
    {"id": "10", "author": "ida", "text": "I can't do this any more, I want to die tonight."},
    {"id": "11", "author": "colleague", "text": "Lovely to see Mrs Webb walking again after her hip operation!"},
]


def main() -> None:
    """Run the conversations and print them."""
    logs.configure("error", json=False)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        (folder / "chaperone.toml").write_text(CONFIG)
        lines = [json.dumps({"thread": "post", "summoned": True, **each}) + "\n" for each in COMMENTS]
        (folder / "comments.jsonl").write_text("".join(lines))
        config = read(folder / "chaperone.toml")
        asyncio.run(_work_off(config))
        outcomes = folder / "outcomes.jsonl"
        done = [json.loads(line) for line in outcomes.read_text().splitlines()] if outcomes.exists() else []
        _tell(config, done)


async def _work_off(config: Config) -> None:
    async with running(config, Pipeline.load(config.classifier)) as app:
        await app.run(once=True)


def _tell(config: Config, done: list[dict[str, Any]]) -> None:
    with opened(config) as db:
        for each in COMMENTS:
            it = db.read_now(partial(_story, cipher=db.cipher, id_=each["id"]))
            print(f"\n{each['author']}: {each['text']}")
            for call in (call for call in done if call["comment"] == each["id"]):
                where = {"reply": "in public", "message": "in private"}.get(call["verb"], call["verb"])
                print(f"   {where}: {call.get('text', '')}".rstrip(": "))
            if not any(call["comment"] == each["id"] and "text" in call for call in done):
                print("   nothing is said")
            if it.decision:
                asks = it.decision.verdict != "act" or it.decision.rule == "red_flag"
                to_person = " A person is asked." if it.cases and asks else ""
                print(f"   because {it.decision.rule}: {it.decision.why.rstrip('.')}.{to_person}")


def _story(tx: Connection, cipher: Cipher, id_: str) -> Story:
    number = tx.execute(select(comment.c.id).where(comment.c.external_id == id_)).scalar_one()
    return comment_story(tx, cipher, number, reveal=True)


if __name__ == "__main__":
    main()
