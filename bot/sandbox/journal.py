"""What was said to an emulator, in order of arrival."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from fnmatch import fnmatchcase


@dataclass(slots=True)
class Call:
    """One call. `status` is None until it is answered in full, which a call that met a fault may never be."""

    when: datetime
    method: str
    path: str
    query: Mapping[str, str]
    body: object  # what the JSON says, the text where it is none, None where there is none
    status: int | None = None
    fault: str | None = None  # the kind of the fault it met

    def matches(self, method: str, path: str) -> bool:
        """By shell patterns; `*` also spans slashes."""
        return fnmatchcase(self.method, method) and fnmatchcase(self.path, path)


class Journal:
    def __init__(self) -> None:
        self._calls: list[Call] = []
        self._arrived = asyncio.Event()

    def add(self, call: Call) -> None:
        self._calls.append(call)
        self._arrived.set()

    def calls(self, method: str = "*", path: str = "*") -> list[Call]:
        """The calls that match, oldest first."""
        return [call for call in self._calls if call.matches(method, path)]

    async def arrival(self, method: str = "*", path: str = "*", count: int = 1) -> Call:
        """The `count`-th call that matches, waited for if it is yet to come."""
        while len(found := self.calls(method, path)) < count:
            self._arrived.clear()
            await self._arrived.wait()
        return found[count - 1]

    def jsonl(self, method: str = "*", path: str = "*") -> str:
        """The calls that match, one JSON object a line."""
        calls = self.calls(method, path)
        return "".join(json.dumps(asdict(call), default=datetime.isoformat) + "\n" for call in calls)
