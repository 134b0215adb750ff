"""A message's component tree as HTML, so that a person can judge a card without Discord.

Takes what discord.py sends (`LayoutView.to_components()`) or what the sandbox has of a message, and draws it roughly
as Discord does. `python -m bot.review.card_html FILE.json > card.html` reads a list of messages' trees.
"""

import json
import re
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

STYLES = {1: "#5865f2", 2: "#4e5058", 3: "#248046", 4: "#da373c"}
PAGE = """<!doctype html><meta charset="utf-8"><title>Cards</title><style>
body{{background:#313338;color:#dbdee1;font:15px/1.4 "DejaVu Sans",sans-serif;margin:24px;max-width:640px}}
.box{{background:#2b2d31;border-left:4px solid;border-radius:4px;padding:10px 16px;margin:4px 0}}
.text{{margin:6px 0}} h3{{margin:2px 0;font-size:17px}} small{{color:#949ba4;font-size:12px;display:block}}
pre{{background:#1e1f22;border-radius:4px;padding:8px;margin:4px 0;white-space:pre-wrap;font:13px "DejaVu Sans Mono"}}
code{{background:#1e1f22;border-radius:3px;padding:0 3px;font:13px "DejaVu Sans Mono"}}
.blurred pre{{filter:blur(5px)}} .row{{margin:8px 0 2px}}
button{{border:0;border-radius:4px;color:#fff;font:13px "DejaVu Sans";padding:7px 14px;margin-right:6px}}
button:disabled{{opacity:.45}} .message{{margin-bottom:28px}}
</style>{messages}"""


def page(messages: Sequence[Sequence[dict[str, Any]]]) -> str:
    drawn = (f'<div class="message">{"".join(_part(each) for each in tree)}</div>' for tree in messages)
    return PAGE.format(messages="".join(drawn))


def dated(text: str) -> str:
    """With times as somebody in UTC would read them."""
    return re.sub(r"<t:(\d+):\w>", lambda it: f"{datetime.fromtimestamp(int(it[1]), UTC):%d %b %H:%M}", text)


def _part(it: dict[str, Any]) -> str:
    inside = "".join(_part(each) for each in it.get("components", ()))
    match it["type"]:
        case 17:  # container
            colour = f"#{it.get('accent_color') or 0:06x}"
            blurred = " blurred" if it.get("spoiler") else ""
            return f'<div class="box{blurred}" style="border-color:{colour}">{inside}</div>'
        case 10:  # text
            return f'<div class="text">{_markdown(it["content"])}</div>'
        case 1:  # row
            return f'<div class="row">{inside}</div>'
        case 2:  # button
            disabled = " disabled" if it.get("disabled") else ""
            return f'<button style="background:{STYLES[it["style"]]}"{disabled}>{escape(it["label"])}</button>'
        case _:
            return inside


def _markdown(text: str) -> str:
    """Only what our cards use."""
    blocks = re.split(r"(```\n.*?\n```)", text, flags=re.DOTALL)
    return "".join(_code(each) if at % 2 else "".join(_lines(each)) for at, each in enumerate(blocks))


def _lines(block: str) -> Iterator[str]:
    for line in block.strip("\n").split("\n"):
        for mark, tag in (("### ", "h3"), ("-# ", "small")):
            if line.startswith(mark):
                yield f"<{tag}>{_inline(line.removeprefix(mark))}</{tag}>"
                break
        else:
            yield f"<div>{_inline(line)}</div>"


def _inline(text: str) -> str:
    parts = re.split(r"(`[^`\n]+`)", text)
    return "".join(_code(part) if at % 2 else _prose(part) for at, part in enumerate(parts))


def _code(part: str) -> str:
    if part.startswith("```"):
        return f"<pre>{escape(part[4:-4])}</pre>"
    return f"<code>{escape(part[1:-1])}</code>"


def _prose(part: str) -> str:
    return re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", escape(dated(part)))


def main() -> None:
    sys.stdout.write(page(json.loads(Path(sys.argv[1]).read_text())))


if __name__ == "__main__":
    main()
