"""The guard as those who send words see it: what it does not refuse is cleared, and nothing else is."""

from bot.errors import ReplyRefused
from bot.guard.judging import Judgement, judge
from bot.replies import Cleared, Said


class ReplyGuard:
    """`own` are the practice's contacts, which may be said (see `judge`)."""

    def __init__(self, own: frozenset[str] = frozenset()) -> None:
        self._own = own

    def clear(self, words: str, said: Said | None = None) -> Cleared:
        """Raises `ReplyRefused` with the reason, the words marked and a safe wording."""
        judged = judge(words, said, self._own)
        if judged.refused:
            marks = [(reason.start, reason.end, reason.why) for reason in judged.reasons]
            raise ReplyRefused(_told(judged), words, marks, judged.safer)
        return Cleared(words)


def _told(judged: Judgement) -> str:
    whys = list(dict.fromkeys(reason.why for reason in judged.reasons))
    return f"The reply guard did not let it pass. {' '.join(whys)}"
