"""Prints a Job that runs `aduan doctor` in a cluster, made from an overlay's own jobs.

    kubectl kustomize deploy/k8s/overlays/production | python tools/k8s_doctor.py | kubectl create -f -
    kubectl -n aduan logs -f job/doctor

It has the deployer's way to the brokers (from the Job `topics`) and to the database (from `migrate`),
so whatever an overlay changed in these holds for it too. Arguments are passed on to doctor.
"""

import copy
import sys
from collections.abc import Iterable, Mapping
from typing import Any, Final

import yaml

NAME: Final = "doctor"
GONE_AFTER_SECONDS: Final = 3_600


def job(resources: Iterable[Mapping[str, Any]], arguments: Iterable[str] = ()) -> dict[str, Any]:
    """Return the Job. resources: an overlay, rendered. Raises KeyError where its jobs are not there."""
    jobs: dict[str, Any] = {
        one["metadata"]["name"]: dict(one) for one in resources if one.get("kind") == "Job"
    }
    made: dict[str, Any] = copy.deepcopy(jobs["topics"])
    other = copy.deepcopy(jobs["migrate"])
    pod, more = made["spec"]["template"], other["spec"]["template"]
    container, theirs = pod["spec"]["containers"][0], more["spec"]["containers"][0]
    for key in ("env", "volumeMounts"):
        container[key] = _united(container.get(key, []), theirs.get(key, []))
    pod["spec"]["volumes"] = _united(
        pod["spec"].get("volumes", []), more["spec"].get("volumes", [])
    )
    # no --to: the policies let nobody but who needs it call a service, and their probes say the same
    container["args"] = ["doctor", *arguments]
    labels = {**more["metadata"]["labels"], **pod["metadata"]["labels"]}
    pod["metadata"]["labels"] = {**labels, "app.kubernetes.io/name": NAME}
    made["metadata"]["name"] = NAME
    made["metadata"]["labels"] = {
        **made["metadata"].get("labels", {}),
        "app.kubernetes.io/name": NAME,
    }
    made["spec"] |= {"backoffLimit": 0, "ttlSecondsAfterFinished": GONE_AFTER_SECONDS}
    return made


def _united(mine: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return both lists, of one name the first."""
    names = {one["name"] for one in mine}
    return [*mine, *(one for one in theirs if one["name"] not in names)]


def main() -> None:
    """Read an overlay from standard input and print the Job."""
    try:
        made = job(filter(None, yaml.safe_load_all(sys.stdin)), sys.argv[1:])
    except KeyError as error:
        sys.exit(
            f"there is no job {error} in what was given: kubectl kustomize deploy/k8s/overlays/..."
        )
    sys.stdout.write(yaml.safe_dump(made, sort_keys=False))


if __name__ == "__main__":
    main()
