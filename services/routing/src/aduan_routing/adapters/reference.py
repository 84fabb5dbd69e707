"""Loads a tenant's rules: its folder of reference data and its windows."""

import tomllib
from datetime import timedelta
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from aduan_routing.classify import BadReference, Classifier, load_tenant
from aduan_routing.domain.rules import Rules, Windows
from aduan_routing.domain.words import Vault

FILE = "lifecycle.toml"


class _Windows(BaseModel):
    model_config = ConfigDict(extra="forbid")

    objection_days: int = Field(ge=1, le=366)
    content_from: int = Field(ge=1, le=5)


def load_rules(folder: Path, tenant: str, vault: Vault) -> Rules:
    """Read `tenants/<tenant>` under the folder `reference/`.

    Raises BadReference with one sentence that names the file and the field.
    """
    place = folder / "tenants" / tenant
    reference = load_tenant(place)
    return Rules(
        reference=reference,
        classifier=Classifier(reference),
        windows=_windows(place / FILE),
        vault=vault,
    )


def _windows(path: Path) -> Windows:
    try:
        found = _Windows.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise BadReference(f"{path}: cannot be read ({error.strerror}).") from error
    except tomllib.TOMLDecodeError as error:
        raise BadReference(f"{FILE}: this is not TOML ({error}).") from error
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise BadReference(f"{FILE}: field '{where}' {error.errors()[0]['msg']}.") from None
    return Windows(timedelta(days=found.objection_days), found.content_from)
