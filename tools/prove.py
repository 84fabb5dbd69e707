"""Shows that a service runs from its own wheels alone.

Into an empty environment go the wheels of `aduan` and of that one service, built from this tree,
and what these two declare, in the locked versions. Then its readiness must answer 200, and
importing any other service must fail. In the shared .venv an undeclared dependency would go unseen.
"""

import argparse
import os
import re
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import venv
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
READY_SECONDS: Final = 60.0
PIN: Final = re.compile(r"^([A-Za-z0-9._-]+==[^ \\]+(?: ;[^\\]+)?)", re.MULTILINE)


def _secret() -> str:
    """Return 32 random bytes in base64: the form of every key that seals."""
    return b64encode(secrets.token_bytes(32)).decode()


def _api_key() -> str:
    """Return a key of the right form that nobody knows."""
    return f"aduan_{secrets.token_hex(8)}_{secrets.token_urlsafe(32)}"


@dataclass(frozen=True, slots=True)
class Service:
    """How one service is called. needs: variables without a default, and how to make each."""

    name: str
    needs: dict[str, Callable[[], str]] = field(default_factory=dict)

    @property
    def package(self) -> str:
        """The import package."""
        return f"aduan_{self.name.replace('-', '_')}"

    @property
    def prefix(self) -> str:
        """The beginning of its variables."""
        return self.package.upper() + "_"


SERVICES: Final = (
    Service("intake", {"VAULT_KEY": _secret}),
    Service("routing", {"SEAL_KEY": _secret}),
    Service("sla"),
    Service("sync-laporgub"),
    Service(
        "notify",
        {
            "PUBLIC_URL": lambda: "http://127.0.0.1:9",
            "INTAKE_URL": lambda: "http://127.0.0.1:9",
            "INTAKE_TOKEN": _api_key,
            "SMTP_HOST": lambda: "127.0.0.1",
            "SMTP_PORT": lambda: "9",
        },
    ),
)


class NotProven(Exception):
    """What was to be shown is not so; the text says what."""


def run(*command: str | Path) -> None:
    """Run a command; its output is shown only when it fails."""
    result = subprocess.run(
        [str(part) for part in command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise NotProven(f"{command[-1]}: {(result.stdout + result.stderr)[-1500:]}")


def build(service: Service, wheels: Path) -> list[Path]:
    """Build the wheels of the library and of the service, without the network."""
    run(
        sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet",
        "--no-deps", "--no-build-isolation", "--no-index", "-w", wheels,
        "./libs/aduan", f"./services/{service.name}",
    )  # fmt: skip
    return sorted(wheels.glob("*.whl"))


def install(folder: Path, wheels: list[Path]) -> Path:
    """Make an empty environment, install the wheels and what they declare; return its python."""
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / "bin" / "python"
    lock = (ROOT / "requirements" / "runtime.lock").read_text("utf-8")
    pins = folder / "constraints.txt"
    pins.write_text("\n".join(match.strip() for match in PIN.findall(lock)) + "\n", "utf-8")
    run(
        python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet",
        "-c", pins, *wheels,
    )  # fmt: skip
    return python


def free_port() -> int:
    """Return a port on which nobody listens at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(service: Service, folder: Path, port: int) -> dict[str, str]:
    """Return everything that a start of this service needs, and nothing of ours."""
    return {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(folder),
        "ADUAN_STORE": f"sqlite:///{folder / 'store.db'}",
        "ADUAN_BUS": f"sqlite:///{folder / 'log.db'}",
        f"{service.prefix}PORT": str(port),
        f"{service.prefix}REFERENCE_DIR": str(ROOT / "reference"),
        **{service.prefix + name: make() for name, make in service.needs.items()},
    }


def answers_ready(service: Service, python: Path, folder: Path) -> float:
    """Start it as its own process; return the seconds until readiness answered 200."""
    port = free_port()
    log = folder / "service.log"
    began = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(python), "-m", service.package],
            cwd=folder,
            env=environment(service, folder, port),
            stdout=output,
            stderr=output,
        )
    try:
        while time.monotonic() - began < READY_SECONDS:
            if process.poll() is not None:
                raise NotProven(
                    f"ended with {process.returncode}: {log.read_text('utf-8')[-3000:]}"
                )
            if _status(f"http://127.0.0.1:{port}/{service.name}/health/ready") == 200:
                return time.monotonic() - began
            time.sleep(0.1)
        raise NotProven(f"not ready in {READY_SECONDS} s: {log.read_text('utf-8')[-3000:]}")
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310  # our own address
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0  # not listening yet


def stands_alone(service: Service, python: Path, folder: Path) -> None:
    """Check that no other service can be imported there."""
    for other in SERVICES:
        if other == service:
            continue
        result = subprocess.run(
            [str(python), "-c", f"import {other.package}"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            env={"PATH": os.environ.get("PATH", "")},
        )
        if result.returncode == 0 or "ModuleNotFoundError" not in result.stderr:
            raise NotProven(f"{other.package} can be imported beside {service.package}")


def prove(service: Service) -> None:
    """Show it for one service. Raises NotProven."""
    with tempfile.TemporaryDirectory(prefix="prove-") as name:
        folder = Path(name)
        wheels = build(service, folder / "wheels")
        python = install(folder, wheels)
        seconds = answers_ready(service, python, folder)
        stands_alone(service, python, folder)
    print(f"{service.name}: ready after {seconds:.1f} s from {len(wheels)} wheels; stands alone")


def main() -> int:
    """Prove the named service, or all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("service", choices=["all", *(service.name for service in SERVICES)])
    wanted = parser.parse_args().service
    failed = 0
    for service in SERVICES:
        if wanted in {"all", service.name}:
            try:
                prove(service)
            except NotProven as why:
                print(f"{service.name}: NOT PROVEN: {why}")
                failed += 1
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
