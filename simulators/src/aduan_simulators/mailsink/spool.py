"""Keeps one mail as one .eml file, durably: whoever got a 250 finds his mail after a power cut."""

import itertools
import os
import time
from pathlib import Path
from typing import Final

SUFFIX: Final = ".eml"
_HALF_WRITTEN: Final = ".part"


class Spool:
    """A folder of mails. Names sort by arrival; nothing is ever overwritten."""

    def __init__(self, folder: Path) -> None:
        """Make the folder if needed, and drop what an earlier process had not finished."""
        folder.mkdir(parents=True, exist_ok=True)
        for leftover in folder.glob(f"*{_HALF_WRITTEN}"):
            leftover.unlink()  # its sender never got a 250
        self.folder = folder
        self._count = itertools.count(1)

    def keep(self, content: bytes) -> Path:
        """Write one mail and return its path once file and name are on the disk. Raises OSError."""
        name = f"{time.time_ns():020d}-{os.getpid()}-{next(self._count):06d}"
        part = self.folder / f"{name}{_HALF_WRITTEN}"
        with part.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        whole = self.folder / f"{name}{SUFFIX}"
        part.rename(whole)
        # The new name is in the folder's own blocks: without this a crash may forget the file.
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        return whole
