"""The reply guard: whether words may go out in the name of a practice. Pure, fast, the same answer every time.

    normalise the words          disguises, quotes and misspelt words of care are undone, offsets kept
    → each sentence, each rule   `rules.toml`: a name, why in a moderator's words, patterns, and what spares it
    → weighed                    what no certain rule found, with the words around it (`weighing.py`)
    → what the commenter said    nothing of it is repeated: names, dates, conditions, treatments
    → contacts                   nobody's but the practice's own

What speaks of one person's care is refused by default: "your …" and "you did …" pass only where they are known to be
harmless. What is general, hypothetical or policy passes.
"""

from bot.guard.judging import Judgement, Reason, judge
from bot.guard.port import ReplyGuard
from bot.guard.proof import Proof, contacts, proofs
from bot.replies import Said

__all__ = ["Judgement", "Proof", "Reason", "ReplyGuard", "Said", "contacts", "judge", "proofs"]
