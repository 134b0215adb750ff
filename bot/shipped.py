"""Where the files that come with the product are: the folder `config`, in a checkout and when installed."""

from pathlib import Path

_HERE = Path(__file__).parent


def shipped(name: str) -> Path:
    installed = _HERE / "shipped"
    return (installed if installed.is_dir() else _HERE.parent / "config") / name
