"""The health check of every image: exit code 0 when the process in this container answers.

    health.py [PORT [PATH]]     PATH must answer 200; `-` for PATH: the port must be open

Standard library and no more of it than this: it runs every few seconds beside the service.
"""

import socket
import sys
from typing import Final

PORT: Final = "8000"
PATH: Final = "/health/ready"
SECONDS: Final = 3.0


def healthy(port: int, path: str) -> bool:
    """Whether the port is open and, unless the path is `-`, that path answers 200."""
    try:
        with socket.create_connection(("127.0.0.1", port), SECONDS) as connection:
            if path == "-":
                return True
            connection.settimeout(SECONDS)
            request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            connection.sendall(request.encode())
            status = connection.makefile("rb").readline(100).split()
            return len(status) > 1 and status[1] == b"200"
    except OSError:
        return False


def main(port: str = PORT, path: str = PATH) -> int:
    """Return the exit code."""
    return 0 if healthy(int(port), path) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
