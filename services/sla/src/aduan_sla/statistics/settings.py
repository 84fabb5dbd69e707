"""Everything that the statistics worker reads from outside."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from aduan.settings import ServerSettings


class StatisticsSettings(ServerSettings):
    """Variables are ADUAN_STATISTICS_<FIELD>; the broker is ADUAN_BUS and ADUAN_KAFKA_....

    reference_dir: the folder `reference/`. tenants: whose cases are counted, by Kemendagri code;
    the canary's never are.
    data_dir: a folder of this worker alone; what is in it can be lost, and is rebuilt.
    """

    model_config = SettingsConfigDict(env_prefix="ADUAN_STATISTICS_")

    reference_dir: Path
    data_dir: Path
    tenants: tuple[str, ...] = Field(default=("33.74",), min_length=1)
