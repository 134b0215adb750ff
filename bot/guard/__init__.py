"""The reply guard: whether words may go out in the name of a practice. The same answer every time.

    normalise the words          disguises, quotes and misspelt words of care are undone, offsets kept
    → each sentence, each rule   `rules.toml`: a name, why in a moderator's words, patterns, and what spares it
    → what the model reads       does it tell of somebody's care? weighed with what rules found (`weighing.py`)
    → what the commenter said    names and what identifies never; conditions, treatments and dates are weighed too
    → contacts                   nobody's but the practice's own

What speaks of one person's care is refused; what is general, hypothetical or policy passes. Where there is no model,
everything that a rule finds is refused: "your …" and "you did …" then pass only where they are known to be harmless.
"""

from bot.guard.judging import Judgement, Reason, judge
from bot.guard.port import ReplyGuard
from bot.guard.proof import Proof, contacts, proofs
from bot.guard.weighing import Teller
from bot.replies import Said

__all__ = ["Judgement", "Proof", "Reason", "ReplyGuard", "Said", "Teller", "contacts", "judge", "proofs"]
