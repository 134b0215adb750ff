"""The guard as those who send words see it: what it does not refuse is cleared, and nothing else is."""

from bot.errors import ReplyRefused
from bot.guard.judging import Judgement, judge
from bot.guard.weighing import Teller
from bot.replies import Cleared, Said


class ReplyGuard:
    """`own` are the practice's contacts, which may be said; `teller` is the model (see `judge`)."""

    def __init__(self, own: frozenset[str] = frozenset(), teller: Teller | None = None) -> None:
        self._own, self._teller = own, teller

    def clear(self, words: str, said: Said | None = None) -> Cleared:
        """Raises `ReplyRefused` with the reason, the words marked and a safe wording."""
        judged = judge(words, said, self._own, self._teller)
        if judged.refused:
            marks = [(reason.start, reason.end, reason.why) for reason in judged.reasons]
            raise ReplyRefused(_told(judged), words, marks, judged.safer)
        return Cleared(words)


def _told(judged: Judgement) -> str:
    whys = list(dict.fromkeys(reason.why for reason in judged.reasons))
    return f"The reply guard did not let it pass. {' '.join(whys)}"
