"""On which line of a TOML file a key stands: a search by eye, good enough to lead a person there."""

import re
from collections.abc import Iterator

_HEADER = re.compile(r"\s*(\[\[?)\s*([\w.-]+)\s*\]")
_KEY = re.compile(r"\s*([\w.-]+)\s*=\s*(?:[\"']([\w-]+)[\"'])?")
_TOLD = re.compile(r"^  ([\w.-]+): ", re.MULTILINE)


def with_lines(message: str, text: str) -> str:
    """The message with "line 7: " before each "  table.key: " of it that stands in the file, or whose table does."""
    lines = dict(_paths(text))

    def told(found: re.Match[str]) -> str:
        path = found[1].split(".")
        known = (lines.get(".".join(path[:end])) for end in range(len(path), 0, -1))
        line = next(filter(None, known), None)
        return f"  line {line}: {found[1]}: " if line else found[0]

    return _TOLD.sub(told, message)


def _paths(text: str) -> Iterator[tuple[str, int]]:
    """Each table and key, as "accounts.0.name"; what stands in an account also as "accounts.practice.name"."""
    table, names = "", dict[str, str]()
    counts = dict[str, int]()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            table = _table(header[2], counts, new=header[1] == "[[")
            yield from _also_by_name(table, names, number)
        elif key := _KEY.match(line):
            if key[1] == "name" and key[2] and table.endswith(tuple("0123456789")):
                names[table] = f"{table.rpartition('.')[0]}.{key[2]}"
            yield from _also_by_name(f"{table}.{key[1]}".strip("."), names, number)


def _table(name: str, counts: dict[str, int], *, new: bool) -> str:
    """A table's path, with the number of the last one of its array."""
    if new:
        counts[name] = counts.get(name, -1) + 1
    array = next((each for each in counts if name == each or name.startswith(f"{each}.")), None)
    return name if array is None else f"{array}.{counts[array]}{name.removeprefix(array)}"


def _also_by_name(path: str, names: dict[str, str], number: int) -> Iterator[tuple[str, int]]:
    yield path, number
    for table, named in names.items():
        if path.startswith(f"{table}."):
            yield path.replace(table, named, 1), number
