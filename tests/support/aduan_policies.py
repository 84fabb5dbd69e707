"""What deploy/k8s lets a pod do: the policies as a network plug-in reads them, and its rights on a node."""

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

from aduan_manifests import Resource, containers_of, matches, of_kind, pod_of

Way = Literal["ingress", "egress"]
Labels = Mapping[str, str]
BROKER: Final = {"strimzi.io/cluster": "aduan", "strimzi.io/name": "aduan-kafka"}
DATABASE: Final = {"app": "aduan-mongodb-svc"}


def rules_for(resources: tuple[Resource, ...], pod: Labels, way: Way) -> Iterator[Any]:
    """Yield the rules of every policy that takes a pod; it must be taken by one, else all is open."""
    taking = [
        each["spec"]
        for each in of_kind(resources, "NetworkPolicy")
        if matches(each["spec"]["podSelector"], pod) and way.capitalize() in each["spec"]["policyTypes"]
    ]  # fmt: skip
    assert taking, "no policy takes the pod, so everything is let through"
    for spec in taking:
        yield from spec.get(way, ())


def lets(rule: Any, way: Way, other: Labels | str | None, port: int | str) -> bool:
    """Whether a rule lets a pod of this namespace, another namespace (`ns:`) or an address through."""
    if "ports" in rule and port not in {each["port"] for each in rule["ports"]}:
        return False
    peers = rule.get("from" if way == "ingress" else "to")
    if peers is None:
        return True
    return any(_is(peer, other) for peer in peers)


def _is(peer: Any, other: Labels | str | None) -> bool:
    if isinstance(other, str) and other.startswith("ns:"):
        names = peer.get("namespaceSelector", {}).get("matchLabels", {})
        return bool(names.get("kubernetes.io/metadata.name") == other.removeprefix("ns:"))
    if isinstance(other, str):
        block = peer.get("ipBlock")
        if block is None:
            return False
        address = ipaddress.ip_address(other)
        return address in ipaddress.ip_network(block["cidr"]) and not any(
            address in ipaddress.ip_network(one) for one in block.get("except", ())
        )
    assert other is not None
    return "podSelector" in peer and "namespaceSelector" not in peer and matches(peer["podSelector"], other)  # fmt: skip


def may(
    resources: tuple[Resource, ...], pod: Labels, way: Way, other: Labels | str, port: int | str
) -> bool:
    """Whether the policies let a pod be called (ingress) or call (egress)."""
    return any(lets(rule, way, other, port) for rule in rules_for(resources, pod, way))


def open_doors(workload: Resource) -> list[str]:
    """Return what a pod may do, or can be hurt by, that it should not."""
    spec = pod_of(workload)["spec"]
    pod = spec.get("securityContext", {})
    wrong = [
        words
        for words, holds in (
            ("gets a token of the API server", spec.get("automountServiceAccountToken") is False),
            ("is told of other services as if by settings", spec.get("enableServiceLinks") is False),
            ("may be root", pod.get("runAsNonRoot") is True and pod.get("runAsUser", 0) > 0),
            ("may use any system call", pod.get("seccompProfile") == {"type": "RuntimeDefault"}),
            ("runs under the account of others", spec.get("serviceAccountName") == workload["metadata"]["name"]),
            ("is part of the node", not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()),
            ("mounts the node", not any("hostPath" in each for each in spec.get("volumes", ()))),
        )
        if not holds
    ]  # fmt: skip
    for container in containers_of(workload):
        guard = container.get("securityContext", {})
        resources = container.get("resources", {})
        wrong += [
            words
            for words, holds in (
                ("may gain rights", guard.get("allowPrivilegeEscalation") is False),
                ("is privileged", not guard.get("privileged")),
                ("may write its own files", guard.get("readOnlyRootFilesystem") is True),
                ("keeps capabilities", guard.get("capabilities") == {"drop": ["ALL"]}),
                ("asks for nothing", {"cpu", "memory"} <= resources.get("requests", {}).keys()),
                ("has no limits", {"cpu", "memory"} <= resources.get("limits", {}).keys()),
            )
            if not holds
        ]
    return wrong
