"""What may go wrong with a call or a line of the stream, and an X with which it does."""

import random
from collections import Counter

from bot.clock import Clock
from bot.sandbox import faults
from bot.sandbox.faults import Fault, Faults
from bot.sandbox.journal import Call
from bot.sandbox.x import HALF_LINE, MISSING_TAG, USAGE_CAPPED, X

CALLS = [
    ("401", faults.UNAUTHORISED), ("429 without a reset", faults.TOO_MANY), ("HTML 503", faults.HTML_503),
    ("hang", faults.HANG), ("drop before the effect", faults.RESET), ("drop after the effect", faults.RESET_AFTER),
    ("half an answer", faults.HALF), ("close", faults.CLOSE),
]  # fmt: skip
LINES = [
    ("half a line", HALF_LINE), ("rule without a tag", MISSING_TAG), ("clean close", faults.CLOSE),
    ("lost", faults.HANG), ("drop before the line", faults.RESET), ("drop after the line", faults.RESET_AFTER),
    ("ended within the line", faults.HALF),
]  # fmt: skip


class Drawn(Faults):
    """Every tenth call, and every tenth line, meets a fault that is drawn."""

    def __init__(self, clock: Clock, seed: int) -> None:
        super().__init__()
        self._clock, self._draw = clock, random.Random(seed)
        self._seen: Counter[str] = Counter()
        self.met: Counter[str] = Counter()
        self.on = False

    def meet(self, call: Call) -> Fault:
        kind = "line" if call.method == "SEND" else "call"
        self._seen[kind] += 1
        if not self.on or self._seen[kind] % 10:
            return faults.NOTHING
        name, fault = self._draw.choice(LINES if kind == "line" else self._calls(call))
        call.fault = fault.kind
        self.met[f"{kind}: {name}"] += 1
        return fault

    def _calls(self, call: Call) -> list[tuple[str, Fault]]:
        reset = str(int(self._clock.now().timestamp()) + 60)
        busy = Fault(status=429, body={"title": "Too Many Requests"}, headers={"x-rate-limit-reset": reset})
        found = [*CALLS, ("429 with a reset", busy)]
        if call.method == "GET":
            found.append(("403", faults.FORBIDDEN))  # of a wish it would be a refusal, which is a person's
        else:
            found.append(("429 usage cap", USAGE_CAPPED))
        return found


class Rough(X):
    def __init__(self, clock: Clock, seed: int) -> None:
        super().__init__(clock, keep_alive=1.0)
        self._faults = self.drawn = Drawn(clock, seed)
