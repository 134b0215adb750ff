"""Comments that join a case after its card was drawn: nobody rules on what they could not have seen."""

from sqlalchemy import Connection, select

from bot.errors import DeskError
from bot.review.answers import counted
from bot.review.cases import Ruling
from bot.store.tables import case

IN_A_HURRY = frozenset({Ruling.HIDE, Ruling.MUTE})  # in a flood they join faster than anybody presses; it can be undone
LEFT_OPEN = frozenset({Ruling.LABEL, Ruling.NOTE})


def none_joined(tx: Connection, case_id: int, told: int, what: Ruling) -> None:
    """Raises `DeskError` where the case has more comments than the `told` that its card told of; 0 = it did not say."""
    if not told or what in IN_A_HURRY | LEFT_OPEN:
        return
    joined = (tx.execute(select(case.c.comments).where(case.c.id == case_id)).scalar() or 0) - told
    if joined > 0:
        raise DeskError(
            f"{counted(joined, 'comment')} joined case {case_id} since its card was drawn, so nothing was done. "
            "Look at the card again, then press again."
        )
