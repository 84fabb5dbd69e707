"""`aduan doctor` over the variables of services in processes of their own, without any server."""

import base64
import contextlib
import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import pytest
from aduan_doctor import Said, doctor

from aduan.web.keys import SCOPES, KeyRecord, Scope, make_key
from aduan_standalone.cli.key_command import as_setting
from aduan_standalone.cli.main import main
from aduan_standalone.doctor.environment import FOREIGN

REFERENCE: Final = Path(__file__).parents[2] / "reference"
TENANT: Final = "33.74"
SERVICES: Final = ("INTAKE", "ROUTING", "SLA", "SYNC_LAPORGUB", "NOTIFY")
NOBODY: Final = "127.0.0.1:9"

Look = Callable[..., Said]


def secret() -> str:
    """Return 32 bytes in base64."""
    return base64.b64encode(os.urandom(32)).decode()


def key(scope: Scope, **more: Any) -> tuple[str, KeyRecord]:
    """Return a key of the tenant."""
    return make_key(tenant=TENANT, scopes=(scope,), **more)


def records(*those: KeyRecord) -> str:
    """Return them as a variable holds them."""
    return json.dumps([as_setting(one) for one in those])


class Front:
    """A complete environment of all five services, whose partner and mail server are away."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, intake: str) -> None:
        self.monkeypatch = monkeypatch
        content, content_record = key("content:read")
        contacts, contacts_record = key("contacts:resolve")
        portal, portal_record = key("complaints:write", portal="laporgub")
        _, self.operator = make_key(tenant=TENANT, scopes=tuple(SCOPES))  # type: ignore[arg-type]
        self.intake_records = (self.operator, content_record, contacts_record, portal_record)
        self.secrets = [content, contacts, portal, "hunter2-mail", "hunter2-kafka", "hunter2-mongo"]
        keys = [secret() for _ in range(3)]
        self.secrets += keys
        self.set("BUS", "sqlite:////nowhere/log.db")
        self.set("KAFKA_USERNAME", "deployer")
        self.set("KAFKA_PASSWORD", "hunter2-kafka")
        self.set("STORE", "sqlite:////nowhere/store.db")
        for name in SERVICES:
            self.set(f"{name}_REFERENCE_DIR", str(REFERENCE))
            self.set(f"{name}_STATIC_KEYS", records(self.operator))
        self.set("INTAKE_STATIC_KEYS", records(*self.intake_records))
        self.set("INTAKE_VAULT_KEY", keys[0])
        self.set("ROUTING_SEAL_KEY", keys[1])
        self.set("ROUTING_INTAKE_URL", intake)
        self.set("ROUTING_INTAKE_CONTENT_KEY", content)
        self.set("SYNC_LAPORGUB_SEAL_KEY", keys[2])
        self.set("SYNC_LAPORGUB_INTAKE_URL", intake)
        self.set("SYNC_LAPORGUB_INTAKE_PORTAL_KEY", portal)
        self.set("SYNC_LAPORGUB_INTAKE_CONTENT_KEY", content)
        self.set("SYNC_LAPORGUB_LAPORGUB_URL", f"http://u:hunter2-partner@{NOBODY}")
        self.set("SYNC_LAPORGUB_LAPORGUB_TOKEN", "hunter2-partner-token")
        self.secrets += ["hunter2-partner", "hunter2-partner-token"]
        self.set("NOTIFY_PUBLIC_URL", "https://aduan.example")
        self.set("NOTIFY_INTAKE_URL", intake)
        self.set("NOTIFY_INTAKE_TOKEN", contacts)
        self.set("NOTIFY_SMTP_HOST", "127.0.0.1")
        self.set("NOTIFY_SMTP_PORT", "9")
        self.set("NOTIFY_SMTP_USER", "mailer")
        self.set("NOTIFY_SMTP_PASSWORD", "hunter2-mail")

    def set(self, name: str, value: str | None) -> None:
        """Set a variable, or take it away."""
        if value is None:
            self.monkeypatch.delenv(f"ADUAN_{name}")
        else:
            self.monkeypatch.setenv(f"ADUAN_{name}", value)


class Intake:
    """Answers for intake: ready or not, by its own clock."""

    def __init__(self) -> None:
        self.ahead = timedelta()
        self.checks: dict[str, str] = {}
        self.slow = 0.0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                time.sleep(outer.slow)
                self.send_response_only(503 if outer.checks else 200)
                self.send_header(
                    "Date", format_datetime(datetime.now(UTC) + outer.ahead, usegmt=True)
                )
                with contextlib.suppress(BrokenPipeError):  # who asked has given up
                    self.end_headers()
                    self.wfile.write(json.dumps({"checks": outer.checks}).encode())

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def intake() -> Iterator[Intake]:
    """Run it."""
    made = Intake()
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


@pytest.fixture
def front(intake: Intake, monkeypatch: pytest.MonkeyPatch) -> Front:
    """Return a complete environment."""
    for name in [name for name in os.environ if name.startswith("ADUAN_")]:
        monkeypatch.delenv(name)
    return Front(monkeypatch, intake.url)


@pytest.fixture
def look(front: Front, capsys: pytest.CaptureFixture[str]) -> Look:
    """Look at the environment: no secret may be shown."""

    def run(*arguments: str, table: bool = False) -> Said:
        said = doctor(capsys, "--seconds", "1", *arguments, table=table)
        for one in front.secrets:
            assert one not in said.out + said.err
        assert "hunter2" not in said.out + said.err
        return said

    return run


def test_a_complete_environment_is_well_as_far_as_it_can_be_seen(
    look: Look, intake: Intake, front: Front
) -> None:
    """Settings, keys, reference data and intake; what is away is named, and what hangs on it is not ok."""
    front.set("BUS", f"kafka://{NOBODY}")
    front.set("STORE", f"mongodb://deployer:hunter2-mongo@{NOBODY}/?replicaSet=rs0")
    began = time.monotonic()
    said = look("--to", f"intake={intake.url}", table=True)

    assert time.monotonic() - began < 40, "each look is bounded by a second, and all go at once"

    for one in said.findings:
        if one["check"] in {"settings", "keys", "reference"}:
            assert "ok" == one["severity"], one
    assert "it is ready" == said.worst("connections", "intake at")["what"]
    assert "error" == said.worst("connections", NOBODY)["severity"]
    assert 1 == said.code
    for check in ("topics", "access", "indexes"):
        assert {"not checked"} == {o["severity"] for o in said.findings if o["check"] == check}
    assert "warning" == said.worst("connections", "laporgub at")["severity"]
    assert "warning" == said.worst("connections", "mail server")["severity"]
    assert "not checked: no address: --to sla=URL" in {one["what"] for one in said.findings}


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("INTAKE_VAULT_KEY", None, "ADUAN_INTAKE_VAULT_KEY is missing"),
        ("NOTIFY_SMTP_HOST", None, "ADUAN_NOTIFY_SMTP_HOST is missing"),
        ("ROUTING_SEAL_KEY", "hunter2-short", "ADUAN_ROUTING_SEAL_KEY is not valid"),
        ("SLA_STATIC_KEYS", "hunter2-json", "ADUAN_SLA_STATIC_KEYS is not valid"),
        (
            "SLA_TICK_SECOND",
            "1",
            "ADUAN_SLA_TICK_SECOND is unknown (ADUAN_SLA_TICK_SECONDS is meant?)",
        ),
        ("STORE", None, "ADUAN_STORE is missing"),
    ],
)
def test_a_wrong_variable_is_found_and_its_service_does_not_start(
    name: str, value: str | None, words: str, look: Look, front: Front
) -> None:
    """By its full name, with what is meant, and without its value."""
    front.set(name, value)
    found = [one for one in look().of("error") if one["check"] == "settings"]

    assert any(words in one["what"] for one in found), found


def test_a_service_without_variables_is_not_called_well(look: Look, front: Front) -> None:
    """The deployer's own environment may say nothing about it."""
    for name in [name for name in os.environ if name.startswith("ADUAN_SLA_")]:
        front.monkeypatch.delenv(name)

    assert "not checked" == look().worst("settings", "sla")["severity"]


def test_a_variable_that_nobody_reads_is_found(look: Look, front: Front) -> None:
    """A misspelt service's name, too."""
    front.set("ROUTNG_SEAL_KEY", "x")

    assert "ADUAN_ROUTING_SEAL_KEY" in look().worst("settings", "ADUAN_ROUTNG_SEAL_KEY")["remedy"]


def test_keys_that_expire_are_found_before_and_after(look: Look, front: Front) -> None:
    """With what to do; the record is named by its public part."""
    now = datetime.now(UTC)
    _, gone = key("mirrors:read", expires_at=now - timedelta(days=1))
    _, soon = key("mirrors:read", expires_at=now + timedelta(days=3))
    _, late = key("mirrors:read", expires_at=now + timedelta(days=30))
    front.set("SYNC_LAPORGUB_STATIC_KEYS", records(front.operator, gone, soon, late))
    said = look()

    assert "expired" in said.worst("keys", gone.key_id)["what"]
    assert "expires in 2 days" in said.worst("keys", soon.key_id)["what"]
    assert [] == said.about("keys", late.key_id)
    assert "`aduan key`" in said.worst("keys", gone.key_id)["remedy"]


def test_a_key_of_a_tenant_that_is_not_served_is_broken(look: Look, front: Front) -> None:
    """It opens nothing, and with a service's own key nobody would be written to."""
    _, strange = make_key(tenant="32.73", scopes=("contacts:resolve",))
    _, canary = make_key(tenant="00.00", scopes=("cases:read",))
    front.set("INTAKE_STATIC_KEYS", records(*front.intake_records, strange, canary))
    said = look()

    assert "error" == said.worst("keys", strange.key_id)["severity"]
    assert "32.73" in said.worst("keys", strange.key_id)["what"]
    assert [] == said.about("keys", canary.key_id)


def test_a_token_that_fits_no_record_is_found(look: Look, front: Front) -> None:
    """Each is compared with what intake was given: unknown, other secret, lacking scope."""
    other, _ = key("contacts:resolve")
    front.set("NOTIFY_INTAKE_TOKEN", other)
    assert "no record" in look().worst("keys", "ADUAN_NOTIFY_INTAKE_TOKEN")["what"]

    text, record = key("content:read")
    front.set("INTAKE_STATIC_KEYS", records(*front.intake_records, record))
    front.set("NOTIFY_INTAKE_TOKEN", text)
    assert "lacks the scope contacts:resolve" in look().worst("keys", "NOTIFY_INTAKE_TOKEN")["what"]

    front.set("NOTIFY_INTAKE_TOKEN", "not-a-key")
    assert "no key of the form" in look().worst("keys", "NOTIFY_INTAKE_TOKEN")["what"]


def test_a_clock_that_is_wrong_is_found(look: Look, intake: Intake) -> None:
    """By the date of an answer; a few seconds are an answer's own time."""
    intake.ahead = timedelta(seconds=2)
    assert "ok" == look().worst("clock", "intake at")["severity"]
    intake.ahead = timedelta(seconds=-40)
    assert "behind" in look().worst("clock", "intake at")["what"]
    intake.ahead = timedelta(minutes=10)
    found = look().worst("clock", "intake at")
    assert ("error", True) == (found["severity"], "NTP" in found["remedy"])


def test_a_service_that_is_not_ready_is_found_with_what_it_says(look: Look, intake: Intake) -> None:
    """Check by check, as its own readiness names them."""
    intake.checks = {"outbox": "full: the log has been away for long"}

    assert "outbox: full" in look().worst("connections", "intake at")["what"]


def test_an_address_alone_is_enough_to_ask(
    intake: Intake, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has no variables here asks the service itself; nothing else is called well."""
    for name in [name for name in os.environ if name.startswith("ADUAN_")]:
        monkeypatch.delenv(name)
    said = doctor(capsys, "--service", "intake", "--to", f"intake={intake.url}")

    assert 0 == said.code
    assert {"it is ready", "within 5 s of this machine's", "every ADUAN_ variable is known"} == {
        one["what"] for one in said.of("ok")
    }


def test_what_hangs_is_given_up(look: Look, intake: Intake) -> None:
    """It counts as no answer, and the rest is told."""
    intake.slow = 4.0
    said = look()

    assert "no answer" in said.worst("connections", "intake at")["what"]
    assert said.about("keys", "")


def test_every_variable_that_code_reads_is_known() -> None:
    """Doctor would else call a real one a stranger: every name in the sources is known to it."""
    import re

    from aduan_standalone.doctor.environment import BESIDE, FOREIGN, known, prefix_of

    root = REFERENCE.parent
    sources = [
        path
        for top in ("libs", "services", "standalone", "simulators")
        for path in (root / top).rglob("*.py")
    ]
    read = {
        name
        for path in sources
        for name in re.findall(r"""["'](ADUAN_[A-Z][A-Z_]*[A-Z])["']""", path.read_text("utf-8"))
    }

    begins = {
        name
        for path in sources
        for name in re.findall(r"""env_prefix=["'](ADUAN_[A-Z_]+)["']""", path.read_text("utf-8"))
    }
    services = {f"ADUAN_{name}_" for name in SERVICES}

    assert services < begins
    assert set() == begins - services - set(map(prefix_of, BESIDE)), (
        "a process that doctor knows not"
    )
    assert "ADUAN_TOKEN" in read
    strange = {name for name in read - known() if not name.startswith(FOREIGN)}
    assert set() == strange, "to be named in aduan_standalone.doctor.environment"


def test_a_key_is_made_with_the_record_that_a_service_takes(
    capsys: pytest.CaptureFixture[str], front: Front, look: Look
) -> None:
    """What `aduan key` prints goes into settings as it is, and doctor finds the pair in order."""
    with pytest.raises(SystemExit) as ended:
        main(["key", "--scope", "contacts:resolve", "--days", "90", "--json"])
    made = json.loads(capsys.readouterr().out)
    assert 0 == (ended.value.code or 0)
    kept = json.loads(records(*front.intake_records))
    front.set("INTAKE_STATIC_KEYS", json.dumps([*kept, made["record"]]))
    front.set("NOTIFY_INTAKE_TOKEN", made["key"])
    front.secrets.append(made["key"])

    assert made["key"] not in json.dumps(made["record"])
    assert "ok" == look().worst("keys", "ADUAN_NOTIFY_INTAKE_TOKEN")["severity"]
    with pytest.raises(SystemExit) as refused:
        main(["key", "--scope", "everything"])
    assert 2 == refused.value.code


def test_a_variable_of_the_projects_own_tests_is_no_finding() -> None:
    """The doctor is run inside them; what CI and make export is known by name."""
    top = REFERENCE.parent
    named = {
        name
        for file in ("Makefile", ".ci/run")
        for name in re.findall(r"\bADUAN_[A-Z_]+", (top / file).read_text("utf-8"))
    }

    assert {"ADUAN_REQUIRE_SERVERS", "ADUAN_CONTAINERS_OUTCOME"} <= named
    assert not {name for name in named if not name.startswith(FOREIGN)}
