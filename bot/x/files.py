"""Small files of JSON that a crash leaves whole."""

import json
from pathlib import Path


def parsed(raw: bytes) -> object:
    try:
        return json.loads(raw)
    except ValueError:  # a line that a crash cut short
        return None


def replace(file: Path, content: bytes) -> None:
    new = file.with_suffix(".new")
    new.write_bytes(content)
    new.replace(file)
