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
from typing import Final

import yaml
from pydantic import TypeAdapter

from aduan.web.keys import KeyRecord, make_key
from aduan_standalone.cli.instance import SERVICES
from aduan_standalone.deployment import OPERATOR, TOKENS
from aduan_standalone.deployment import RECORDS as KNOWN

RECORDS: Final = TypeAdapter(tuple[KeyRecord, ...])


def values(tenant: str) -> dict[str, dict[str, str]]:
    """Return the Secrets by name; their keys are those that the manifests refer to.

    The keys between services fit together: who may ask intake has the text, intake has the record.
    """
    made = {
        name: make_key(tenant=token.tenant or tenant, scopes=token.scopes, portal=token.portal)
        for name, token in TOKENS.items()
    }
    text = {name: key for name, (key, _) in made.items()}

    def known_to(service: str) -> str:
        asked = KNOWN["ADUAN_INTAKE_STATIC_KEYS" if service == "intake" else "STATIC_KEYS"]
        return RECORDS.dump_json(tuple(made[name][1] for name in asked)).decode()

    return {
        "operator": {"token": text[OPERATOR]},
        "canary-keys": {
            "portal-key": text["ADUAN_CANARY_PORTAL_KEY"],
            "read-key": text["ADUAN_CANARY_READ_KEY"],
        },
        "intake-keys": {"vault-key": _key(), "static-keys": known_to("intake")},
        "routing-keys": {
            "seal-key": _key(), "cookie-key": _key(), "static-keys": known_to("routing"),
            "intake-content-key": text["ADUAN_ROUTING_INTAKE_CONTENT_KEY"],
        },
        "sla-keys": {"static-keys": known_to("sla")},
        "sync-laporgub-keys": {
            "seal-key": _key(), "static-keys": known_to("sync-laporgub"),
            "intake-portal-key": text["ADUAN_SYNC_LAPORGUB_INTAKE_PORTAL_KEY"],
            "intake-content-key": text["ADUAN_SYNC_LAPORGUB_INTAKE_CONTENT_KEY"],
            "laporgub-token": _word(), "sp4n-bearer": _word(), "sp4n-token": _word(),
        },
        "notify-keys": {
            "intake-token": text["ADUAN_NOTIFY_INTAKE_TOKEN"], "static-keys": known_to("notify"),
        },
        "mongodb-passwords": {
            name: _word() for name in (*SERVICES, "deployer", "backup", "restore")
        },
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


def main() -> None:
    """Print the Secrets of one namespace."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--namespace", default="aduan")
    parser.add_argument("--tenant", default="33.74", help="whose keys these are")
    asked = parser.parse_args()
    sys.stdout.write(manifests(asked.namespace, values(asked.tenant)))


if __name__ == "__main__":
    main()
