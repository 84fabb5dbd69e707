"""`aduan env`: fresh secrets once, and never another value for one that is there."""

import base64
import json
import stat
from pathlib import Path
from typing import Any, Final

import pytest

from aduan.web.keys import SCOPES, hash_of
from aduan_standalone.cli.main import main
from aduan_standalone.deployment import RECORDS, TOKENS, values_in

ROOT: Final = Path(__file__).resolve().parents[3]
EXAMPLE: Final = ROOT / ".env.example"


def make(tmp_path: Path, *options: str, example: Path = EXAMPLE) -> dict[str, str]:
    """Run the command and return what the file has then."""
    file = tmp_path / ".env"
    with pytest.raises(SystemExit) as end:
        main(["env", "--example", str(example), "--output", str(file), *options])
    assert end.value.code == 0
    return values_in(file.read_text("utf-8"))


def refused(tmp_path: Path, *options: str, example: Path = EXAMPLE) -> None:
    """Run the command, which must refuse."""
    with pytest.raises(SystemExit) as end:
        main(["env", "--example", str(example), "--output", str(tmp_path / ".env"), *options])
    assert end.value.code == 2


def test_no_variable_is_left_empty_and_nobody_else_may_read_it(tmp_path: Path) -> None:
    """What the example leaves empty is a secret, and each has one of its own."""
    values = make(tmp_path)
    empty = [name for name, value in values_in(EXAMPLE.read_text("utf-8")).items() if not value]
    secrets = [values[name] for name in empty if name not in RECORDS]

    assert empty
    assert all(values[name] for name in empty)
    assert len(secrets) == len(set(secrets))
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600
    assert {32} == {
        len(base64.b64decode(values[name], validate=True))
        for name in empty
        if name.endswith(("VAULT_KEY", "SEAL_KEY", "COOKIE_KEY"))
    }


def test_two_files_have_no_secret_in_common(tmp_path: Path) -> None:
    """Nothing is derived from a name, a date or a default."""
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    one, two = make(tmp_path / "one"), make(tmp_path / "two")
    given = values_in(EXAMPLE.read_text("utf-8"))

    assert [] == [name for name, value in given.items() if not value and one[name] == two[name]]


def test_whoever_is_shown_a_token_knows_its_hash_and_its_scopes(tmp_path: Path) -> None:
    """Services let each other in with what is in the file, each for one purpose alone."""
    values = make(tmp_path)
    records: list[dict[str, Any]] = json.loads(values["ADUAN_INTAKE_STATIC_KEYS"])
    by_hash = {record["hash"]: record for record in records}
    shared: list[dict[str, Any]] = json.loads(values["STATIC_KEYS"])
    by_hash |= {record["hash"]: record for record in shared}
    found = {name: by_hash[hash_of(values[name].split("_", 2)[2])] for name in TOKENS}

    assert {record["key_id"] for record in records} == {
        values[name].split("_")[1] for name in TOKENS if name != "ADUAN_CANARY_READ_KEY"
    }
    assert {name for name, one in found.items() if one["tenant"] == "00.00"} == {
        "ADUAN_CANARY_PORTAL_KEY",
        "ADUAN_CANARY_READ_KEY",
    }
    assert found["ADUAN_NOTIFY_INTAKE_TOKEN"]["scopes"] == ["contacts:resolve"]
    assert found["ADUAN_SYNC_LAPORGUB_INTAKE_PORTAL_KEY"]["portal"] == "laporgub"
    assert set(found["ADUAN_TOKEN"]["scopes"]) == SCOPES
    assert shared == [found["ADUAN_TOKEN"], found["ADUAN_CANARY_READ_KEY"]]


def test_a_second_run_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A vault key that was replaced by the way would lose every identity."""
    first = make(tmp_path)
    text = (tmp_path / ".env").read_bytes()
    capsys.readouterr()

    assert make(tmp_path) == first
    assert (tmp_path / ".env").read_bytes() == text
    assert "no change" in capsys.readouterr().out


def test_a_file_of_an_older_release_gets_what_it_lacks_and_keeps_the_rest(tmp_path: Path) -> None:
    """Also what the operator wrote beside it, and a value that was emptied on purpose."""
    before = make(tmp_path)
    file = tmp_path / ".env"
    lines = [
        line
        for line in file.read_text("utf-8").splitlines()
        if not line.startswith("GRAFANA_ADMIN_PASSWORD")
    ]
    mine = ["# mine", "MINE=1", "ADUAN_SYNC_LAPORGUB_SP4N_TOKEN="]
    kept = [line for line in lines if not line.startswith("ADUAN_SYNC_LAPORGUB_SP4N_TOKEN")]
    file.write_text("\n".join([*kept, *mine]) + "\n", "utf-8")
    after = make(tmp_path)

    assert after["GRAFANA_ADMIN_PASSWORD"]
    assert after["ADUAN_SYNC_LAPORGUB_SP4N_TOKEN"] == ""
    assert after["MINE"] == "1"
    assert "# mine" in file.read_text("utf-8")
    assert before["ADUAN_INTAKE_VAULT_KEY"] == after["ADUAN_INTAKE_VAULT_KEY"]


TRIAL: Final = (
    "ADUAN_NOTIFY_OUTBOX_OPEN",
    "ADUAN_SYNC_LAPORGUB_LAPORGUB_URL",
    "ADUAN_SYNC_LAPORGUB_SP4N_URL",
    "SECURE_COOKIES",
)


def without(file: Path, *names: str) -> None:
    """Take lines out of a file, as an operator does."""
    lines = file.read_text("utf-8").splitlines()
    kept = [line for line in lines if line.partition("=")[0] not in names]
    file.write_text("\n".join(kept) + "\n", "utf-8")


@pytest.mark.parametrize("also", [(), ("GRAFANA_ADMIN_PASSWORD",)], ids=["alone", "with a secret"])
def test_a_line_that_was_taken_out_does_not_come_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], also: tuple[str, ...]
) -> None:
    """What suits a trial would open the outbox of a city to everybody; it is named, never written."""
    make(tmp_path)
    without(tmp_path / ".env", *TRIAL, *also)
    capsys.readouterr()
    after = make(tmp_path)
    said = capsys.readouterr().out

    assert [] == [name for name in TRIAL if name in after]
    assert all(after[name] for name in also)
    assert all(f"{name} is not set and was not added" in said for name in TRIAL)
    assert f"{EXAMPLE} has true" in said


def tenants(records: str) -> set[str]:
    """Return whose keys there are."""
    return {record["tenant"] for record in json.loads(records)}


def test_another_city_gets_keys_of_its_own_and_is_served(tmp_path: Path) -> None:
    """Keys of 33.74 would find no case of it: nobody there would be written to."""
    values = make(tmp_path, "--tenant", "32.73")
    kept = ("MONGO_SLA_PASSWORD", "STATIC_KEYS", "ADUAN_INTAKE_STATIC_KEYS")
    without(tmp_path / ".env", *kept)
    later = make(tmp_path)

    assert ["32.73", "00.00"] == json.loads(values["TENANTS"])
    assert ["32.73"] == json.loads(values["COUNTED_TENANTS"])
    for name in RECORDS:
        assert {"32.73", "00.00"} == tenants(values[name]) == tenants(later[name])
        assert values[name] == later[name]


def test_keys_of_a_tenant_that_is_not_served_are_refused_until_their_records_are_made_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever changes TENANTS after the first start is told, before a citizen is not."""
    before = make(tmp_path)
    file = tmp_path / ".env"
    text = file.read_text("utf-8")
    file.write_text(text.replace(before["TENANTS"], '["32.73", "00.00"]'), "utf-8")
    capsys.readouterr()

    refused(tmp_path)
    assert "STATIC_KEYS has keys of 33.74, which TENANTS does not have" in capsys.readouterr().err
    refused(tmp_path, "--tenant", "33.74")
    assert "TENANTS does not have 33.74" in capsys.readouterr().err

    without(file, *RECORDS)
    after = make(tmp_path)
    assert {"32.73", "00.00"} == tenants(after["ADUAN_INTAKE_STATIC_KEYS"])
    assert before["ADUAN_TOKEN"] == after["ADUAN_TOKEN"]


@pytest.mark.parametrize("wrong", ["33.74", "{}", "[33]"])
def test_tenants_that_are_no_list_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], wrong: str
) -> None:
    """The services would not start with them."""
    before = make(tmp_path)
    file = tmp_path / ".env"
    text = file.read_text("utf-8")
    file.write_text(text.replace(f"\nTENANTS={before['TENANTS']}", f"\nTENANTS={wrong}"), "utf-8")
    refused(tmp_path)

    assert "TENANTS is no JSON list of codes" in capsys.readouterr().err


def test_a_token_that_its_record_does_not_know_is_refused_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A replaced token with the old record would be let in nowhere, and nobody would see why."""
    make(tmp_path)
    file = tmp_path / ".env"
    lines = file.read_text("utf-8").splitlines()
    kept = [line for line in lines if not line.startswith("ADUAN_NOTIFY_INTAKE_TOKEN")]
    file.write_text("\n".join(kept) + "\n", "utf-8")
    capsys.readouterr()
    refused(tmp_path)

    said = capsys.readouterr().err
    assert "ADUAN_INTAKE_STATIC_KEYS does not know ADUAN_NOTIFY_INTAKE_TOKEN" in said


def test_an_empty_variable_that_nobody_knows_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Else a new secret would start out empty."""
    example = tmp_path / "example"
    example.write_text("ADUAN_SOMETHING_NEW=\n", "utf-8")
    refused(tmp_path, example=example)

    assert "ADUAN_SOMETHING_NEW" in capsys.readouterr().err
    assert not (tmp_path / ".env").exists()
