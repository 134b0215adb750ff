"""How texts of many lengths are cut and grouped, so that little is padded."""

from collections.abc import Iterator, Sequence


def parts(tokens: Sequence[int], limit: int) -> list[list[int]]:
    """All tokens, at most `limit` in a part: the head and the tail together, then what lies between.

    The parts between overlap by a quarter, so that what one of them cuts in two stands whole in the next, and begin and
    end with the first and the last token, which are the model's own.
    """
    found = [head_and_tail(tokens, limit)]
    tail, room = limit // 4, limit - 2
    start, end = limit - 2 * tail, len(tokens) - tail
    while len(tokens) > limit and start < end - tail // 2:
        found.append([tokens[0], *tokens[start : min(start + room, len(tokens) - 1)], tokens[-1]])
        start += room - tail
    return found


def head_and_tail(tokens: Sequence[int], limit: int) -> list[int]:
    """At most `limit` tokens: all of them, or the first three quarters of the limit and the last quarter.

    People get to the point at the start and come back to it at the end.
    """
    if len(tokens) <= limit:
        return list(tokens)
    tail = limit // 4
    return [*tokens[: limit - tail], *tokens[len(tokens) - tail :]]


def passes(lengths: Sequence[int], batch_tokens: int) -> Iterator[list[int]]:
    """Indices of texts for one pass each, sorted by length, padding within a pass included in `batch_tokens`.

    `lengths` are true token counts. A text longer than `batch_tokens` gets a pass of its own. Longest first,
    so that memory peaks at once or never.
    """
    group: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if group and lengths[group[0]] * (len(group) + 1) > batch_tokens:
            yield group
            group = []
        group.append(index)
    if group:
        yield group
