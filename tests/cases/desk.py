"""Who works the desk, and what they do there."""

from bot.model import Batch, Reason, Role, Severity
from bot.review import cases, rulings, undoing
from bot.review.cases import Person, Ruled, Ruling, Said
from bot.store.queries import NewCase, put_in_case
from classifiers.labels import Label
from tests.support import NOON, PRACTICE, House, posted

ASHA, BEN, CLEO = Person("asha", Role.LEAD), Person("ben", Role.MODERATOR), Person("cleo", Role.TRIAGE)


async def flagged(house: House, count: int = 1) -> int:
    """So many comments of one author in one open case."""
    batch = Batch(tuple(posted(str(number), f"text {number}") for number in range(1, count + 1)), "c")
    await house.inbox.receive(PRACTICE, house.mode, batch)
    new = NewCase("k", PRACTICE, Reason.FLAGGED, Label.HARASSMENT, "why", Severity.HIGH)
    for id_ in range(1, count + 1):
        found = house.db.run_now(lambda tx, id_=id_: put_in_case(tx, new, id_, NOON))  # type: ignore[misc]
    return found


def claim(house: House, case_id: int, by: Person) -> None:
    house.db.run_now(lambda tx: cases.claim(tx, case_id, by, house.clock.now(), 10))


def rule(house: House, case_id: int, what: Ruling, by: Person = ASHA, **said: object) -> Ruled:
    it = Said(what, by, **said)  # type: ignore[arg-type]
    return house.db.run_now(lambda tx: rulings.rule(tx, house.engine, house.db.cipher, case_id, it, house.clock.now()))


def undo(house: House, case_id: int, by: Person = ASHA, comment_id: int | None = None) -> Ruled:
    now, cipher = house.clock.now(), house.db.cipher
    return house.db.run_now(lambda tx: undoing.undo(tx, house.engine, cipher, case_id, by, now, comment_id=comment_id))
