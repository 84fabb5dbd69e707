"""Writes the topics and users of deploy/k8s for Strimzi, from the table of topics and nothing else.

    strimzi.py           writes
    strimzi.py --check   ends with 1 and the names when a file is not what the table says

The rights are those of `aduan topics apply`, so that what Strimzi makes and what that command finds
agree. Two things are added, because Strimzi's User Operator removes every right that no resource of
its own names: routing may write the topics of connected units, which `aduan opd connect` makes one by
one elsewhere; and KEDA may look how far behind each group is.
"""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from aduan.contracts.topics import TOPICS
from aduan.messaging.dead_letters import group_of
from aduan_standalone.broker.difference import UNITS
from aduan_standalone.broker.shapes import Access, Found, Topic
from aduan_standalone.broker.wanted import COPIES, PRINCIPALS, wanted

FOLDER: Final = Path(__file__).resolve().parent.parent / "deploy" / "k8s"
TOPICS_FILE: Final = FOLDER / "base" / "kafka" / "topics.yaml"
USERS_FILE: Final = FOLDER / "base" / "kafka" / "users.yaml"
KEDA_FILE: Final = FOLDER / "components" / "autoscaling" / "kafka-user.yaml"
HEAD: Final = (
    "# Written by tools/strimzi.py from the table of topics. Change the table, then run it.\n"
)
API: Final = "kafka.strimzi.io/v1"
CLUSTER: Final = {"strimzi.io/cluster": "aduan"}
KEDA: Final = "User:aduan-keda"
PREFIX: Final = {"patternType": "prefix"}
NEW: Final = Found(cluster="new", brokers=COPIES, topics={}, access=frozenset())


def topics() -> list[dict[str, Any]]:
    """Return a KafkaTopic for every topic that a cluster of three brokers should have."""
    return [_topic(topic) for topic in wanted(NEW, replication=None).topics]


def users() -> list[dict[str, Any]]:
    """Return a KafkaUser for every principal of the table, with its rights."""
    want = wanted(NEW, replication=None)
    units = PRINCIPALS.format(service="routing")
    lines = {
        *want.access,
        *(Access(units, what, "topic", UNITS, "PREFIXED") for what in ("WRITE", "DESCRIBE")),
    }
    return [
        _user(who, (line for line in lines if line.principal == who))
        for who in sorted(want.principals)
    ]


def keda() -> list[dict[str, Any]]:
    """Return the KafkaUser that may see, for each consumer, its group and its topics."""
    consumers = sorted({name for topic in TOPICS for name in topic.consumers})
    groups = [Access(KEDA, "DESCRIBE", "group", group_of(name)) for name in consumers]
    read = [Access(KEDA, "DESCRIBE", "topic", topic.name) for topic in TOPICS if topic.consumers]
    return [_user(KEDA, [*groups, *read])]


def _topic(topic: Topic) -> dict[str, Any]:
    return {
        "apiVersion": API,
        "kind": "KafkaTopic",
        "metadata": {"name": topic.name, "labels": dict(CLUSTER)},
        "spec": {
            "partitions": topic.partitions,
            "replicas": topic.replication,
            "config": dict(topic.settings),
        },
    }


def _user(principal: str, lines: Iterable[Access]) -> dict[str, Any]:
    rights: dict[tuple[str, str, str], list[str]] = {}
    for line in sorted(lines):
        rights.setdefault((line.kind, line.name, line.pattern), []).append(line.operation)
    return {
        "apiVersion": API,
        "kind": "KafkaUser",
        "metadata": {"name": principal.removeprefix("User:"), "labels": dict(CLUSTER)},
        "spec": {
            "authentication": {"type": "scram-sha-512"},
            "authorization": {
                "type": "simple",
                "acls": [
                    {
                        "resource": {
                            "type": kind,
                            "name": name,
                            # literal is the default
                            **(PREFIX if pattern == "PREFIXED" else {}),
                        },
                        "operations": [what.capitalize() for what in operations],
                    }
                    for (kind, name, pattern), operations in sorted(rights.items())
                ],
            },
        },
    }


def files() -> Mapping[Path, str]:
    """Return what each file should hold."""
    return {
        path: HEAD + yaml.safe_dump_all(documents, sort_keys=False)
        for path, documents in (
            (TOPICS_FILE, topics()), (USERS_FILE, users()), (KEDA_FILE, keda()),
        )
    }  # fmt: skip


def main(arguments: list[str]) -> int:
    """Write the files, or with --check say which are not current."""
    check = arguments == ["--check"]
    stale = [
        path
        for path, text in files().items()
        if not path.exists() or path.read_text("utf-8") != text
    ]
    for path in stale:
        if check:
            sys.stderr.write(
                f"{path.relative_to(FOLDER)} is not what the table of topics says: tools/strimzi.py\n"
            )
        else:
            path.write_text(files()[path], "utf-8")
    return 1 if check and stale else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
