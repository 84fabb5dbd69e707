"""docker-compose.yml as it stands, started whole: the production shape in small."""

import json
import time
from typing import Any, Final

import httpx
import pytest
from aduan_containers import Stack, not_proven
from aduan_servers.problems import NotHere

OURS: Final = (
    "intake", "routing", "sla", "sync-laporgub", "notify", "statistics", "laporgub", "sp4n", "mail",
)  # fmt: skip
ADDRESSED: Final = ("intake", "routing", "sla", "sync-laporgub", "notify")
ENGINES: Final = ("kafka", "mongo")
JOBS: Final = ("mongo-key", "replica-set", "migrate", "topics")
ASK: Final = """
import os, pymongo
database = pymongo.MongoClient(os.environ["ADUAN_STORE"], timeoutMS=5000)
for name in ("aduan_sla", "aduan_routing"):
    try:
        database[name].command("dbStats")
        print(name, "may be read")
    except pymongo.errors.OperationFailure as error:
        print(name, "code", error.code)
"""


def test_complaints_go_through_the_stack_until_they_are_answered(stack: Stack) -> None:
    """From the front doors to the partner and the mail server, and each process counts it."""
    done = stack.smoke()

    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "compose-smoke ok" in done.stdout
    assert "FAILED" not in done.stdout


def test_prometheus_sees_every_process_and_a_canary_that_came_through(stack: Stack) -> None:
    """The scrape settings that are deployed find what is deployed, and its rules are taken."""
    try:
        stack.engine.image("PROMETHEUS_IMAGE")
    except NotHere as reason:
        not_proven(reason)
    stack.compose(
        "up", "--detach", "--wait", "--no-deps", "--pull", "never", "canary", "prometheus"
    )
    api = f"http://127.0.0.1:{stack.value('PROMETHEUS_PORT')}/api/v1"
    wanted = {"intake", "routing", "sla", "sync-laporgub", "notify", "statistics", "canary"}

    def components(query: str) -> set[str]:
        rows = httpx.get(f"{api}/query", params={"query": query}).json()["data"]["result"]
        return {row["metric"].get("component", "") for row in rows}

    end = time.monotonic() + 90
    while time.monotonic() < end:
        if components("up == 1") >= wanted and components("aduan_canary_up == 1"):
            break
        time.sleep(0.5)
    groups = httpx.get(f"{api}/rules").json()["data"]["groups"]

    assert components("up == 1") >= wanted
    assert components("aduan_canary_up == 1") == {"canary"}
    assert sum(len(group["rules"]) for group in groups) > 10
    assert {rule["health"] for group in groups for rule in group["rules"]} <= {"ok", "unknown"}


def test_no_container_may_do_more_than_it_must(stack: Stack) -> None:
    """Read-only, without capabilities, within limits, and published on this machine alone."""
    for name, found in stack.containers().items():
        host: dict[str, Any] = found["HostConfig"]
        assert host["CapDrop"] == ["ALL"] and not host["CapAdd"], name
        assert "no-new-privileges:true" in host["SecurityOpt"], name
        assert host["Memory"] > 0 and host["PidsLimit"] > 0 and host["Init"], name
        assert host["ReadonlyRootfs"] or name == "kafka", name
        assert found["Config"]["User"] not in ("", "root", "0"), name
        published = [one["HostIp"] for ones in host["PortBindings"].values() for one in ones]
        assert set(published) <= {"127.0.0.1"}, name


def test_every_part_is_there_and_every_job_has_ended_well(stack: Stack) -> None:
    """Healthy is what the image's own check says."""
    found = stack.containers()
    states = {name: one["State"] for name, one in found.items()}

    assert {*OURS, *ENGINES, *JOBS} <= states.keys()
    assert {states[name]["Health"]["Status"] for name in (*OURS, *ENGINES)} == {"healthy"}
    assert {states[name]["ExitCode"] for name in JOBS} == {0}
    assert [] == [name for name, one in found.items() if one["RestartCount"]]


def test_the_database_lets_nobody_in_without_a_right(stack: Stack) -> None:
    """The key file is the server's own; a service's user reaches its own database and no other."""
    mode = stack.compose("exec", "-T", "mongo", "stat", "-c", "%a %U", "/data/configdb/key")
    said = stack.compose(
        "run", "--rm", "-T", "--no-deps", "--entrypoint", "python",
        "-e", f"ADUAN_STORE=mongodb://sla:{stack.value('MONGO_SLA_PASSWORD')}@mongo:27017/aduan_sla"
        "?replicaSet=rs0&authSource=admin",
        "migrate", "-c", ASK,
    )  # fmt: skip
    nobody = stack.compose(
        "run", "--rm", "-T", "--no-deps", "--entrypoint", "python",
        "-e", "ADUAN_STORE=mongodb://mongo:27017/?replicaSet=rs0", "migrate", "-c", ASK,
    )  # fmt: skip

    assert mode.split() == ["400", "mongodb"]
    assert said.splitlines() == ["aduan_sla may be read", "aduan_routing code 13"]
    assert nobody.splitlines() == ["aduan_sla code 13", "aduan_routing code 13"]


def test_the_jobs_may_run_again_and_find_nothing_to_do(stack: Stack) -> None:
    """A second deployment of the same release changes nothing."""
    again = {
        name: stack.compose("run", "--rm", "-T", "--no-deps", name)
        for name in ("replica-set", "migrate", "topics")
    }

    assert "replica set rs0 is there" in again["replica-set"]
    assert again["migrate"].count("no change") == 5
    assert again["topics"].startswith("no change")


def test_the_doctor_finds_nothing_broken(stack: Stack) -> None:
    """Called as docs/deploy.md says. Warnings are allowed: one broker is one broker."""
    to = [f"--to={name}=http://{name}:8000" for name in ADDRESSED]
    said = stack.compose(
        "run", "--rm", "-T", "--no-deps", "tools", "doctor", "--replication", "1", "--json", *to,
        check=False,
    )  # fmt: skip
    report = json.loads(said[said.index("{") : said.rindex("}") + 1])
    errors = [one["what"] for one in report["findings"] if one["severity"] == "error"]

    assert [] == errors
    assert report["counts"]["ok"] > 10


def test_a_service_ends_cleanly_when_it_is_told_to_and_is_taken_up_again(stack: Stack) -> None:
    """SIGTERM reaches it through init, and its end is no kill after the time of grace."""
    began = time.monotonic()
    stack.compose("stop", "--timeout", "30", "sla")
    state = stack.containers()["sla"]["State"]
    stack.compose("up", "--detach", "--wait", "--no-deps", "--pull", "never", "sla")

    assert state["ExitCode"] in (0, 143)
    assert time.monotonic() - began < 60


def test_the_smoke_test_is_red_and_says_where_when_a_service_is_down(stack: Stack) -> None:
    """A check that cannot fail would guard nothing."""
    stack.compose("stop", "notify")
    try:
        done = stack.smoke("--patience", "3")
    finally:
        stack.compose("up", "--detach", "--wait", "--no-deps", "--pull", "never", "notify")

    assert done.returncode == 1
    assert "compose-smoke FAILED at: services are ready" in done.stdout
    assert "notify at http://127.0.0.1:" in done.stdout
    assert "not tried" in done.stdout


def test_the_compose_file_is_valid_in_all_profiles(stack: Stack) -> None:
    """Also those of which no image is here: Grafana and Alertmanager are checked by this alone."""
    shown = json.loads(stack.compose("--profile", "*", "config", "--format", "json"))

    assert {"grafana", "alertmanager", "prometheus", "tools"} <= shown["services"].keys()


@pytest.mark.parametrize("service", ["grafana", "alertmanager"])
def test_the_rest_of_observability_starts(stack: Stack, service: str) -> None:
    """From the official image alone: there is no stand-in for it."""
    image = json.loads(stack.compose("--profile", "*", "config", "--format", "json"))["services"]
    if not stack.engine.has(image[service]["image"]):
        pytest.skip(
            f"containers not proven: {service}: its image is not here, only `config` checked it"
        )
    stack.compose("up", "--detach", "--wait", "--no-deps", "--pull", "never", service)


def test_a_missing_secret_is_named_before_anything_starts(stack: Stack) -> None:
    """Nothing has a default that everybody knows."""
    lines = stack.file.read_text("utf-8").splitlines(keepends=True)
    without = stack.file.with_name("without")
    without.write_text("".join(line for line in lines if "VAULT_KEY" not in line), "utf-8")
    lacking = Stack(stack.engine, stack.name, without)
    said = lacking.compose("config", "--quiet", check=False)

    assert "required variable ADUAN_INTAKE_VAULT_KEY is missing a value" in said
