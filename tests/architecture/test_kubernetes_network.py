"""Who reaches whom in deploy/k8s: the policies are read as a network plug-in reads them."""

from typing import Final

import pytest
from aduan_manifests import OVERLAYS, Resource, named, of_kind, pod_of, rendered
from aduan_policies import BROKER, DATABASE, Labels, may

from aduan_standalone.cli.instance import SERVICES
from aduan_standalone.dispatch import PATHS

ANYWHERE: Final = "203.0.113.7"
NEIGHBOUR: Final = "10.0.0.7"
SECRET_PATHS: Final = (
    "/internal/v1/contacts/1", "/metrics", "/health/ready", "/health/live",
    *(f"/{service}/ops/status" for service in SERVICES),
    *(f"/{service}/health/ready" for service in SERVICES),
)  # fmt: skip


def labels_of(resources: tuple[Resource, ...], name: str) -> Labels:
    """Return the labels of a Deployment's or Job's pods."""
    (found,) = (
        pod_of(each)["metadata"]["labels"]
        for each in of_kind(resources, "Deployment", "Job")
        if each["metadata"]["name"] == name
    )
    labels: Labels = found
    return labels


def reaches(overlay: str, caller: str, called: str, port: str = "http") -> bool:
    """Whether one of ours may call another: both ends must agree."""
    resources = rendered(overlay)
    one, two = labels_of(resources, caller), labels_of(resources, called)
    return may(resources, one, "egress", two, port) and may(resources, two, "ingress", one, port)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_nothing_is_open_that_is_not_opened(overlay: str) -> None:
    """A pod that somebody adds tomorrow is closed, both ways, and can ask for names."""
    resources = rendered(overlay)
    stranger = {"app.kubernetes.io/name": "stranger"}

    assert not may(resources, stranger, "egress", ANYWHERE, 443)
    assert not may(resources, stranger, "egress", BROKER, 9093)
    assert not may(resources, stranger, "ingress", labels_of(resources, "intake"), "http")
    assert may(resources, stranger, "egress", "ns:kube-system", 53)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_services_call_only_whom_they_have_business_with(overlay: str) -> None:
    """Contacts and confidential content lie at intake; nobody else is called over HTTP by a service."""
    found = {
        (caller, called)
        for caller in SERVICES
        for called in SERVICES
        if caller != called and reaches(overlay, caller, called)
    }

    assert {("routing", "intake"), ("sync-laporgub", "intake"), ("notify", "intake")} == found


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_canary_reaches_every_service_and_nothing_else(overlay: str) -> None:
    """It looks as the world does, so it has no other way in."""
    resources = rendered(overlay)
    canary = labels_of(resources, "canary")

    assert [True] * len(SERVICES) == [reaches(overlay, "canary", name) for name in SERVICES]
    assert not may(resources, canary, "egress", BROKER, 9093)
    assert not may(resources, canary, "egress", DATABASE, 27017)
    assert not may(resources, canary, "egress", ANYWHERE, 443)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_service_reaches_the_brokers_and_the_database_and_the_jobs_one_each(
    overlay: str,
) -> None:
    """A forgotten label would show as a service that waits for ever."""
    resources = rendered(overlay)
    for name in SERVICES:
        pod = labels_of(resources, name)
        assert may(resources, pod, "egress", BROKER, 9093)
        assert may(resources, pod, "egress", DATABASE, 27017)
        assert may(resources, DATABASE, "ingress", pod, 27017)
    topics, migrate = labels_of(resources, "topics"), labels_of(resources, "migrate")
    assert may(resources, topics, "egress", BROKER, 9093)
    assert not may(resources, topics, "egress", DATABASE, 27017)
    assert may(resources, migrate, "egress", DATABASE, 27017)
    assert not may(resources, migrate, "egress", BROKER, 9093)


def test_only_the_bridge_and_the_mail_leave_the_cluster() -> None:
    """Who steals another service has nowhere to send what he finds."""
    resources = rendered("production")
    pods = [each["metadata"]["name"] for each in of_kind(resources, "Deployment", "Job")]

    assert {"sync-laporgub"} == {
        name for name in pods if may(resources, labels_of(resources, name), "egress", ANYWHERE, 443)
    }
    assert {"notify"} == {
        name for name in pods if may(resources, labels_of(resources, name), "egress", ANYWHERE, 587)
    }
    assert not may(resources, labels_of(resources, "sync-laporgub"), "egress", NEIGHBOUR, 443)


def test_the_ingress_controller_and_prometheus_come_in_by_http_alone() -> None:
    """Each from its own namespace, and from no other."""
    resources = rendered("production")
    for name in SERVICES:
        pod = labels_of(resources, name)
        assert may(resources, pod, "ingress", "ns:ingress", "http")
        assert may(resources, pod, "ingress", "ns:monitoring", "http")
        assert not may(resources, pod, "ingress", "ns:default", "http")
    assert not may(resources, DATABASE, "ingress", "ns:ingress", 27017)


def test_who_issues_certificates_finds_the_answer_of_the_moment() -> None:
    """cert-manager's solver listens at 8089 and is asked through the ingress controller, nowhere else."""
    resources = rendered("production")
    solver = {"acme.cert-manager.io/http01-solver": "true"}

    assert may(resources, solver, "ingress", "ns:ingress", 8089)
    assert not may(resources, solver, "ingress", "ns:ingress", "http")
    assert not may(resources, solver, "ingress", "ns:default", 8089)
    assert not may(resources, solver, "egress", DATABASE, 27017)


# ---- what the world sees ---------------------------------------------------------------------------


def routed(path: str) -> str | None:
    """Return the service that the ingress sends a path to, as Prefix and Exact are defined."""
    (rule,) = named(rendered("production"), "Ingress", "aduan")["spec"]["rules"]
    best: tuple[int, str] | None = None
    for each in rule["http"]["paths"]:
        own = each["path"]
        inside = path == own or (each["pathType"] == "Prefix" and path.startswith(f"{own}/"))
        if inside and (best is None or len(own) > best[0]):
            best = (len(own), each["backend"]["service"]["name"])
    return best[1] if best is not None else None


def test_the_ingress_shares_paths_out_as_one_process_does() -> None:
    """A path of a portal leads to the same service whatever the installation."""
    public = {
        path: service
        for path, service in PATHS.items()
        if not path.startswith("/internal") and path.removeprefix("/") not in SERVICES
    }

    assert public == {path: routed(path) for path in public}
    assert public == {path: routed(f"{path}/x") for path in public}
    for service in SERVICES:
        assert service == routed(f"/{service}/docs") == routed(f"/{service}/openapi.json")


@pytest.mark.parametrize("path", SECRET_PATHS)
def test_what_is_ours_alone_is_not_shown_to_the_world(path: str) -> None:
    """Contacts, operators' levers and numbers: not even to be refused."""
    assert routed(path) is None


def test_the_ingress_speaks_tls_for_every_host() -> None:
    """A citizen's words never cross the network in the clear."""
    spec = named(rendered("production"), "Ingress", "aduan")["spec"]
    covered = {host for each in spec["tls"] for host in each["hosts"]}

    assert {rule["host"] for rule in spec["rules"]} == covered
    assert all(each["secretName"] for each in spec["tls"])


def test_a_trial_shows_nothing_to_the_world() -> None:
    """Its partners are simulated and its cookies travel without TLS."""
    assert [] == of_kind(rendered("local"), "Ingress")
