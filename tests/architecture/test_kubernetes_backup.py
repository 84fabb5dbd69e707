"""Backup and restore as documented: what is asked of MongoDB's tools, by which user, past which policies.

The tools themselves are played here by a script that writes down what it is given; that a dump which they
made comes back as it was, only a rehearsal with the real ones shows (docs/deploy.md).
"""

import json
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import kubernetes_validate
import pytest
import yaml
from aduan_manifests import (
    FOLDER,
    OVERLAYS,
    ROOT,
    Resource,
    named,
    of_kind,
    pod_of,
    render,
    rendered,
)
from aduan_policies import BROKER, DATABASE, may, open_doors
from pymongo.uri_parser import parse_uri

VERSIONS: Final = ("1.32", "1.37")
TOOLS: Final = {"backup": "mongodump", "restore": "mongorestore"}
PLAYED: Final = """#!/usr/bin/env python3
import json, os, pathlib, sys
read = {one[2:].partition("=")[0]: one.partition("=")[2] for one in sys.argv[1:]}
given = next(one for one in sys.argv if one.startswith("--config")).partition("=")[2] or sys.argv[sys.argv.index("--config") + 1]
told = {"tool": pathlib.Path(sys.argv[0]).name, "arguments": sys.argv[1:], "config": pathlib.Path(given).read_text()}
pathlib.Path(os.environ["TOLD"]).write_text(json.dumps(told))
if os.environ.get("BREAKS"):
    sys.exit(1)
if read.get("archive") and told["tool"] == "mongodump":
    pathlib.Path(read["archive"]).write_text("archive")
"""
PASSWORD: Final = "not-on-the-command-line"
both = pytest.mark.parametrize("name", TOOLS)


def made(name: str) -> tuple[Resource, ...]:
    """Return what `kubectl apply -k` would send."""
    return render(FOLDER / name)


def job(name: str) -> Resource:
    """Return the Job."""
    return named(made(name), "Job", name)


def run(
    folder: Path, script: list[str], variables: Mapping[str, str]
) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    """Run a script with the tools played; return how it ended and what the tool was told."""
    tools = folder / "bin"
    tools.mkdir(exist_ok=True)
    for each in TOOLS.values():
        (tools / each).write_text(PLAYED, "utf-8")
        (tools / each).chmod(0o700)
    told = folder / "told"
    told.unlink(missing_ok=True)
    done = subprocess.run(
        script, capture_output=True, text=True, check=False, timeout=60, stdin=subprocess.DEVNULL,
        env={"PATH": f"{tools}:{os.environ['PATH']}", "TOLD": str(told), **variables},
    )  # fmt: skip
    return done, json.loads(told.read_text("utf-8")) if told.exists() else {}


def run_job(
    folder: Path, name: str, **more: str
) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    """Run a Job's script as its container would, with folders of the test's own."""
    (container,) = pod_of(job(name))["spec"]["containers"]
    (folder / "backup").mkdir(exist_ok=True)
    store = (
        f"mongodb://aduan-{name}:{PASSWORD}@m-0:27017,m-1:27017/admin"
        "?replicaSet=aduan-mongodb&ssl=true&tlsCAFile=/etc/ssl/certs/ca-certificates.crt"
    )
    return run(
        folder, [*container["command"], *container["args"]],
        {"TMPDIR": str(folder), "BACKUP": str(folder / "backup"), "STORE": store, **more},
    )  # fmt: skip


@both
def test_the_job_is_as_restricted_as_every_pod_of_ours(name: str) -> None:
    """And an API server takes it."""
    resources = made(name)

    assert [] == open_doors(job(name))
    for each in resources:
        for version in VERSIONS:
            kubernetes_validate.validate(each, version, strict=True)
    assert {"aduan"} == {each["metadata"]["namespace"] for each in resources}
    assert 0 == job(name)["spec"]["backoffLimit"]


@both
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_job_reaches_the_database_as_its_own_user_and_nobody_else(
    name: str, overlay: str
) -> None:
    """Without the label it would wait for a database that does not answer."""
    resources = rendered(overlay)
    labels = pod_of(job(name))["metadata"]["labels"]
    (user,) = (
        each
        for each in named(resources, "MongoDBCommunity", "aduan-mongodb")["spec"]["users"]
        if each["name"] == f"aduan-{name}"
    )
    (container,) = pod_of(job(name))["spec"]["containers"]
    variables = {each["name"]: each for each in container["env"]}

    assert may(resources, labels, "egress", DATABASE, 27017)
    assert may(resources, DATABASE, "ingress", labels, 27017)
    assert not may(resources, labels, "egress", BROKER, 9093)
    assert not may(resources, labels, "egress", "203.0.113.7", 443)
    assert {"name": user["connectionStringSecretName"], "key": "connectionString.standard"} == (
        variables["STORE"]["valueFrom"]["secretKeyRef"]
    )


@both
def test_both_use_one_claim_and_the_image_has_the_servers_own_version(name: str) -> None:
    """A restore finds what a backup wrote; tools of another time may not know the server."""
    (claim,) = of_kind(made("backup"), "PersistentVolumeClaim")
    spec = pod_of(job(name))["spec"]
    (database,) = of_kind(rendered("production"), "MongoDBCommunity")

    assert {"claimName": claim["metadata"]["name"]} in [
        each.get("persistentVolumeClaim") for each in spec["volumes"]
    ]
    assert f"mongo:{database['spec']['version']}" == spec["containers"][0]["image"]


@both
def test_the_whole_database_is_meant_and_the_password_is_in_a_file(
    name: str, tmp_path: Path
) -> None:
    """The operator's address names `admin`, which the tools would take for the one database meant."""
    (tmp_path / "backup").mkdir()
    for day in ("01", "03", "02"):
        (tmp_path / "backup" / f"aduan-202601{day}T000000Z.gz").write_text("x")
    (tmp_path / "backup" / "aduan-20260104T000000Z.gz.part").write_text("x")
    done, told = run_job(tmp_path, name)
    address = parse_uri(yaml.safe_load(told["config"])["uri"])

    assert 0 == done.returncode, done.stderr
    assert TOOLS[name] == told["tool"]
    assert (None, f"aduan-{name}", PASSWORD) == (
        address["database"], address["username"], address["password"]
    )  # fmt: skip
    assert "admin" == address["options"]["authSource"]
    assert "aduan-mongodb" == address["options"]["replicaSet"]
    assert address["options"]["tls"] is True
    assert PASSWORD not in " ".join(told["arguments"])
    assert not {"--db", "--nsInclude"} & set(told["arguments"])
    if name == "backup":
        assert {"--oplog", "--gzip"} <= set(told["arguments"])
        (kept,) = {*(tmp_path / "backup").glob("*.gz")} - {
            tmp_path / "backup" / f"aduan-202601{day}T000000Z.gz" for day in ("01", "02", "03")
        }
        assert done.stdout.strip() == str(kept)
    else:
        assert {"--oplogReplay", "--drop", "--gzip"} <= set(told["arguments"])
        assert f"--archive={tmp_path}/backup/aduan-20260103T000000Z.gz" in told["arguments"]


def test_what_was_broken_off_is_never_taken_for_a_backup(tmp_path: Path) -> None:
    """The Job fails, and the next restore does not find it."""
    done, _ = run_job(tmp_path, "backup", BREAKS="yes")

    assert 0 != done.returncode
    assert [] == [*(tmp_path / "backup").glob("*.gz")]


def test_a_restore_takes_the_archive_that_is_named(tmp_path: Path) -> None:
    """Not every restore wants the newest."""
    _, told = run_job(tmp_path, "restore", ARCHIVE="/backup/one.gz")

    assert "--archive=/backup/one.gz" in told["arguments"]


def test_a_restore_without_an_archive_does_nothing(tmp_path: Path) -> None:
    """An empty claim is no reason to ask the tool."""
    done, told = run_job(tmp_path, "restore")

    assert 0 != done.returncode
    assert {} == told


def test_the_commands_for_compose_take_the_password_from_the_container(tmp_path: Path) -> None:
    """Root's, which mongod's container has; neither `.env` nor a command line is needed for it."""
    text = (ROOT / "docs" / "deploy.md").read_text("utf-8")
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"]
    scripts = re.findall(r"docker compose exec -T mongo bash -c '([^']+)'", text)
    assert {"mongodump", "mongorestore"} == {each.split()[0] for each in scripts}
    for script in scripts:
        variable = "MONGO_INITDB_ROOT_PASSWORD"
        done, told = run(tmp_path, ["bash", "-c", script], {variable: PASSWORD})

        assert 0 == done.returncode, done.stderr
        assert variable in compose["mongo"]["environment"]
        assert {"password": PASSWORD} == yaml.safe_load(told["config"])
        assert PASSWORD not in " ".join(told["arguments"])
        assert compose["mongo"]["environment"]["MONGO_INITDB_ROOT_USERNAME"] in told["arguments"]
        whole = {"mongodump": {"--oplog"}, "mongorestore": {"--oplogReplay", "--drop"}}[
            told["tool"]
        ]
        assert {"--gzip", "--archive", *whole} <= set(told["arguments"])
