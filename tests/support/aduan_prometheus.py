"""A real Prometheus as a child process, and its checking tools; from Debian's packages."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from aduan_servers.ports import reserve
from tools.dashboards.prometheus import Prometheus

from aduan_simulators.orphans import die_with_parent

ROOT: Final = Path(__file__).resolve().parents[2]
OBSERVABILITY: Final = ROOT / "deploy" / "observability"
PACKAGES: Final[Mapping[str, str]] = {
    "prometheus": "prometheus",
    "promtool": "prometheus",
    "amtool": "prometheus-alertmanager",
}
STARTS_WITHIN_SECONDS: Final = 30.0


def program(name: str) -> str:
    """Return where it is; skips the test, with the reason, where it is not installed."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed (Debian's package {PACKAGES[name]})")
    return found


def run(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a checking tool to its end; both outputs in stdout."""
    return subprocess.run(
        [program(name), *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=False,
    )  # fmt: skip


@contextmanager
def scraping(folder: Path, targets: Mapping[str, str]) -> Iterator[Prometheus]:
    """Run a Prometheus with our own configuration, every second; ends with the block.

    targets: component -> host:port, in place of the names in the compose network.
    """
    binary = program("prometheus")
    (port,) = reserve(1)
    config = folder / "prometheus.yml"
    config.write_text(yaml.safe_dump(_here(targets)), "utf-8")
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(
            [binary, f"--config.file={config}", f"--storage.tsdb.path={folder / 'tsdb'}",
             f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"],
            stdout=log, stderr=log, preexec_fn=die_with_parent,  # noqa: PLW1509 - one C call
            env={**os.environ, "GOMAXPROCS": "1"},
        )  # fmt: skip
    try:
        source = Prometheus(f"http://127.0.0.1:{port}")
        _wait(source, process, folder / "prometheus.log")
        yield source
    finally:
        process.terminate()
        process.wait(30)


def _here(targets: Mapping[str, str]) -> dict[str, Any]:
    """Return the configuration of the repository, for one machine and for a test's patience."""
    config: dict[str, Any] = yaml.safe_load((OBSERVABILITY / "prometheus.yml").read_text("utf-8"))
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["rule_files"] = [str(OBSERVABILITY / "alerts" / "*.yml")]
    del config["alerting"]
    job = next(job for job in config["scrape_configs"] if job["job_name"] == "aduan")
    config["scrape_configs"] = [
        {
            "job_name": job["job_name"],
            "static_configs": [
                {"targets": [address], "labels": {"component": component}}
                for component, address in targets.items()
            ],
        }
    ]
    return config


def _wait(source: Prometheus, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + STARTS_WITHIN_SECONDS
    while True:
        try:
            source.now("vector(1)")
        except OSError:
            assert process.poll() is None, log.read_text(errors="replace")
            assert time.monotonic() < deadline, log.read_text(errors="replace")
            time.sleep(0.1)
        else:
            return


def rules() -> dict[str, Any]:
    """Return alert name -> rule of every file of rules."""
    return {
        rule["alert"]: rule
        for path in files()
        for group in yaml.safe_load(path.read_text("utf-8"))["groups"]
        for rule in group["rules"]
    }


def files() -> Sequence[Path]:
    """Return the files of rules, sorted."""
    return sorted((OBSERVABILITY / "alerts").glob("*.yml"))
