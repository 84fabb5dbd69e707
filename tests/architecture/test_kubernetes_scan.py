"""A kept policy scanner over deploy/k8s; every finding that is let pass has its reason here."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from aduan_manifests import OVERLAYS, Resource, containers_of, named, rendered, wheels

LET_PASS: Final = {
    "CKV_K8S_15": "a tag is one release for ever, and a node that has it starts without the registry",
    "CKV_K8S_35": "settings are read from the environment, in every way that Aduan is run (ADR 13)",
    "CKV_K8S_43": "an overlay names the release; whoever deploys puts the digest that his registry gave",
}
SECONDS: Final = 180.0


def findings(folder: Path, resources: Sequence[Resource]) -> set[tuple[str, str]]:
    """Return (check, resource) for whatever the scanner finds, letting nothing pass."""
    (folder / "manifests.yaml").write_text(yaml.safe_dump_all(resources), "utf-8")
    where = wheels("manifests", "manifests.lock")
    done = subprocess.run(
        [sys.executable, "-m", "checkov.main", "--quiet", "--compact", "--skip-download",
         "--framework", "kubernetes", "-o", "json", "-d", str(folder)],
        capture_output=True, text=True, timeout=SECONDS, check=False,
        env={**os.environ, "PYTHONPATH": str(where), "LOG_LEVEL": "ERROR"},
    )  # fmt: skip
    assert done.returncode in {0, 1}, done.stderr[-2_000:]
    report: dict[str, Any] = json.loads(done.stdout)
    assert report["summary"]["parsing_errors"] == 0
    assert report["summary"]["passed"] > 0
    return {(each["check_id"], each["resource"]) for each in report["results"]["failed_checks"]}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_scanner_finds_nothing_but_what_has_a_reason(overlay: str, tmp_path: Path) -> None:
    """Each reason is still needed, too."""
    found = findings(tmp_path, rendered(overlay))

    assert [] == sorted(one for one in found if one[0] not in LET_PASS)
    assert LET_PASS.keys() == {check for check, _ in found}


def test_the_scanner_notices_a_privileged_container_and_the_nodes_network(tmp_path: Path) -> None:
    """The check above can fail."""
    workload = json.loads(json.dumps(named(rendered("production"), "Deployment", "intake")))
    containers_of(workload)[0]["securityContext"]["privileged"] = True
    workload["spec"]["template"]["spec"]["hostNetwork"] = True
    found = {check for check, _ in findings(tmp_path, [workload])}

    assert {"CKV_K8S_16", "CKV_K8S_19"} <= found
