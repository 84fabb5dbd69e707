"""The private sample of real complaints: read where it lies beside the checkout, never kept.

ADUAN_REAL_ROWS=all takes the whole of it.
"""

import gzip
import os
from pathlib import Path

import pytest

DATA = Path(__file__).parents[3] / "shared" / "data" / "surabaya" / "dev_2022.jsonl.gz"
ROWS = os.environ.get("ADUAN_REAL_ROWS", "500")
MAP = ("external_id=id", "text=text", "place.text=kelurahan")


def the_first_rows(into: Path) -> int:
    """Write the rows to be fed; return how many."""
    count = 0
    with gzip.open(DATA, "rt", encoding="utf-8") as source, into.open("w") as target:
        for line in source:
            if ROWS != "all" and count >= int(ROWS):
                break
            target.write(line)
            count += 1
    return count


needs_real_data = pytest.mark.skipif(
    not DATA.exists(), reason="the private sample is not beside this checkout"
)
