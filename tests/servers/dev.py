"""`aduan dev-servers` and `make servers` run this file: up, down or foreground."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from aduan_servers.developer import main

if __name__ == "__main__":
    raise SystemExit(main())
