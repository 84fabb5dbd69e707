"""How the case documents are found: by decision, by what is due, by a partner's ticket."""

from typing import Final

from aduan.retention import EXPIRES
from aduan.storage.port import Body, Collection, Columns, Index
from aduan_sync_laporgub.domain.systems import SYSTEMS, MirrorSystem


def due_at(body: Body, system: MirrorSystem) -> str | None:
    """Return when work for a partner is due: its head job or its next pull, the earlier one."""
    head = next((job["next_at"] for job in body["jobs"] if job["system"] == system), None)
    link = body["links"].get(system)
    pull = link["next_pull_at"] if link else None
    times = [at for at in (head, pull) if at is not None]
    return min(times) if times else None


def _columns(body: Body) -> Columns:
    columns: dict[str, str | int | None] = {
        # A trial complaint is answered alike and never counted.
        "decision": None if body["test"] else body["decision"]["kind"],
        "decided_at": body["decision"]["at"],
        "expires_at": body.get("expires_at"),
    }
    for system in SYSTEMS:
        link = body["links"].get(system)
        columns[f"due_{system}"] = due_at(body, system)
        owed = sum(1 for job in body["jobs"] if job["system"] == system)
        columns[f"jobs_{system}"] = owed or None
        columns[f"remote_{system}"] = link["remote_ticket"] if link else None
    return columns


CASES: Final = Collection(
    name="cases",
    indexes=(
        Index("decision", ("tenant", "decision", "decided_at")),
        Index("decided", ("tenant", "decided_at")),
        EXPIRES,
        *(Index(f"due_{system}", ("partition", f"due_{system}")) for system in SYSTEMS),
        *(Index(f"jobs_{system}", ("partition", f"jobs_{system}")) for system in SYSTEMS),
        *(Index(f"remote_{system}", ("tenant", f"remote_{system}")) for system in SYSTEMS),
    ),
    columns=_columns,
)
"""Not unique by remote ticket: two portals may report one ticket of a partner."""
