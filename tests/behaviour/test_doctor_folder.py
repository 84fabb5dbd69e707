"""`aduan doctor --data`: a healthy folder is well, each planted defect is found, nothing is changed."""

import base64
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from aduan_doctor import Said, doctor, unchanged

from aduan_standalone.cli.main import main

KEYS = ("vault.key", "routing.key", "sync.key", "cookie.key", "operator.token")
SERVICES = ("intake", "routing", "sla", "sync-laporgub", "notify")

Look = Callable[..., Said]


def up(data: Path) -> subprocess.Popen[str]:
    """Start an instance, and return when it is ready."""
    process = subprocess.Popen(
        [sys.executable, "-m", "aduan_standalone.cli.main", "up", "--data", str(data), "--port", "0"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env={**os.environ, "XDG_RUNTIME_DIR": str(data.parent)},
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline().startswith("ready http://")
    return process


def refused(data: Path) -> tuple[int, str]:
    """Start an instance that must not start; return its exit code and what it said."""
    ended = subprocess.run(
        [sys.executable, "-m", "aduan_standalone.cli.main", "up", "--data", str(data), "--port", "0"],
        capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "XDG_RUNTIME_DIR": str(data.parent)},
    )  # fmt: skip
    assert ended.stdout == ""
    assert "Traceback" not in ended.stderr
    return ended.returncode, ended.stderr


def end(process: subprocess.Popen[str]) -> None:
    """Stop it cleanly."""
    process.send_signal(signal.SIGTERM)
    process.wait(30)
    assert process.stdout is not None
    process.stdout.close()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return a folder after a clean end, and one as kill -9 left it."""
    base = tmp_path_factory.mktemp("doctor")
    process = up(base / "healthy")
    try:
        shutil.copytree(base / "healthy", base / "killed")
    finally:
        end(process)
    # what a copy of a running instance lacks, a killed one has: its log and index beside each file
    for name in SERVICES:
        assert (base / "killed" / f"{name}.db-wal").exists()
    return base / "healthy", base / "killed"


@pytest.fixture
def folder(made: tuple[Path, Path], tmp_path: Path) -> Path:
    """Return a healthy folder of its own, with one event in its log."""
    data = tmp_path / "data"
    shutil.copytree(made[0], data)
    write_event(data, time.time() - 60)
    return data


def write_event(data: Path, at: float) -> None:
    """Put a record into the log as if it were written at that time."""
    with sqlite3.connect(data / "log.db") as log:
        log.execute(
            "INSERT INTO log (topic, partition, offset, key, headers, value, at)"
            " VALUES ('sla.warned', 0, (SELECT count(*) FROM log), x'', x'', x'', ?)",
            (at,),
        )
    log.close()


@pytest.fixture
def look(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Look:
    """Look at the folder: it may never be different afterwards, and no secret may be shown."""
    for name in [name for name in os.environ if name.startswith("ADUAN_")]:
        monkeypatch.delenv(name)

    def run(*, table: bool = False) -> Said:
        secrets = [path.read_text().strip() for name in KEYS if (path := folder / name).exists()]
        with unchanged(folder):
            said = doctor(capsys, "--data", folder, table=table)
        for secret in secrets:
            assert secret not in said.out + said.err
        return said

    return run


def test_a_healthy_folder_is_well(look: Look) -> None:
    """Every part was looked at; the one warning is the mail server that this machine does not have."""
    said = look(table=True)

    assert 0 == said.code
    assert [] == said.of("error")
    assert {"connections"} >= {one["check"] for one in said.of("warning")}
    assert {
        "settings", "files", "keys", "schema", "disk", "clock", "reference", "versions", "topics",
        "access", "connections",
    } == {one["check"] for one in said.findings}  # fmt: skip
    for service in SERVICES:
        assert "ok" == said.worst("schema", f"{service}.db")["severity"]


def test_a_running_instance_is_asked_whether_it_is_ready(
    made: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All five answer; stopped in between, it says that it could not ask."""
    data = tmp_path / "data"
    shutil.copytree(made[0], data)
    process = up(data)
    try:
        said = doctor(capsys, "--data", data)
    finally:
        end(process)

    assert 0 == said.code
    for service in SERVICES:
        assert ("ok", "it is ready") == (
            said.worst("connections", service)["severity"],
            said.worst("connections", service)["what"],
        )
    after = doctor(capsys, "--data", data)
    assert "not checked: no instance runs" in after.worst("connections", str(data))["what"]


def test_what_kill_9_left_is_looked_at_and_left_as_it_is(
    made: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The log beside a file is read and not folded into it: that is for the next start."""
    data = tmp_path / "data"
    shutil.copytree(made[1], data)
    with unchanged(data):
        said = doctor(capsys, "--data", data)

    assert [] == said.of("error")
    assert {"ok"} == {one["severity"] for one in said.findings if one["check"] == "schema"}


@pytest.mark.parametrize("name", ["vault.key", "routing.key", "sync.key"])
def test_a_missing_key_is_found_and_no_other_is_made(name: str, look: Look, folder: Path) -> None:
    """A new key would seal what is there for ever: doctor says so, and `up` refuses."""
    (folder / name).unlink()
    said = look()

    assert 1 == said.code
    found = said.worst("keys", name)
    assert "error" == found["severity"]
    assert f"put the copy of {name} back" in found["remedy"]
    code, words = refused(folder)
    assert 2 == code
    assert 1 == words.count("\n")
    assert f"{name} is missing" in words
    assert not (folder / name).exists()


def test_a_missing_cookie_key_is_made_anew(folder: Path, look: Look) -> None:
    """It opens nothing: officers sign in again."""
    (folder / "cookie.key").unlink()

    assert "error" == look().worst("keys", "cookie.key")["severity"]
    end(up(folder))
    assert (folder / "cookie.key").exists()


def test_a_key_of_another_length_is_found_and_not_started_with(look: Look, folder: Path) -> None:
    """Sixteen bytes open nothing; the sentence does not show them."""
    short = base64.b64encode(os.urandom(16)).decode()
    (folder / "vault.key").write_text(short)
    found = look().worst("keys", "vault.key")

    assert "no key of 32 bytes" in found["what"]
    code, words = refused(folder)
    assert 2 == code
    assert "vault.key is no key of 32 bytes" in words
    assert short not in words


@pytest.mark.parametrize("name", KEYS)
def test_a_secret_that_others_may_read_is_found(name: str, look: Look, folder: Path) -> None:
    """With the command that closes it."""
    (folder / name).chmod(0o640)
    found = look().worst("files", name)

    assert "error" == found["severity"]
    assert f"`chmod 600 {folder / name}`" == found["remedy"]


def test_a_folder_that_others_may_enter_is_found(look: Look, folder: Path) -> None:
    """The databases hold what citizens wrote, scrubbed but not public."""
    folder.chmod(0o755)

    assert f"`chmod 700 {folder}`" == look().worst("files", str(folder))["remedy"]


def test_a_file_of_a_newer_release_is_found_and_not_started_with(look: Look, folder: Path) -> None:
    """Older code must not write into tables that it does not know."""
    set_schema(folder / "sla.db", 99)
    found = look().worst("schema", "sla.db")

    assert "error" == found["severity"]
    assert "newer release" in found["what"]
    code, words = refused(folder)
    assert 1 == code
    assert "sla.db was written by a newer release (schema 99, known here is 1)" in words


def test_a_file_of_an_older_release_is_brought_up_by_the_next_start(
    look: Look, folder: Path
) -> None:
    """Before, doctor says so; afterwards it is as all others."""
    set_schema(folder / "log.db", 0)

    assert "`aduan up`" in look().worst("schema", "log.db")["remedy"]
    end(up(folder))
    assert "schema 1" == look().worst("schema", "log.db")["what"]


def set_schema(path: Path, version: int) -> None:
    """Write a schema's number as another release would."""
    with sqlite3.connect(path) as file:
        file.execute(f"PRAGMA user_version={version}")
    file.close()


def test_a_file_that_is_missing_beside_the_others_is_found(look: Look, folder: Path) -> None:
    """One service restored alone would use its numbers twice."""
    (folder / "notify.db").unlink()

    assert "notify.db missing" in look().worst("files", str(folder))["what"]


def test_a_broken_file_is_found(look: Look, folder: Path) -> None:
    """It is no database any more."""
    (folder / "routing.db").write_bytes(b"garbage" * 1000)

    assert "error" == look().worst("schema", "routing.db")["severity"]


@pytest.mark.parametrize("damage", ["newer", "garbage"])
def test_figures_that_cannot_be_opened_are_set_aside_and_keep_nobody_from_taking_complaints(
    damage: str, look: Look, folder: Path
) -> None:
    """They are summed anew from the log; what they were stays beside them."""
    figures = folder / "statistics.db"
    assert "ok" == look().worst("schema", "statistics.db")["severity"]
    if damage == "newer":
        set_schema(figures, 99)
    else:
        figures.write_bytes(b"garbage" * 1000)
    kept = figures.read_bytes()
    found = look().worst("schema", "statistics.db")
    assert ("warning", True) == (found["severity"], "`aduan up`" in found["remedy"])

    end(up(folder))
    assert kept == (folder / "statistics.db.unreadable").read_bytes()
    assert "ok" == look().worst("schema", "statistics.db")["severity"]


def test_a_clock_that_was_set_back_is_found(look: Look, folder: Path) -> None:
    """An event from the future: deadlines would be counted from a wrong now."""
    write_event(folder, time.time() + 3_600)
    found = look().worst("clock", "log.db")

    assert "error" == found["severity"]
    assert "set back" in found["what"]


def test_a_full_disk_is_found(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before every write is answered 503."""
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 9, 1))

    assert 1 == look().code


def test_an_unknown_variable_is_found_with_the_one_that_is_meant(
    look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A misspelt one would leave its default in force unseen."""
    monkeypatch.setenv("ADUAN_INTAKE_MAX_PENDNG", "5")
    monkeypatch.setenv("ADUAN_INTKAE_VAULT_KEY", "x")
    monkeypatch.setenv("ADUAN_INTAKE_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("ADUAN_INTAKE_PORT_8000_TCP_ADDR", "10.0.0.1")
    said = look()

    assert "ADUAN_INTAKE_MAX_PENDING" in said.worst("settings", "ADUAN_INTAKE_MAX_PENDNG")["remedy"]
    assert "ADUAN_INTAKE_VAULT_KEY" in said.worst("settings", "ADUAN_INTKAE_VAULT_KEY")["remedy"]
    assert 2 == len(said.of("warning")) - len(said.about("connections", "mail"))


def test_a_calendar_that_ends_is_found(
    look: Look, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Deadlines of next year could not be counted."""
    reference = tmp_path / "reference"
    shutil.copytree(Path(__file__).parents[2] / "reference", reference)
    calendar = reference / "tenants" / "33.74" / "calendar.toml"
    monkeypatch.setenv("ADUAN_REFERENCE_DIR", str(reference))
    year = time.gmtime().tm_year
    calendar.write_text(calendar.read_text().replace("last_year = 2040", f"last_year = {year}"))
    found = look().worst("reference", "calendar.toml")

    assert "error" == found["severity"]
    assert "raise last_year" in found["remedy"]


def test_reference_data_that_cannot_be_read_is_found(
    look: Look, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The sentence names the file."""
    reference = tmp_path / "reference"
    shutil.copytree(Path(__file__).parents[2] / "reference", reference)
    (reference / "tenants" / "33.74" / "policies.toml").write_text("version = ")
    monkeypatch.setenv("ADUAN_REFERENCE_DIR", str(reference))

    assert any("policies.toml" in one["what"] for one in look().of("error"))


def test_what_cannot_be_asked_for_ends_with_a_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 2: nothing was looked at."""
    for name in [name for name in os.environ if name.startswith("ADUAN_")]:
        monkeypatch.delenv(name)
    for arguments in (
        ["--data", str(tmp_path / "none")],
        [],
        ["--data", str(tmp_path), "--service", "sla"],
    ):
        with pytest.raises(SystemExit) as ended:
            main(["doctor", *arguments])
        told = capsys.readouterr()
        assert (2, "", 1) == (ended.value.code, told.out, told.err.count("\n"))
