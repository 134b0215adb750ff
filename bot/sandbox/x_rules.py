"""The rules of the emulated stream, by their id: what it is told to match, and under which tag."""

from collections.abc import Mapping
from typing import Any

DUPLICATE = "https://api.twitter.com/2/problems/duplicate-rules"

Rules = dict[str, dict[str, str]]


def change(rules: Rules, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Delete, then add. Returns what X answers, which keeps no value twice, whatever the tags."""
    for id_ in asked.get("delete", {}).get("ids", []):
        rules.pop(id_, None)
    refused = [again for each in asked.get("add", []) if (again := _added(rules, each))]
    created = len(asked.get("add", [])) - len(refused)
    meta = {"summary": {"created": created, "not_created": len(refused)}}
    return {"data": list(rules.values()), "meta": meta} | ({"errors": refused} if refused else {})


def _added(rules: Rules, asked: Mapping[str, str]) -> dict[str, str] | None:
    """None, or why it was not: which rule has its value already."""
    for id_, rule in rules.items():
        if rule["value"] == asked["value"]:
            return {"value": rule["value"], "id": id_, "title": "DuplicateRule", "type": DUPLICATE}
    id_ = str(max(map(int, rules), default=0) + 1)
    rules[id_] = {"id": id_, "value": asked["value"], "tag": asked.get("tag", "")}
    return None
