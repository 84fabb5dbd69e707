"""`aduan feed` against a real intake in its own process, which is killed while it is being fed."""

import base64
import json
import os
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest

from aduan.web.keys import SCOPES, make_key
from aduan_standalone.cli.main import main

ROOT: Final = Path(__file__).parents[2]
SAMPLES: Final = ROOT / "reference" / "samples" / "complaints.jsonl"
KILLS: Final = 5


class Intake:
    """An intake on files of its own, which can be killed and started again on the same port."""

    def __init__(self, folder: Path) -> None:
        self.token, record = make_key(tenant="33.74", scopes=("portals:manage", "ops:read"))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        hashed = {
            "key_id": record.key_id, "hash": record.hash, "tenant": record.tenant,
            "scopes": sorted(record.scopes),
        }  # fmt: skip
        assert set(hashed["scopes"]) <= SCOPES
        self._log = (folder / "log").open("ab")
        self._env = {
            **os.environ,
            "ADUAN_STORE": f"sqlite:///{folder / 'store'}",
            "ADUAN_BUS": f"sqlite:///{folder / 'log.db'}",
            "ADUAN_INTAKE_VAULT_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
            "ADUAN_INTAKE_REFERENCE_DIR": str(ROOT / "reference"),
            "ADUAN_INTAKE_PORT": str(self.port),
            "ADUAN_INTAKE_STATIC_KEYS": json.dumps([hashed]),
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "aduan_intake"],
            env=self._env,
            stdout=self._log,
            stderr=self._log,
        )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                httpx.get(f"{self.url}/intake/health/live")
            except httpx.TransportError:
                time.sleep(0.05)
            else:
                return
        pytest.fail("intake did not start")

    def kill(self) -> None:
        """End it without a chance to say anything."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)

    def close(self) -> None:
        """Kill it for good."""
        self.kill()
        self._log.close()

    def received(self) -> int:
        """Return what intake counts."""
        answer = httpx.get(
            f"{self.url}/intake/ops/status", headers={"Authorization": f"Bearer {self.token}"}
        )
        return int(answer.json()["facts"]["received"])


@pytest.fixture
def intake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Intake]:
    """A running intake whose operator is us."""
    folder = tmp_path / "intake"
    folder.mkdir()
    found = Intake(folder)
    monkeypatch.setenv("ADUAN_TOKEN", found.token)
    found.start()
    yield found
    found.close()


def test_a_feed_goes_on_over_kills_and_nothing_is_lost_or_doubled(
    intake: Intake, tmp_path: Path
) -> None:
    """Five kills with requests in flight: every sample is acknowledged once and is really there."""
    ledger = tmp_path / "ledger"
    ended: list[int] = []

    def feed() -> None:
        try:
            main(
                ["feed", str(SAMPLES), "--to", f"intake={intake.url}", "--ledger", str(ledger),
                 "--rate", "60", "--patience", "60", "--json"]
            )  # fmt: skip
        except SystemExit as end:
            ended.append(int(end.code or 0))

    thread = threading.Thread(target=feed)
    thread.start()
    kills = 0
    for _ in range(KILLS):
        before = ledger.stat().st_size if ledger.exists() else 0
        deadline = time.monotonic() + 30
        while thread.is_alive() and time.monotonic() < deadline:
            if ledger.exists() and ledger.stat().st_size > before:
                break
            time.sleep(0.005)
        if thread.is_alive():
            intake.kill()
            kills += 1
            intake.start()
    thread.join(120)
    lines = [json.loads(line) for line in ledger.read_text(encoding="utf-8").splitlines()]
    samples = [json.loads(line)["external_id"] for line in SAMPLES.read_text("utf-8").splitlines()]

    assert [0] == ended
    assert KILLS == kills
    assert sorted(samples) == sorted(line["external_id"] for line in lines)
    assert len(samples) == len({line["ticket"] for line in lines})
    assert len(samples) == intake.received()
    with httpx.Client() as client:
        for line in lines:
            answer = client.get(f"{intake.url}/v1/complaints/{line['ticket']}")
            assert 200 == answer.status_code
