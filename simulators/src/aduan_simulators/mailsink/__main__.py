"""Run the mail sink: python -m aduan_simulators.mailsink --port 0 --dir DIR.

Prints one line `mailsink HOST:PORT` when it listens; SIGTERM or Ctrl-C ends it.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.error import CannotListenError

from aduan_simulators.mailsink.server import Behaviour, Sink
from aduan_simulators.mailsink.spool import Spool

HOST = "127.0.0.1"


def main() -> None:
    """Read the arguments and serve until interrupted; one sentence and code 2 when it cannot."""
    parser = argparse.ArgumentParser(prog="python -m aduan_simulators.mailsink")
    parser.add_argument("--dir", type=Path, required=True, help="folder for the .eml files")
    parser.add_argument("--host", default=HOST, help="in a container: 0.0.0.0")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--refuse", nargs="*", default=[], metavar="ADDRESS", help="answer 550")
    parser.add_argument("--defer", nargs="*", default=[], metavar="ADDRESS", help="answer 451")
    parser.add_argument(
        "--lose-answers", type=int, default=0, metavar="N", help="store N mails without a 250"
    )
    given = parser.parse_args()
    server: Any = reactor  # Twisted types it as a module of interfaces
    behaviour = Behaviour(
        refuse=frozenset(address.lower() for address in given.refuse),
        defer=frozenset(address.lower() for address in given.defer),
        lose_answers=given.lose_answers,
    )
    try:
        spool = Spool(given.dir)
    except OSError as error:
        parser.error(f"the folder cannot be used: {error.strerror}")
    try:
        port = server.listenTCP(given.port, Sink(spool, behaviour), interface=given.host)
    except CannotListenError:
        parser.error(f"port {given.port} is in use")
    sys.stdout.write(f"mailsink {given.host}:{port.getHost().port}\n")
    sys.stdout.flush()
    server.run()


if __name__ == "__main__":
    main()
