"""The partners' vocabularies: complete, unambiguous, and refused with a sentence where they are not."""

import tomllib
from pathlib import Path
from typing import Any, get_args

import pytest

from aduan.contracts.values import PartnerSystem, ReportClass, State
from aduan_sync_laporgub.adapters.reference import load_partners
from aduan_sync_laporgub.domain.words import Words, WordsUnreadable, read_words

REFERENCE = Path(__file__).resolve().parents[3] / "reference"


def shipped(system: PartnerSystem) -> Words:
    """Return the vocabulary that is shipped."""
    return load_partners(REFERENCE, ("33.74",), (system,)).words[system]


def raw(system: str) -> dict[str, Any]:
    """Return a shipped file, unchecked, to be spoilt."""
    return tomllib.loads((REFERENCE / "partners" / f"{system}.toml").read_text("utf-8"))


@pytest.mark.parametrize("system", get_args(PartnerSystem))
def test_no_state_of_ours_moves_by_a_word_that_fits_it(system: PartnerSystem) -> None:
    """A word whose own state is open fits that state: hearing it there changes nothing."""
    for word in shipped(system).inbound:
        assert word.kind == "reroute_requested" or word.status in word.fits


@pytest.mark.parametrize(
    ("said", "meant"),
    [("Selesai", "closed"), ("  SELESAI ", "closed"), ("tidak  layak", "rejected"), ("baru", None)],
)
def test_a_word_is_known_whatever_its_case_and_spacing(said: str, meant: State | None) -> None:
    """An unknown word has no meaning; nothing is guessed."""
    word = shipped("laporgub").meaning(said)

    assert meant == (word.status if word else None)


def test_a_conditional_closing_goes_out_as_in_process_and_can_be_switched_off() -> None:
    """Neither partner has a word for a debt; it must never be told as finished."""
    words = shipped("laporgub")
    silent = words.model_copy(update={"conditional_as_progress": False})

    assert "progres" == words.outward("conditionally_closed")
    assert silent.outward("conditionally_closed") is None


def test_a_withdrawn_report_is_never_called_spam() -> None:
    """Outward, archived is finished."""
    assert "spam" not in shipped("laporgub").outbound.values()


def test_sp4n_has_a_number_for_every_class() -> None:
    """A class without a number would be submitted as another one."""
    assert set(get_args(ReportClass)) == set(shipped("sp4n").classifications)


def test_the_tenant_s_own_partner_is_its_target_only_when_connected() -> None:
    """Jurisdiction comes from the tenant's data, the connection from the settings."""
    both = load_partners(REFERENCE, ("33.74",), ("laporgub", "sp4n"))
    only_national = load_partners(REFERENCE, ("33.74",), ("sp4n",))

    assert "laporgub" == both.target("33.74")
    assert only_national.target("33.74") is None
    assert both.target("35.73") is None


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"system": "jaki"}, "system"),
        ({"colour": "red"}, "colour"),
        ({"sectors": {"pju": "Energi"}}, "sectors.default"),
        ({"inbound": [{"raw": "a", "status": "done"}]}, "inbound.0.status"),
        (
            {
                "inbound": [
                    {"raw": "Selesai", "status": "closed"},
                    {"raw": "selesai ", "status": "closed"},
                ]
            },
            "listed twice",
        ),
    ],
)
def test_a_spoilt_file_is_refused_by_name_and_key(change: dict[str, Any], complaint: str) -> None:
    """One sentence for the operator, without guessing."""
    with pytest.raises(WordsUnreadable) as refused:
        read_words({**raw("laporgub"), **change}, source="laporgub.toml")

    assert str(refused.value).startswith("laporgub.toml: ")
    assert complaint in str(refused.value)


def test_a_missing_folder_is_one_sentence(tmp_path: Path) -> None:
    """The path says which file is missing."""
    with pytest.raises(WordsUnreadable, match=r"partners/laporgub\.toml: not found"):
        load_partners(tmp_path, (), ("laporgub",))
