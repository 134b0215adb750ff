"""What must outlive a power cut."""

import os
from pathlib import Path


def put_on_disk(file: Path) -> None:
    """Return once what was written to the file, and that its folder has it, are on the disk. Raises `OSError`."""
    for path in (file, file.parent):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
