"""Prints fresh Secrets for a trial of deploy/k8s, for kubectl to take; keeps nothing and shows nothing.

    python tools/k8s_secrets.py | kubectl apply -f -

Run it once for a namespace. A second run makes other keys: identities that the first vault key sealed
could never be opened again, so `kubectl create` in place of `apply` refuses it. An installation in
earnest fills the same Secrets from its own vault (deploy/k8s/components/external-secrets).
"""

import argparse
import base64
import secrets
import sys
from collections.abc import Mapping
from typing import Final, cast

import yaml
from pydantic import TypeAdapter

from aduan.web.keys import SCOPES, KeyRecord, Scope, make_key
from aduan_standalone.cli.instance import SERVICES

RECORDS: Final = TypeAdapter(tuple[KeyRecord, ...])
ALL: Final = cast("tuple[Scope, ...]", tuple(sorted(SCOPES)))


def values(tenant: str) -> dict[str, dict[str, str]]:
    """Return the Secrets by name; their keys are those that the manifests refer to.

    The keys between services fit together: who may ask intake has the text, intake has the record.
    """
    operator, operator_record = make_key(tenant=tenant, scopes=ALL)
    contacts, contacts_record = make_key(tenant=tenant, scopes=("contacts:resolve",))
    for_routing, routing_record = make_key(tenant=tenant, scopes=("content:read",))
    for_sync, sync_record = make_key(tenant=tenant, scopes=("content:read",))
    portal, portal_record = make_key(
        tenant=tenant, scopes=("complaints:write",), portal="laporgub"
    )  # fmt: skip
    asked = (contacts_record, routing_record, sync_record, portal_record)
    return {
        "operator": {"token": operator},
        "intake-keys": {
            "vault-key": _key(), "static-keys": _records(operator_record, *asked),
        },
        "routing-keys": {
            "seal-key": _key(), "cookie-key": _key(), "intake-content-key": for_routing,
            "static-keys": _records(operator_record),
        },
        "sla-keys": {"static-keys": _records(operator_record)},
        "sync-laporgub-keys": {
            "seal-key": _key(), "intake-portal-key": portal, "intake-content-key": for_sync,
            "laporgub-token": _word(), "sp4n-bearer": _word(), "sp4n-token": _word(),
            "static-keys": _records(operator_record),
        },
        "notify-keys": {"intake-token": contacts, "static-keys": _records(operator_record)},
        "mongodb-passwords": {name: _word() for name in (*SERVICES, "deployer")},
    }  # fmt: skip


def manifests(namespace: str, found: Mapping[str, Mapping[str, str]]) -> str:
    """Return the Secrets as kubectl takes them."""
    return yaml.safe_dump_all(
        {
            "apiVersion": "v1", "kind": "Secret", "type": "Opaque", "stringData": dict(entries),
            "metadata": {
                "name": name, "namespace": namespace,
                "labels": {"app.kubernetes.io/part-of": "aduan"},
            },
        }
        for name, entries in found.items()
    )  # fmt: skip


def _key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _word() -> str:
    # goes into an address too, so it has no sign that would have to be escaped there
    return secrets.token_hex(24)


def _records(*records: KeyRecord) -> str:
    return RECORDS.dump_json(records).decode()


def main() -> None:
    """Print the Secrets of one namespace."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--namespace", default="aduan")
    parser.add_argument("--tenant", default="33.74", help="whose keys these are")
    asked = parser.parse_args()
    sys.stdout.write(manifests(asked.namespace, values(asked.tenant)))


if __name__ == "__main__":
    main()
