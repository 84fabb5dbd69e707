"""Reads the partners' vocabularies and the tenants' jurisdiction from the folder `reference/`."""

import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Any

from aduan_sync_laporgub.domain.partners import Partners
from aduan_sync_laporgub.domain.systems import SYSTEMS, MirrorSystem
from aduan_sync_laporgub.domain.words import Words, WordsUnreadable, read_words


def load_partners(
    reference: Path, tenants: Collection[str], connected: tuple[MirrorSystem, ...]
) -> Partners:
    """Return the connected partners and each tenant's target.

    Raises WordsUnreadable, one sentence that names the file.
    """
    words: dict[MirrorSystem, Words] = {}
    for system in connected:
        path = reference / "partners" / f"{system}.toml"
        words[system] = read_words(_toml(path), source=path.name)
    targets: dict[str, MirrorSystem] = {}
    for tenant in tenants:
        path = reference / "tenants" / tenant / "tenant.toml"
        named = _toml(path).get("partner")
        target = next((system for system in SYSTEMS if system == named), None)
        if named is not None and target is None:
            raise WordsUnreadable(f"{tenant}/tenant.toml: partner: unknown system")
        if target is not None:
            targets[tenant] = target
    return Partners(words=words, targets=targets)


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise WordsUnreadable(f"{path.parent.name}/{path.name}: not found") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise WordsUnreadable(
            f"{path.parent.name}/{path.name}: not readable ({type(error).__name__})"
        ) from None
