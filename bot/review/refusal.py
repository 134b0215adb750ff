"""A refused reply, shown to whoever typed it: the words marked, why, and a wording to offer."""

from rich.text import Text

from bot.errors import ReplyRefused
from bot.review.inert import one_line

MOST, LONGEST = 8, 80  # marks that a chat is shown, and characters of each
MARK = "bold red underline"


def refused_text(error: ReplyRefused) -> Text:
    """For a terminal: in colours, and with carets below for those who see none."""
    words = error.words.replace("\n", " ").replace("\t", " ")
    shown = Text(words)
    for start, end, _ in error.marks:
        shown.stylize(MARK, start, end)
    carets = "".join("^" if any(a <= n < b for a, b, _ in error.marks) else " " for n in range(len(words)))
    whys = [Text(f"  {words[start:end]!r}: {why}") for start, end, why in error.marks]
    return Text("\n").join([shown, Text(carets.rstrip(), style="red"), *whys, Text(f"Offered: {error.safer}")])


def refused_message(error: ReplyRefused) -> str:
    """For a chat."""
    whys = [f"{one_line(error.words[start:end], LONGEST)} {why}" for start, end, why in error.marks[:MOST]]
    return "\n".join(["**Not sent.** The reply guard did not let it pass.", *whys, f"You could say: {error.safer}"])
