"""`aduan feed`: nothing is sent twice in vain, nothing acknowledged is forgotten."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aduan_standalone.cli.main import main

Run = Callable[..., int]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A file of forty complaints whose columns have names of their own."""
    path = tmp_path / "laporan.csv"
    lines = ["nomor,isi,kelurahan", *(f"L-{i},lampu {i} mati,Miroto" for i in range(40))]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def aduan(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command line; return its exit code."""

    def run(*arguments: object) -> int:
        with pytest.raises(SystemExit) as end:
            main([str(argument) for argument in arguments])
        return int(end.value.code or 0)

    return run


MAPS = ("--map", "external_id=nomor", "--map", "text=isi", "--map", "place.text=kelurahan")


def ledger_of(path: Path) -> list[dict[str, Any]]:
    """Read a ledger."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_every_row_is_acknowledged_once_and_is_in_the_ledger(
    intake: Any, aduan: Run, source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The ledger's lines are exactly external_id, ticket, status, at."""
    code = aduan("feed", source, *MAPS, "--to", intake.url, "--ledger", tmp_path / "l", "--json")
    lines = ledger_of(tmp_path / "l")

    assert 0 == code
    assert intake.tickets == {line["external_id"]: line["ticket"] for line in lines}
    assert 40 == len(intake.tickets)
    assert {("external_id", "ticket", "status", "at")} == {tuple(line) for line in lines}
    assert {201} == {line["status"] for line in lines}
    assert 40 == json.loads(capsys.readouterr().out)["acknowledged"]
    assert {"text": "Miroto"} == intake.bodies[0]["place"]


def test_a_second_run_sends_only_what_the_ledger_lacks(
    intake: Any, aduan: Run, source: Path, tmp_path: Path
) -> None:
    """A ledger whose last line was cut by a crash is resumed; the cut complaint is sent again."""
    ledger = tmp_path / "l"
    aduan("feed", source, *MAPS, "--to", intake.url, "--ledger", ledger)
    whole = ledger.read_bytes()
    ledger.write_bytes(whole[:-20])
    posts = intake.posts
    code = aduan("feed", source, *MAPS, "--to", intake.url, "--ledger", ledger)

    assert 0 == code
    assert posts + 1 == intake.posts
    assert 40 == len({line["external_id"] for line in ledger_of(ledger)})
    assert 40 == len(intake.tickets)


def test_without_a_ledger_a_second_run_adds_nothing(
    intake: Any, aduan: Run, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Intake knows the external ids; the feeder says so."""
    aduan("feed", source, *MAPS, "--to", intake.url)
    capsys.readouterr()
    aduan("feed", source, *MAPS, "--to", intake.url, "--json")

    assert 40 == len(intake.tickets)
    assert 40 == json.loads(capsys.readouterr().out)["repeated"]


def test_repeat_feeds_new_complaints_each_round(intake: Any, aduan: Run, source: Path) -> None:
    """Only the later rounds have a suffix, so a plain feed stays the same complaints."""
    aduan("feed", source, *MAPS, "--to", intake.url, "--repeat", 3)

    assert 120 == len(intake.tickets)
    assert {"L-0", "L-0~2", "L-0~3"} <= intake.tickets.keys()


def test_a_busy_intake_is_asked_again(intake: Any, aduan: Run, source: Path) -> None:
    """503 with Retry-After loses nothing."""
    intake.busy = 25
    code = aduan("feed", source, *MAPS, "--to", intake.url)

    assert 0 == code
    assert 40 == len(intake.tickets)
    assert 65 == intake.posts


def test_retry_after_is_honoured(intake: Any, aduan: Run, source: Path) -> None:
    """One second asked for is one second waited."""
    intake.busy, intake.retry_after = 1, "1"
    start = time.monotonic()
    aduan("feed", source, *MAPS, "--to", intake.url)

    assert time.monotonic() - start >= 1.0


def test_an_intake_that_stays_away_ends_the_feed_with_a_sentence(
    intake: Any, aduan: Run, source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Non-zero, and nothing unacknowledged is in the ledger."""
    intake.broken = True
    code = aduan(
        "feed", source, *MAPS, "--to", intake.url, "--ledger", tmp_path / "l", "--patience", 0.3
    )
    error = capsys.readouterr().err

    assert 1 == code
    assert "did not take complaints" in error
    assert [] == ledger_of(tmp_path / "l")


def test_a_refused_row_is_told_and_the_others_go_on(
    intake: Any, aduan: Run, source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 1; the ledger keeps the refusal without a ticket and the row is tried again next time."""
    with source.open("a", encoding="utf-8") as file:
        file.write("L-x,tolak,Miroto\n,tanpa nomor,Miroto\n")
    code = aduan("feed", source, *MAPS, "--to", intake.url, "--ledger", tmp_path / "l")
    error = capsys.readouterr().err
    refused = [line for line in ledger_of(tmp_path / "l") if line["ticket"] is None]

    assert 1 == code
    assert 40 == len(intake.tickets)
    assert [("L-x", 422)] == [(line["external_id"], line["status"]) for line in refused]
    assert "L-x: HTTP 422" in error
    assert "text is not welcome" in error
    assert "row 42 has no external_id" in error
    posts = intake.posts
    aduan("feed", source, *MAPS, "--to", intake.url, "--ledger", tmp_path / "l")
    assert posts + 1 == intake.posts


def test_the_rate_is_an_upper_limit(intake: Any, aduan: Run, source: Path) -> None:
    """Forty at a hundred a second take at least 0.39 s."""
    start = time.monotonic()
    aduan("feed", source, *MAPS, "--to", intake.url, "--rate", 100)

    assert time.monotonic() - start >= 0.39


def test_no_more_than_the_given_number_is_in_flight(intake: Any, aduan: Run, source: Path) -> None:
    """--concurrency is a promise to the receiving side."""
    aduan("feed", source, *MAPS, "--to", intake.url, "--concurrency", 2)

    assert 1 <= intake.most_in_flight <= 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--map", "external_id=nomor", "--map", "text=keluhan"), "has no column keluhan"),
        (("--map", "external_id=nomor", "--map", "teks=isi"), "teks is no field"),
        ((*MAPS, "--ledger", "."), "cannot be written"),
        ((*MAPS, "--data", "nowhere"), "Give either --data or --to"),
    ],
)
def test_a_wrong_request_is_one_sentence_and_exit_two(
    intake: Any,
    aduan: Run,
    source: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    words: str,
) -> None:
    """And nothing is sent."""
    code = aduan("feed", source, *arguments, "--to", intake.url)
    error = capsys.readouterr().err.strip().splitlines()[-1]

    assert 2 == code
    assert error.startswith("aduan: ")
    assert words in error
    assert 0 == intake.posts


def test_a_file_that_is_no_ledger_stays_as_it_is(
    intake: Any, aduan: Run, source: Path, tmp_path: Path
) -> None:
    """A slip of the hand must not destroy a document."""
    (tmp_path / "letter.txt").write_text("Dear all,\nsee you", encoding="utf-8")
    code = aduan("feed", source, *MAPS, "--to", intake.url, "--ledger", tmp_path / "letter.txt")

    assert 2 == code
    assert "Dear all,\nsee you" == (tmp_path / "letter.txt").read_text(encoding="utf-8")
    assert 0 == intake.posts


def test_a_wrong_token_is_said(
    intake: Any,
    aduan: Run,
    source: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Exit 2, without the token in the sentence."""
    monkeypatch.setenv("ADUAN_TOKEN", "something-else")
    code = aduan("feed", source, *MAPS, "--to", intake.url)
    error = capsys.readouterr().err

    assert 2 == code
    assert "refused" in error
    assert "something-else" not in error


def test_the_torn_end_of_a_foreign_file_is_not_cut(
    intake: Any, aduan: Run, source: Path, tmp_path: Path
) -> None:
    """A file of one line without an end is no ledger either."""
    (tmp_path / "note").write_text("no newline", encoding="utf-8")
    code = aduan("feed", source, *MAPS, "--to", intake.url, "--ledger", tmp_path / "note")

    assert 2 == code
    assert "no newline" == (tmp_path / "note").read_text(encoding="utf-8")
