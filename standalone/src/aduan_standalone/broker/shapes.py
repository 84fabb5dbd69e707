"""Topics, access lists and what a cluster has of them, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

ResourceKind = Literal["topic", "group", "other"]
RETENTION: Final = "retention.ms"


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic. settings: only those that were set on the topic itself, as the broker writes them.

    keeps: how many ms it keeps records in effect, also where the cluster's default says so.
    """

    name: str
    partitions: int
    replication: int
    settings: Mapping[str, str]
    keeps: str | None = None


@dataclass(frozen=True, order=True, slots=True)
class Access:
    """One line of an access list, in the broker's own words."""

    principal: str
    operation: str
    kind: ResourceKind
    name: str
    pattern: str = "LITERAL"
    permission: str = "ALLOW"
    host: str = "*"

    def covers(self, kind: ResourceKind, name: str) -> bool:
        """Whether this line speaks about a resource."""
        if self.kind != kind:
            return False
        if self.pattern == "PREFIXED":
            return name.startswith(self.name)
        return self.name in {name, "*"}

    def __str__(self) -> str:
        """As a person reads it."""
        words = f"{self.principal} {self.operation} {self.kind} {self.name}"
        odd = [word for word in (self.pattern, self.permission) if word not in {"LITERAL", "ALLOW"}]
        host = [] if self.host == "*" else [f"from {self.host}"]
        return " ".join([words, *(word.lower() for word in odd), *host])


@dataclass(frozen=True, slots=True)
class Found:
    """What a cluster has. access: None where no authorizer runs, so that everybody may do all."""

    cluster: str
    brokers: int
    topics: Mapping[str, Topic]
    access: frozenset[Access] | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a cluster should have.

    principals: whose rights these are; a further right of theirs is worth a remark.
    """

    topics: tuple[Topic, ...]
    access: frozenset[Access]
    principals: frozenset[str]
