"""The gate against breaking changes: what readers of a released schema may rely on.

Allowed within one major version: new optional fields. Everything else needs a new `.vN`: a removed
or renamed field, a new required field, another type, a narrower or wider closed set (a reader's own
closed set would refuse the new value), a tighter limit.
"""

from collections.abc import Mapping
from typing import Any

_LIMITS = ("maxLength", "maximum", "maxItems", "pattern", "format", "minimum", "minLength")


def breaking_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Return what would break readers or writers of `old`, as sentences; empty when nothing would.

    Both are JSON Schemas as pydantic makes them, with local `$defs`.
    """
    return _compare(old, new, old, new, "data", frozenset())


def _compare(
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    old_root: Mapping[str, Any],
    new_root: Mapping[str, Any],
    path: str,
    seen: frozenset[str],
) -> list[str]:
    reference = old.get("$ref", "")
    if reference and reference in seen:
        return []
    seen = seen | {reference} if reference else seen
    old, new = _resolved(old, old_root), _resolved(new, new_root)
    found: list[str] = []
    if old.get("type") != new.get("type"):
        found.append(f"{path}: the type changed")
    if old.get("enum") != new.get("enum") or old.get("const") != new.get("const"):
        found.append(f"{path}: the closed set changed")
    found += [f"{path}: {limit} changed" for limit in _LIMITS if old.get(limit) != new.get(limit)]
    if len(old.get("anyOf", ())) != len(new.get("anyOf", ())):
        found.append(f"{path}: the alternatives changed")
    else:
        for number, pair in enumerate(zip(old.get("anyOf", ()), new.get("anyOf", ()), strict=True)):
            found += _compare(*pair, old_root, new_root, f"{path}|{number}", seen)
    if "items" in old and "items" in new:
        found += _compare(old["items"], new["items"], old_root, new_root, f"{path}[]", seen)
    before, after = old.get("properties", {}), new.get("properties", {})
    found += [f"{path}.{name}: the field is gone" for name in before if name not in after]
    needed = set(new.get("required", ()))
    was_needed = set(old.get("required", ()))
    found += [f"{path}.{name}: became required" for name in sorted(needed - was_needed)]
    found += [
        f"{path}.{name}: is no longer always there"
        for name in sorted(was_needed - needed)
        if name in after
    ]
    for name in before.keys() & after.keys():
        found += _compare(before[name], after[name], old_root, new_root, f"{path}.{name}", seen)
    return sorted(found)


def _resolved(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = schema.get("$ref")
    if reference is None:
        return schema
    found: Mapping[str, Any] = root["$defs"][reference.rsplit("/", 1)[1]]
    return found
