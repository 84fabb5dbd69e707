"""Everything notify reads from outside. Built once, passed on, never imported."""

from pathlib import Path
from typing import Self

from pydantic import AwareDatetime, Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from aduan.settings import ServiceSettings, Tenants
from aduan.web.keys import KeyRecord


class Settings(ServiceSettings):
    """Variables are ADUAN_NOTIFY_<FIELD>; the engines are ADUAN_STORE and ADUAN_BUS.

    reference_dir: the folder `reference/`. tenants: whose cases are told, by Kemendagri code.
    public_url: where citizens and officers open the pages; stands in letters, without final slash.
    intake_url, intake_token: where contacts are resolved, and this service's own key there.
    smtp_*: the mail provider. smtp_timeout_seconds: for each single answer.
    lease_seconds: after which a letter whose sender vanished is tried again; more than a whole
    call can take. concurrency: letters under way at once. poll_seconds: between two looks.
    give_up_after_hours: of real time since the first try; then the decision is failed(gave_up).
    history_before: what happened earlier is told to nobody (a new or rebuilt group's horizon).
    outbox_open: show the first tenant's outbox page without a key. For the demo alone.
    secure_cookies: off only where pages are served without TLS (a demo on one machine).
    """

    model_config = SettingsConfigDict(env_prefix="ADUAN_NOTIFY_")

    reference_dir: Path
    tenants: Tenants = ("33.74",)
    public_url: str = Field(pattern=r"^https?://[^\s]+[^\s/]$")
    intake_url: str = Field(pattern=r"^https?://[^\s]+[^\s/]$")
    intake_token: SecretStr
    smtp_host: str = Field(min_length=1)
    smtp_port: int = Field(ge=1, le=65_535)
    smtp_tls: bool = False
    smtp_start_tls: bool | None = None
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    smtp_timeout_seconds: float = Field(default=5.0, gt=0, le=120)
    lease_seconds: float = Field(default=30.0, gt=0, le=3_600)
    concurrency: int = Field(default=8, ge=1, le=64)
    poll_seconds: float = Field(default=0.5, ge=0.01, le=60)
    retry_first_seconds: float = Field(default=5.0, gt=0, le=3_600)
    retry_longest_seconds: float = Field(default=1_800.0, gt=0, le=86_400)
    give_up_after_hours: float = Field(default=72.0, gt=0, le=720)
    history_before: AwareDatetime | None = None
    outbox_open: bool = False
    secure_cookies: bool = True
    static_keys: tuple[KeyRecord, ...] = Field(default=(), repr=False)

    @model_validator(mode="after")
    def _lease_outlives_a_call(self) -> Self:
        # envelope, recipients, data: fewer than five answers; else two workers hold one letter
        if self.lease_seconds < 5 * self.smtp_timeout_seconds:
            raise ValueError("lease_seconds must be at least five times smtp_timeout_seconds")
        return self
