"""The Job that looks at a cluster has what both of the deployer's jobs have, in every overlay."""

import io
import subprocess
import sys

import pytest
import yaml
from aduan_manifests import OVERLAYS, ROOT, named, rendered
from tools.k8s_doctor import job

from aduan_standalone.doctor.environment import known


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_doctor_reaches_brokers_and_database_as_the_jobs_do(overlay: str) -> None:
    """Variables, files and the labels by which the policies let it through."""
    resources = rendered(overlay)
    made = job(resources, ["--replication", "3"])
    pod = made["spec"]["template"]
    (container,) = pod["spec"]["containers"]

    assert ["doctor", "--replication", "3"] == container["args"]
    assert {"aduan.id/kafka", "aduan.id/mongodb"} <= pod["metadata"]["labels"].keys()
    names = {one["name"] for one in container["env"]}
    assert {"ADUAN_BUS", "ADUAN_KAFKA_PASSWORD", "ADUAN_STORE"} <= names <= known() | {"TMPDIR"}
    for name in ("topics", "migrate"):
        theirs = named(resources, "Job", name)["spec"]["template"]
        (one,) = theirs["spec"]["containers"]
        assert {each["name"] for each in one["env"]} <= names
        assert {each["name"] for each in one["volumeMounts"]} <= {
            each["name"] for each in container["volumeMounts"]
        }
        assert one["securityContext"] == container["securityContext"]
    assert {each["name"] for each in container["volumeMounts"]} == {
        each["name"] for each in pod["spec"]["volumes"]
    }
    assert 0 == made["spec"]["backoffLimit"], "a finding is no reason to look again"


def test_it_is_a_pipe() -> None:
    """As docs/deploy.md uses it; what lacks the jobs is refused in one sentence."""
    text = io.StringIO()
    yaml.safe_dump_all(rendered("local"), text)
    command = [sys.executable, str(ROOT / "tools" / "k8s_doctor.py"), "--seconds", "20"]
    done = subprocess.run(
        command, input=text.getvalue(), capture_output=True, text=True, check=True, timeout=60
    )
    refused = subprocess.run(
        command, input="kind: Namespace\nmetadata: {name: x}\n",
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip

    assert "doctor" == yaml.safe_load(done.stdout)["metadata"]["name"]
    assert (1, 1) == (refused.returncode, refused.stderr.count("\n"))
