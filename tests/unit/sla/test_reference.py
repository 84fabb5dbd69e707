"""Policies and calendars are data: read strictly, refused in one sentence."""

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from aduan_sla_story import REFERENCE, semarang, wib

from aduan_sla.adapters.reference import load_rulebook
from aduan_sla.domain.policy import PolicyError
from aduan_sla.domain.reckon import Limit

Edit = Callable[[str], str]

# clock, scope, limit, for a complaint that starts in December 2026
ROWS = (
    ("verify", "sp4n", Limit("working_days", 3)),
    ("forward", "33.74", Limit("hours", 24)),
    ("first_follow_up", "sp4n", Limit("working_days", 5)),
    ("handle", "33.74", Limit("hours", 72)),
    ("complete", "sp4n", Limit("working_days", 14)),
    ("auto_close", "sp4n", Limit("working_days", 10)),
    ("debt", "ours", Limit("date")),
    ("reply_timeout", "ours", Limit("working_days", 10)),
)


@pytest.mark.parametrize(("clock", "scope", "limit"), ROWS)
def test_semarang_follows_these_limits(clock: str, scope: str, limit: Limit) -> None:
    """The eight clocks of Kota Semarang and whose rule each is."""
    row = semarang().row(clock, "pengaduan_tidak_berkadar_pengawasan", wib("2026-12-01 09:00"))

    assert row is not None
    assert (scope, limit) == (row.scope, row.limit)
    assert row.legal_basis


def test_other_limits_are_known_and_not_followed() -> None:
    """National, provincial and foreign rows ship with their source, inactive."""
    idle = {policy.id for policy in semarang().policies if not policy.active}

    assert {"perpres-settle", "jateng-follow-up", "lapor-hendi-answer"} <= idle
    assert {"malang-warning-letter", "sp4n-complete-aspiration-soft"} <= idle


@pytest.fixture
def edited(tmp_path: Path) -> Callable[[str, Edit], Path]:
    """Copy Semarang's data with one file changed; return the reference folder."""

    def change(name: str, edit: Edit) -> Path:
        folder = tmp_path / "tenants" / "33.74"
        folder.mkdir(parents=True)
        for file in ("policies.toml", "calendar.toml"):
            shutil.copy(REFERENCE / "tenants" / "33.74" / file, folder / file)
        path = folder / name
        path.write_text(edit(path.read_text(encoding="utf-8")), encoding="utf-8")
        return tmp_path

    return change


def swap(old: str, new: str) -> Edit:
    """Replace the first occurrence; the old text must be there."""

    def edit(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return edit


# file, edit, words of the refusal
REFUSED: tuple[tuple[str, Edit, str], ...] = (
    ("policies.toml", swap('amount = 3\nunit = "working_days"\nstart', 'amount = 0\nunit = "working_days"\nstart'), "policy.1: amount must be at least 1"),
    ("policies.toml", swap('unit = "hours"', 'unit = "weeks"'), "policy.2.unit"),
    ("policies.toml", swap('confidence = "H"', 'confidence = "H"\ncolour = "red"'), "policy.1.colour"),
    ("policies.toml", swap('legal_basis = "SP4N-LAPOR!: verifikasi dan penerusan paling lama 3 hari kerja"\n', ""), "policy.1.legal_basis"),
    ("policies.toml", swap('id = "semarang-handle"\nversion = "1"\nclock = "handle"', 'id = "semarang-handle"\nversion = "1"\nclock = "forward"'), "both set forward"),
    ("policies.toml", swap('stop = ["assigned", "forwarded"]', "stop = []"), "nothing stops this clock"),
    ("policies.toml", swap('clock = "handle"', 'clock = "handling"'), "clock handling is unknown"),
    ("policies.toml", swap('pauses_in = ["awaiting_reporter"]', 'pauses_in = ["waiting"]'), "waiting is no state"),
    ("policies.toml", swap('active = false\nclock = "settle"', 'clock = "settle"'), "cannot be active"),
    ("policies.toml", swap('id = "semarang-forward"', 'id = "sp4n-verify"'), "has version 1 twice"),
    ("policies.toml", swap("level = 2", "level = 3"), "levels of the escalations"),
    ("policies.toml", swap("effective_to = 2018-12-31", "effective_to = 2008-12-31"), "lies before"),
    ("policies.toml", lambda _: "version = ", "not valid TOML"),
    ("calendar.toml", swap('country = "ID"', 'country = "QX"'), "country: no public and government"),
    ("calendar.toml", swap("last_year = 2040", "last_year = 2001"), "last_year lies before"),
    ("calendar.toml", swap("override = []", '[[override]]\non = 2027-05-02\nworking = false\nname = "x"\nreason = "y"\ndecided_on = 2027-03-01'), "override.1.author"),
)  # fmt: skip


@pytest.mark.parametrize(("name", "edit", "words"), REFUSED, ids=[row[2] for row in REFUSED])
def test_unusable_data_is_refused_in_one_sentence(
    edited: Callable[[str, Edit], Path], name: str, edit: Edit, words: str
) -> None:
    """The sentence names the file and what is wrong with which row."""
    with pytest.raises(PolicyError) as refusal:
        load_rulebook(edited(name, edit), "33.74")

    said = str(refusal.value)
    assert name in said
    assert words in said
    assert "\n" not in said


def test_a_missing_tenant_is_refused_in_one_sentence(tmp_path: Path) -> None:
    """No default policies are made up."""
    with pytest.raises(PolicyError, match=r"policies\.toml: cannot be read"):
        load_rulebook(tmp_path, "35.73")


def test_an_override_gives_the_calendar_a_history(edited: Callable[[str, Edit], Path]) -> None:
    """With author and reason, known from its decision on."""
    row = (
        "[[override]]\non = 2026-12-08\nworking = false\nname = 'Libur lokal'\n"
        "author = 'Bagian Organisasi'\nreason = 'Keputusan Wali Kota'\ndecided_on = 2026-12-02\n"
    )
    rules = load_rulebook(edited("calendar.toml", swap("override = []", row)), "33.74")

    before, after = (
        rules.calendar.known_at(wib(f"2026-12-0{day} 12:00")).add(date(2026, 12, 7), 1)
        for day in (1, 2)
    )
    assert (date(2026, 12, 8), date(2026, 12, 9)) == (before, after)


def test_a_new_version_of_a_row_leaves_started_clocks_alone(
    edited: Callable[[str, Edit], Path],
) -> None:
    """The old row ends, the new one begins: each clock follows the one in force at its start."""
    text = (REFERENCE / "tenants" / "33.74" / "policies.toml").read_text(encoding="utf-8")
    at = text.index('[[policy]]\nid = "semarang-forward"')
    old = text[at : text.index("[[policy]]", at + 1)]
    new = (
        old.replace('version = "1"', 'version = "2"')
        .replace("amount = 24", "amount = 12")
        .replace("effective_from = 2025-01-01", "effective_from = 2027-01-01")
    )
    ended = old.replace(
        "effective_from = 2025-01-01",
        "effective_from = 2025-01-01\neffective_to = 2026-12-31",
    )
    rules = load_rulebook(edited("policies.toml", swap(old, ended + new)), "33.74")

    found = [
        rules.row("forward", "aspirasi", wib(f"{day} 09:00"))
        for day in ("2026-12-31", "2027-01-01")
    ]
    assert [("1", 24), ("2", 12)] == [(row.version, row.limit.amount) for row in found if row]
