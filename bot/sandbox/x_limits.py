"""The rate windows of the emulated X, by route and by who calls."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

WINDOW = timedelta(minutes=15)
LIMITS = {  # calls in 15 minutes: user, app
    "me": (75, 0), "hide": (50, 0), "create": (100, 0), "delete": (50, 0), "dm": (15, 0), "mute": (50, 0),
    "unmute": (50, 0), "muting": (15, 0), "mentions": (300, 450), "own": (900, 1500), "search": (300, 450),
    "look_up": (900, 450), "dm_events": (15, 0), "rules": (0, 450), "add_rules": (0, 100), "stream": (0, 50),
}  # fmt: skip


@dataclass(slots=True)
class _Window:
    began: datetime
    spent: int = 0


class Windows:
    """`limits` by the route's name: calls in a window, of a user and of the app."""

    def __init__(self, limits: Mapping[str, tuple[int, int]], now: Callable[[], datetime]) -> None:
        self._limits, self._now = limits, now
        self._windows: dict[tuple[str, str], _Window] = {}

    def spend(self, name: str, who: str) -> dict[str, str] | None:
        """The headers of an answer; none where nothing is left."""
        now, limit = self._now(), self._limits[name][who != "user"]
        window = self._windows.get((name, who))
        if window is None or now >= window.began + WINDOW:
            window = self._windows[name, who] = _Window(now)
        if window.spent >= limit:
            return None
        window.spent += 1
        return self.left(name, who)

    def left(self, name: str, who: str) -> dict[str, str]:
        window, limit = self._windows[name, who], self._limits[name][who != "user"]
        return {
            "x-rate-limit-limit": str(limit),
            "x-rate-limit-remaining": str(limit - window.spent),
            "x-rate-limit-reset": str(math.ceil((window.began + WINDOW).timestamp())),
        }
