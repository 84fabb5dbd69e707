"""The words of a case: in clear while it is open to the public, sealed while it is confidential.

Each piece has a reference: `report`, `reply-<id>`, `entry-<n>-answer` ... A change of the flag moves
all of them, so no text stays behind in clear.
"""

from collections.abc import Mapping
from typing import Any, Final, Protocol

from aduan.privacy.seal import CannotOpen
from aduan.storage.port import Body

REASONS: Final = "reasons"
"""Why the rules decided as they did: a JSON list, in the order of the decision's codes."""


class Vault(Protocol):
    """What seals and opens a text about one place (aduan.privacy.seal.Sealer)."""

    def seal_text(self, plain: str, about: str) -> str:
        """Return a sealed text."""
        ...

    def open_text(self, sealed: str, about: str) -> str:
        """Undo seal_text. Raises CannotOpen."""
        ...


def about(case_id: str, ref: str) -> str:
    """Return what a sealed text is bound to."""
    return f"routing:{case_id}:{ref}"


def keep(body: Body, ref: str, text: str, vault: Vault) -> dict[str, Any]:
    """Return the body with a text under `ref`, sealed when the case is confidential."""
    if body["confidential"]:
        sealed = vault.seal_text(text, about(body["id"], ref))
        return {**body, "sealed": {**body["sealed"], ref: sealed}}
    return {**body, "words": {**body["words"], ref: text}}


def read(body: Body, vault: Vault) -> Mapping[str, str]:
    """Return every text of the case by its reference. Raises CannotOpen."""
    opened = {
        ref: vault.open_text(sealed, about(body["id"], ref))
        for ref, sealed in body["sealed"].items()
    }
    return {**body["words"], **opened}


def settled(body: Body, vault: Vault) -> dict[str, Any]:
    """Return the body with all its texts where its flag wants them: clear or sealed."""
    if body["confidential"] and body["words"]:
        sealed = {
            ref: vault.seal_text(text, about(body["id"], ref))
            for ref, text in body["words"].items()
        }
        return {**body, "words": {}, "sealed": {**body["sealed"], **sealed}}
    if not body["confidential"] and body["sealed"]:
        return {**body, "words": dict(read(body, vault)), "sealed": {}}
    return dict(body)


__all__ = ["CannotOpen", "Vault", "about", "keep", "read", "settled"]
