"""How a command finds the instance that it is meant for, and how `stop` ends one."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from aduan_standalone.cli import instance, stopping
from aduan_standalone.cli.refusal import Refusal

URL = "http://127.0.0.1:8123"


@pytest.fixture(autouse=True)
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A runtime folder of the test's own, and no token in the environment."""
    folder = tmp_path / "runtime"
    folder.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    monkeypatch.delenv("ADUAN_TOKEN", raising=False)
    return folder / "aduan"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The data folder of an announced instance, this very process."""
    folder = tmp_path / "data"
    folder.mkdir()
    instance.announce(folder, url=URL, token="t-1", pid=os.getpid())
    return folder


def test_an_announced_instance_is_found_by_folder_by_address_and_alone(data: Path) -> None:
    """All three ways give address and token."""
    for found in (
        instance.find(data, None),
        instance.find(None, [URL + "/"]),
        instance.find(None, None),
    ):
        assert URL == found.url_of("routing")
        assert "t-1" == found.token


def test_secrets_are_readable_by_the_owner_alone(data: Path, runtime: Path) -> None:
    """0600 for the token and for the runtime file."""
    for path in (data / "operator.token", runtime / "8123.json"):
        assert 0o600 == stat.S_IMODE(path.stat().st_mode)


def test_the_environment_token_wins_over_the_file(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ADUAN_TOKEN is said on purpose."""
    monkeypatch.setenv("ADUAN_TOKEN", "t-2")

    assert "t-2" == instance.find(None, [URL]).token


def test_services_may_have_addresses_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """The distributed engine without an ingress."""
    monkeypatch.setenv("ADUAN_TOKEN", "t")
    found = instance.find(None, ["intake=http://a:1", "sync-laporgub=http://b:2/"])

    assert "http://a:1" == found.url_of("intake")
    assert "http://b:2" == found.url_of("sync-laporgub")
    with pytest.raises(Refusal, match="--to sla=URL"):
        found.url_of("sla")


@pytest.mark.parametrize(
    ("to", "words"),
    [
        (["ftp://x"], "not an http address"),
        (["http://x:70000"], "not an http address"),
        (["post=http://x"], "post is not a service"),
        (["http://127.0.0.1:9"], "set ADUAN_TOKEN"),
    ],
)
def test_a_wrong_address_is_refused(to: list[str], words: str) -> None:
    """One sentence each."""
    with pytest.raises(Refusal, match=words):
        instance.find(None, to)


def test_nothing_running_several_running_and_a_strange_folder_are_told(
    data: Path, tmp_path: Path
) -> None:
    """The sentence says what to add."""
    with pytest.raises(Refusal, match="not both"):
        instance.find(data, [URL])
    with pytest.raises(Refusal, match="announced itself"):
        instance.find(tmp_path, None)
    with pytest.raises(Refusal, match="There is no folder"):
        instance.find(tmp_path / "absent", None)
    other = tmp_path / "other"
    other.mkdir()
    instance.announce(other, url="http://127.0.0.1:8124", token="t", pid=os.getpid())
    with pytest.raises(Refusal, match="Several instances"):
        instance.find(None, None)
    for folder, url in ((data, URL), (other, "http://127.0.0.1:8124")):
        instance.withdraw(folder, url=url, pid=os.getpid())
    with pytest.raises(Refusal, match="No instance of yours"):
        instance.find(None, None)


def test_withdrawing_leaves_what_a_successor_announced(data: Path, runtime: Path) -> None:
    """An old process that ends late must not hide the new one."""
    instance.withdraw(data, url=URL, pid=os.getpid() + 1)

    assert (data / "instance.json").exists()
    assert (runtime / "8123.json").exists()


def test_stop_ends_a_process_and_waits_for_it(tmp_path: Path) -> None:
    """SIGTERM, then it is gone; a second stop says that it was not running."""
    process = subprocess.Popen(
        [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)", "aduan"],
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.readline()
    instance.announce(tmp_path, url=URL, token="t", pid=process.pid)
    (found,) = stopping.chosen(None, everything=False)

    assert stopping.stop(found, patience_seconds=10)
    process.stdout.close()
    process.wait(10)
    assert not stopping.stop(stopping.chosen(tmp_path, everything=False)[0])
    assert [] == stopping.chosen(None, everything=True), "the file of the dead process is removed"


def test_stop_leaves_a_stranger_alone(tmp_path: Path) -> None:
    """A process number may have been given to somebody else since."""
    process = subprocess.Popen(["sleep", "60"])
    try:
        instance.announce(tmp_path, url=URL, token="t", pid=process.pid)
        with pytest.raises(Refusal, match="no Aduan instance"):
            stopping.stop(instance.running_in(tmp_path))

        assert process.poll() is None
    finally:
        process.kill()
        process.wait(10)


def test_stop_takes_only_this_checkouts_instances(tmp_path: Path, runtime: Path) -> None:
    """`make stop` in one checkout leaves another's alone."""
    instance.announce(tmp_path, url=URL, token="t", pid=os.getpid())
    path = runtime / "8123.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "python": "/elsewhere/python"}))

    assert [] == stopping.chosen(None, everything=False)
    assert 1 == len(stopping.chosen(None, everything=True))
