"""The manifests of deploy/k8s, without a cluster: what kubectl renders is what an API server takes.

Built-in kinds are held against the API server's own schemas, strictly; custom kinds against the types of
their operators where a package carries them. NOT_CHECKED lists the rest: only a cluster knows about them.
"""

import copy
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import kubernetes_validate
import pytest
import yaml
from aduan_manifests import (
    OVERLAYS,
    ROOT,
    Resource,
    containers_of,
    matches,
    named,
    names,
    of_kind,
    pod_of,
    rendered,
    told_by_cloudcoil,
    told_by_strimzi,
    tool,
)
from aduan_policies import open_doors
from typer.main import get_command

from aduan.messaging.consumer import DRAIN_SECONDS
from aduan_standalone.cli.instance import SERVICES
from aduan_standalone.cli.main import app

# The oldest API server that takes the manifests (a pause as an action, matchLabelKeys), and a new one.
VERSIONS: Final = ("1.32", "1.37")
STRIMZI: Final = {"Kafka", "KafkaNodePool", "KafkaTopic", "KafkaUser"}
CLOUDCOIL: Final = {
    "Certificate", "Issuer", "PrometheusRule", "ScaledObject", "ServiceMonitor",
    "TriggerAuthentication",
}  # fmt: skip
# No package carries their types: a misspelt field in them is first seen by a cluster.
NOT_CHECKED: Final = {"ExternalSecret", "MongoDBCommunity"}
SLACK_SECONDS: Final = 20
OBSERVABILITY: Final = ROOT / "deploy" / "observability"
JOB: Final = "aduan"
overlays = pytest.mark.parametrize("overlay", OVERLAYS)


def refused(resources: Sequence[Resource], version: str) -> tuple[list[str], set[str]]:
    """Return what an API server would refuse, and which kinds it would not know."""
    wrong, unknown = [], set()
    for each in resources:
        try:
            kubernetes_validate.validate(each, version, strict=True)
        except kubernetes_validate.SchemaNotFoundError:
            unknown.add(each["kind"])
        except kubernetes_validate.ValidationError as error:
            where = ".".join(map(str, error.path))
            wrong.append(f"{each['kind']} {each['metadata']['name']} {where}: {error.message}")
    return wrong, unknown


@overlays
@pytest.mark.parametrize("version", VERSIONS)
def test_built_in_kinds_have_no_field_that_an_api_server_does_not_know(
    overlay: str, version: str
) -> None:
    """kubectl apply would stop half-way at the first one."""
    wrong, unknown = refused(rendered(overlay), version)

    assert [] == wrong
    assert unknown <= STRIMZI | CLOUDCOIL | NOT_CHECKED


def test_every_custom_kind_is_checked_or_listed_as_not_checked() -> None:
    """A new kind is looked at by somebody; a listed one is really there."""
    found = set()
    for overlay in OVERLAYS:
        found |= refused(rendered(overlay), VERSIONS[0])[1]

    assert STRIMZI | CLOUDCOIL | NOT_CHECKED == found


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("spec", "template", "spec", "containers", 0, "readinesProbe"), {}),
        (("spec", "replicas"), "three"),
        (("spec", "template", "spec", "securityContext", "runAsNonRooot"), True),
    ],
    ids=["a misspelt probe", "a word for a number", "a misspelt guard"],
)
def test_a_misspelt_field_is_refused(path: tuple[str | int, ...], value: object) -> None:
    """The check above can fail."""
    resource = copy.deepcopy(named(rendered("production"), "Deployment", "intake"))
    place: Any = resource
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value

    assert 1 == len(refused([resource], VERSIONS[0])[0])


def test_strimzis_own_types_take_its_resources() -> None:
    """Topics, users and brokers are made by an operator that skips what it does not know."""
    resources = [each for name in OVERLAYS for each in of_kind(rendered(name), *STRIMZI)]
    broken = copy.deepcopy(named(resources[-20:], "KafkaUser", "aduan-sla"))
    broken["spec"]["authorisation"] = {}
    broken["spec"]["authorization"]["acls"][0]["operations"] = ["Raed"]
    *sound, said = told_by_strimzi([*resources, broken])

    assert [[]] * len(resources) == sound
    assert 2 == len(said)


def test_the_types_of_keda_prometheus_and_cert_manager_take_their_resources() -> None:
    """The same for whoever scales, scrapes and certifies."""
    resources = of_kind(rendered("production"), *CLOUDCOIL)
    broken = copy.deepcopy(named(resources, "ScaledObject", "sla"))
    broken["spec"]["maxReplicasCount"] = broken["spec"].pop("maxReplicaCount")
    wrong_type = copy.deepcopy(named(resources, "ServiceMonitor", "sla"))
    wrong_type["spec"]["endpoints"] = {"port": "http"}
    *sound, unknown, mistyped = told_by_cloudcoil([*resources, broken, wrong_type])

    assert [[]] * len(resources) == sound
    assert ["spec.maxReplicasCount: unknown"] == unknown
    assert 1 == len(mistyped)


# ---- what every pod of ours has, whoever adds it ---------------------------------------------------


@overlays
def test_every_pod_is_restricted_and_bounded(overlay: str) -> None:
    """No way to more rights, and no way to take the node's memory."""
    workloads = of_kind(rendered(overlay), "Deployment", "Job")

    assert workloads
    assert {each["metadata"]["name"]: [] for each in workloads} == {
        each["metadata"]["name"]: open_doors(each) for each in workloads
    }


def test_a_privileged_container_without_limits_is_noticed() -> None:
    """The check above can fail."""
    workload = copy.deepcopy(named(rendered("production"), "Deployment", "intake"))
    containers_of(workload)[0]["securityContext"] = {"privileged": True}
    del containers_of(workload)[0]["resources"]
    del pod_of(workload)["spec"]["automountServiceAccountToken"]

    assert 7 == len(open_doors(workload))


@overlays
def test_no_workload_is_anything_but_a_deployment_or_a_job(overlay: str) -> None:
    """Another kind would be looked at by none of these tests."""
    others = {"CronJob", "DaemonSet", "Pod", "ReplicaSet", "StatefulSet"}

    assert [] == of_kind(rendered(overlay), *others)


@overlays
def test_every_deployment_is_asked_whether_it_starts_lives_and_can_work(overlay: str) -> None:
    """Without a start of its own a slow one would be killed before it lives."""
    for each in of_kind(rendered(overlay), "Deployment"):
        for container in containers_of(each):
            assert {"startupProbe", "livenessProbe", "readinessProbe"} <= container.keys()
        if each["metadata"]["labels"]["app.kubernetes.io/component"] != "simulator":
            (container,) = containers_of(each)
            assert "/health/live" == container["startupProbe"]["httpGet"]["path"]
            assert "/health/live" == container["livenessProbe"]["httpGet"]["path"]
            assert "/health/ready" == container["readinessProbe"]["httpGet"]["path"]


@overlays
def test_a_rolling_update_takes_nobody_away_before_another_is_ready_and_lets_each_finish(
    overlay: str,
) -> None:
    """Killed earlier than its drain, a replica leaves what it had in hand to be found again."""
    for each in of_kind(rendered(overlay), "Deployment"):
        spec = pod_of(each)["spec"]
        (container,) = spec["containers"]
        pause = container["lifecycle"]["preStop"]["sleep"]["seconds"]

        assert {"maxUnavailable": 0, "maxSurge": 1} == each["spec"]["strategy"]["rollingUpdate"]
        assert each["spec"]["minReadySeconds"] > 0
        assert spec["terminationGracePeriodSeconds"] >= pause + DRAIN_SECONDS + SLACK_SECONDS


@overlays
def test_every_deployment_of_ours_spreads_and_survives_the_work_on_nodes(overlay: str) -> None:
    """One budget for each, which takes its pods alone; simulators protect nobody."""
    resources = rendered(overlay)
    for each in of_kind(resources, "Deployment"):
        labels = pod_of(each)["metadata"]["labels"]
        spread = pod_of(each)["spec"]["topologySpreadConstraints"]
        budgets = [
            budget
            for budget in of_kind(resources, "PodDisruptionBudget")
            if matches(budget["spec"]["selector"], labels)
        ]

        assert {"topology.kubernetes.io/zone", "kubernetes.io/hostname"} == {
            one["topologyKey"] for one in spread
        }
        if labels["app.kubernetes.io/component"] != "simulator":
            assert [each["metadata"]["name"]] == [one["metadata"]["name"] for one in budgets]


def one_to_a_node(pod: Resource, labels: Mapping[str, str]) -> bool:
    """Whether the scheduler puts no pod onto a node that has more of them than another node."""
    return any(
        one["topologyKey"] == "kubernetes.io/hostname"
        and one["whenUnsatisfiable"] == "DoNotSchedule"
        and one["maxSkew"] == 1
        and one["labelSelector"] == {"matchLabels": labels}
        for one in pod.get("topologySpreadConstraints", ())
    )


@overlays
def test_a_node_never_takes_two_brokers_two_controllers_or_two_members_with_it(
    overlay: str,
) -> None:
    """The loss of one node is survived; two of three are a majority."""
    resources = rendered(overlay)
    (database,) = of_kind(resources, "MongoDBCommunity")
    member = database["spec"]["statefulSet"]["spec"]["template"]["spec"]

    assert one_to_a_node(member, {"app": "aduan-mongodb-svc"})
    for pool in of_kind(resources, "KafkaNodePool"):
        labels = {"strimzi.io/cluster": "aduan", "strimzi.io/pool-name": pool["metadata"]["name"]}
        assert one_to_a_node(pool["spec"]["template"]["pod"], labels)


@overlays
def test_brokers_run_without_rights(overlay: str) -> None:
    """As the namespace demands of every pod; the pool is what Strimzi makes them from."""
    resources = rendered(overlay)
    for pool in of_kind(resources, "KafkaNodePool"):
        template = pool["spec"]["template"]

        assert template["pod"]["securityContext"]["runAsNonRoot"] is True
        assert ["ALL"] == template["kafkaContainer"]["securityContext"]["capabilities"]["drop"]
    assert "template" not in named(resources, "Kafka", "aduan")["spec"]["kafka"]


@overlays
def test_emptied_nodes_leave_a_majority_of_the_database(overlay: str) -> None:
    """Strimzi makes a budget for its own pods, the database's operator none."""
    member = {"app": "aduan-mongodb-svc"}
    (budget,) = (
        each["spec"]
        for each in of_kind(rendered(overlay), "PodDisruptionBudget")
        if matches(each["spec"]["selector"], member)
    )

    assert 1 == budget["maxUnavailable"]


@overlays
def test_every_account_is_without_a_token(overlay: str) -> None:
    """Nothing of ours talks to the API server; who stole a pod could not either."""
    accounts = of_kind(rendered(overlay), "ServiceAccount")

    assert accounts
    assert all(each["automountServiceAccountToken"] is False for each in accounts)


@overlays
def test_every_image_is_of_this_release(overlay: str) -> None:
    """`latest`, or no tag, is another image tomorrow."""
    text = (ROOT / "libs" / "aduan" / "pyproject.toml").read_text("utf-8")
    version = re.search(r'^version = "(.+)"$', text, re.MULTILINE)
    assert version is not None
    images = {
        container["image"]
        for each in of_kind(rendered(overlay), "Deployment", "Job")
        for container in containers_of(each)
    }

    assert images
    for image in images:
        assert re.fullmatch(rf"aduan/[a-z-]+:{re.escape(version[1])}", image)


@overlays
def test_the_namespace_takes_only_restricted_pods(overlay: str) -> None:
    """The API server refuses what these tests do not see: pods that operators make."""
    labels = named(rendered(overlay), "Namespace", "aduan")["metadata"]["labels"]

    assert "restricted" == labels["pod-security.kubernetes.io/enforce"]


@overlays
def test_everything_stands_in_the_one_namespace(overlay: str) -> None:
    """Names such as aduan-kafka-bootstrap.aduan.svc hold there alone."""
    assert {"aduan"} == {
        each["metadata"].get("namespace", each["metadata"]["name"]) for each in rendered(overlay)
    }


# ---- jobs, autoscalers, monitors -------------------------------------------------------------------


@overlays
def test_the_jobs_run_commands_that_exist(overlay: str) -> None:
    """`aduan topics apply --require-acls` and `aduan migrate`, as the command line knows them."""
    group: Any = get_command(app)
    jobs = {each["metadata"]["name"]: containers_of(each)[0]["args"] for each in of_kind(rendered(overlay), "Job")}  # fmt: skip

    assert {"topics": ["topics", "apply", "--require-acls"], "migrate": ["migrate"]} == jobs
    command = group.commands["topics"].commands["apply"]
    (canary,) = containers_of(named(rendered(overlay), "Deployment", "canary"))
    assert canary["args"][0] in group.commands
    flags = {flag for option in group.commands["canary"].params for flag in option.opts}
    assert {each.split("=")[0] for each in canary["args"][1:]} <= flags
    assert set(SERVICES) == {
        each.split("=")[1] for each in canary["args"] if each.startswith("--to=")
    }
    assert "--require-acls" in {flag for option in command.params for flag in option.opts}
    assert "migrate" in group.commands


def test_no_deployment_has_two_autoscalers_and_none_more_replicas_than_partitions() -> None:
    """Two would pull at one number; a member without a partition does nothing."""
    resources = rendered("production")
    by_target: dict[str, list[Resource]] = {}
    for each in of_kind(resources, "HorizontalPodAutoscaler", "ScaledObject"):
        by_target.setdefault(each["spec"]["scaleTargetRef"]["name"], []).append(each)
    services = {
        each["metadata"]["name"]
        for each in of_kind(resources, "Deployment")
        if each["metadata"]["labels"]["app.kubernetes.io/component"] == "service"
    }

    assert services == by_target.keys()
    for target, scalers in by_target.items():
        (scaler,) = scalers
        spec = scaler["spec"]
        # a number of its own would be set back at each apply
        assert "replicas" not in named(resources, "Deployment", target)["spec"]
        assert 2 <= spec.get("minReplicas", spec.get("minReplicaCount"))
        assert 24 == spec.get("maxReplicas", spec.get("maxReplicaCount"))


def test_prometheus_finds_the_metrics_of_every_deployment() -> None:
    """A part that nobody scrapes is silent when it breaks."""
    resources = rendered("production")
    for each in of_kind(resources, "Deployment"):
        name = each["metadata"]["name"]
        (monitor,) = (
            one
            for one in of_kind(resources, "ServiceMonitor")
            if matches(one["spec"]["selector"], named(resources, "Service", name)["metadata"]["labels"])
        )  # fmt: skip
        (endpoint,) = monitor["spec"]["endpoints"]
        service = named(resources, "Service", name)["spec"]

        assert "/metrics" == endpoint["path"]
        assert {"job": JOB, "component": name} == {
            one["targetLabel"]: one["replacement"] for one in endpoint["relabelings"]
        }
        assert matches({"matchLabels": service["selector"]}, pod_of(each)["metadata"]["labels"])
        assert endpoint["port"] in {port["name"] for port in service["ports"]}


def test_alerts_ask_for_the_job_by_the_name_that_the_monitors_give() -> None:
    """A process that is gone would not be missed under another name."""
    configured = yaml.safe_load((OBSERVABILITY / "prometheus.yml").read_text("utf-8"))

    assert JOB in {each["job_name"] for each in configured["scrape_configs"]}


def test_the_alerts_of_a_cluster_are_those_of_the_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each group as its file has it; a file that was changed by hand is noticed."""
    module: Any = tool("prometheus_rule")
    groups = named(rendered("production"), "PrometheusRule", "aduan")["spec"]["groups"]
    files = sorted((OBSERVABILITY / "alerts").glob("*.yml"))

    assert [one for path in files for one in yaml.safe_load(path.read_text("utf-8"))["groups"]] == groups  # fmt: skip
    assert 0 == module.main(["--check"])
    changed = tmp_path / "rules.yaml"
    changed.write_text(module.FILE.read_text("utf-8").replace("5m", "6m"), "utf-8")
    monkeypatch.setattr(module, "FILE", changed)
    assert 1 == module.main(["--check"])


def test_the_dashboards_of_a_cluster_are_those_of_the_repository() -> None:
    """Each file, byte for byte, where Grafana's side-car looks, and none is forgotten."""
    folder = OBSERVABILITY / "grafana" / "dashboards"
    found: dict[str, str] = {}
    for each in of_kind(rendered("production"), "ConfigMap"):
        if each["metadata"].get("labels", {}).get("grafana_dashboard") == "1":
            found |= each["data"]

    assert {path.name: path.read_text("utf-8") for path in folder.glob("*.json")} == found


def test_the_guide_names_what_no_test_checks() -> None:
    """Whoever applies the manifests knows which fields a cluster sees first."""
    text = (ROOT / "deploy" / "k8s" / "README.md").read_text("utf-8")

    for kind in NOT_CHECKED:
        assert f"`{kind}`" in text
    assert names(rendered("production"), "Namespace") == {"aduan"}
