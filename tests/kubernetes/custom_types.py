"""Holds custom resources against the types of cloudcoil; runs in an environment of its own.

Reads a JSON array of resources from stdin, prints a JSON array of what is wrong with each. The types
drop what they do not know, so what does not come out again as it went in is unknown.
"""

import importlib
import json
import sys
from typing import Any, Final

from pydantic import ValidationError

MODULES: Final = {
    "cert-manager.io/v1": "cloudcoil.models.cert_manager.v1",
    "keda.sh/v1alpha1": "cloudcoil.models.keda.v1alpha1",
    "monitoring.coreos.com/v1": "cloudcoil.models.prometheus_operator.v1",
}


def wrong_with(resource: dict[str, Any]) -> list[str]:
    """Return sentences; empty when all is well. KeyError for a kind without a type."""
    module = importlib.import_module(MODULES[resource["apiVersion"]])
    if not hasattr(module, resource["kind"]):
        raise KeyError(resource["kind"])
    try:
        typed = getattr(module, resource["kind"]).model_validate(resource)
    except ValidationError as error:
        return [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
    kept = typed.model_dump(by_alias=True, exclude_unset=True, mode="json")
    return lost(resource["spec"], kept["spec"], "spec")


def lost(given: Any, kept: Any, path: str) -> list[str]:
    """Return the paths of what was given and is not there any more."""
    if isinstance(given, dict):
        kept = kept if isinstance(kept, dict) else {}
        unknown = [f"{path}.{name}: unknown" for name in given if name not in kept]
        return unknown + [
            words
            for name, value in given.items()
            if name in kept
            for words in lost(value, kept[name], f"{path}.{name}")
        ]
    if isinstance(given, list):
        return [
            words
            for index, (one, other) in enumerate(zip(given, kept, strict=True))
            for words in lost(one, other, f"{path}[{index}]")
        ]
    return []


if __name__ == "__main__":
    json.dump([wrong_with(each) for each in json.load(sys.stdin)], sys.stdout)
