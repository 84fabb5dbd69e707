"""Kafka's own tools, run from the fetched jars: a second opinion that shares no code with us."""

import re
import subprocess
from typing import Final

from aduan_servers import fetching
from aduan_servers.problems import ServerFailed

CONSOLE_CONSUMER: Final = "org.apache.kafka.tools.consumer.ConsoleConsumer"

KEY: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def keys_of(address: str, topic: str) -> list[str]:
    """Return the key (a case id) of every record of a topic, as Kafka's console consumer prints them."""
    done = subprocess.run(
        [
            str(fetching.java()), "-Xmx256m", "-XX:TieredStopAtLevel=1",
            "-cp", f"{fetching.jars()}/*", CONSOLE_CONSUMER,
            "--bootstrap-server", address, "--topic", topic, "--from-beginning",
            "--timeout-ms", "8000", "--formatter-property", "print.key=true",
            "--formatter-property", "print.value=false",
        ],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    words = done.stderr[-2_000:]
    if done.returncode != 0 and "TimeoutException" not in words:
        raise ServerFailed(f"the console consumer ended with {done.returncode}: {words}")
    # Its own log lines come out on the same stream.
    return [line for line in done.stdout.splitlines() if KEY.fullmatch(line)]
