"""The lifecycle of a case as ONE literal table. What may follow, and who may do it, is read from it.

Modelled on the vocabularies of SP4N, LaporGub and JAKI (handbook, "Canonical lifecycle"). `closed` by
a coordinator is ours: a reporter who says at the counter or on the telephone that it is settled has
no page to say it on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

from aduan.contracts.values import ActorKind, State

Need = Literal[
    "opd",
    "other_opd",
    "partner",
    "reason",
    "proposed",
    "question",
    "answer",
    "unit",
    "evidence",
    "follow_up",
    "class",
    "category",
    "flags",
    "area",
    "title",
]
"""What must be given. evidence: only where the category is physical. unit: who approved the text."""

Fact = Literal[
    "asked_in_triage", "asked_at_work", "answered_here", "answered_there", "timed_out", "in_window"
]
"""What else must be true of the case. answered_there: a partner had answered."""

SAME: Final = None
"""As `to`: the state stays; what is done is a public entry, no transition."""

STATES: Final[tuple[State, ...]] = get_args(State)
ENDED: Final[tuple[State, ...]] = ("closed", "rejected", "archived")
OPEN: Final[tuple[State, ...]] = tuple(state for state in STATES if state not in ENDED)
AT_AN_OFFICE: Final[tuple[State, ...]] = ("assigned", "accepted", "in_progress")


@dataclass(frozen=True, slots=True)
class Step:
    """One row. before: where it may come from (None: the case begins); to: where it leads.

    sentence: what a citizen reads; the only words of a confidential case. more: further words with
    `{reason}`, `{on}` or `{partner}` in them, left out when the case is confidential.
    """

    action: str
    before: tuple[State | None, ...]
    to: State | None
    by: ActorKind
    sentence: str
    requires: tuple[Need, ...] = ()
    when: tuple[Fact, ...] = ()
    more: str = ""


_VERIFYING: Final = "Laporan Bapak/Ibu sedang kami verifikasi."
_ASSIGNED: Final = "Laporan Bapak/Ibu diteruskan ke perangkat daerah yang berwenang."
_FORWARDED: Final = "Laporan Bapak/Ibu diteruskan ke instansi lain yang berwenang."
_QUESTION: Final = "Kami memerlukan keterangan tambahan dari Bapak/Ibu."
_REPLY: Final = "Terima kasih, keterangan Bapak/Ibu sudah kami terima."
_ANSWERED: Final = "Laporan Bapak/Ibu telah dijawab."
_CLOSED: Final = "Laporan Bapak/Ibu dinyatakan selesai. Terima kasih."
_OBJECTION: Final = "Keberatan Bapak/Ibu kami terima dan laporan ditindaklanjuti kembali."
_AGAIN: Final = "Laporan Bapak/Ibu ditindaklanjuti kembali."
_UPDATED: Final = "Data laporan Bapak/Ibu diperbarui oleh petugas."
_REASON: Final = "Alasan: {reason}"

LIFECYCLE: Final = (
    Step("open_in_triage", (None,), "triage", "system", _VERIFYING),
    Step("assign_by_rule", (None,), "assigned", "system", _ASSIGNED),
    Step("assign", ("triage", "returned"), "assigned", "coordinator", _ASSIGNED, ("opd",)),
    Step("forward", ("triage", "returned"), "forwarded", "coordinator", _FORWARDED,
         ("partner", "reason"), more="Tujuan: {partner}."),
    Step("reject", ("triage",), "rejected", "coordinator",
         "Mohon maaf, laporan Bapak/Ibu tidak dapat kami proses.", ("reason",), more=_REASON),
    Step("archive", ("triage",), "archived", "coordinator",
         "Laporan Bapak/Ibu kami arsipkan.", ("reason",), more=_REASON),
    Step("ask", ("triage",), "awaiting_reporter", "coordinator", _QUESTION, ("question",)),
    Step("accept", ("assigned",), "accepted", "office",
         "Laporan Bapak/Ibu telah diterima oleh perangkat daerah."),
    Step("return", AT_AN_OFFICE, "returned", "office",  # "bukan wewenang": not ours, and whose
         "Laporan Bapak/Ibu sedang dialihkan ke instansi yang tepat.", ("reason", "proposed")),
    Step("reassign", AT_AN_OFFICE, "assigned", "coordinator", _ASSIGNED, ("other_opd",)),
    Step("start", ("accepted",), "in_progress", "office",
         "Laporan Bapak/Ibu mulai ditindaklanjuti."),
    Step("answer", ("in_progress",), "answered", "office", _ANSWERED,
         ("answer", "unit", "evidence")),
    Step("conditionally_close", ("in_progress",), "conditionally_closed", "office",  # a debt
         "Laporan Bapak/Ibu selesai bersyarat: tindak lanjutnya sudah dijadwalkan.",
         ("reason", "unit", "follow_up"), more="Dijadwalkan {on}. " + _REASON),
    Step("ask", ("in_progress",), "awaiting_reporter", "office", _QUESTION, ("question",)),
    Step("reply", ("awaiting_reporter",), "triage", "reporter", _REPLY, when=("asked_in_triage",)),
    Step("reply", ("awaiting_reporter",), "in_progress", "reporter", _REPLY,
         when=("asked_at_work",)),
    Step("reply_timeout", ("awaiting_reporter",), "archived", "system",
         "Laporan diarsipkan karena keterangan tambahan belum kami terima. "
         "Bapak/Ibu tetap dapat menjawab kapan saja.", when=("asked_in_triage",)),
    Step("reply_timeout", ("awaiting_reporter",), "in_progress", "system",
         "Keterangan tambahan belum kami terima; laporan Bapak/Ibu tetap kami tindak lanjuti.",
         when=("asked_at_work",)),
    Step("reply", ("archived",), "triage", "reporter",
         "Terima kasih, laporan Bapak/Ibu kami buka dan verifikasi kembali.", when=("timed_out",)),
    Step("recall", ("returned",), "triage", "coordinator", _VERIFYING),
    Step("recall", ("forwarded",), "triage", "coordinator",
         "Laporan Bapak/Ibu kami tarik kembali untuk diverifikasi."),
    Step("partner_answer", ("forwarded",), "answered", "partner",
         "Laporan Bapak/Ibu telah dijawab oleh instansi yang berwenang."),
    Step("partner_close", ("forwarded",), "closed", "partner",
         "Laporan Bapak/Ibu dinyatakan selesai oleh instansi yang berwenang."),
    Step("partner_close", ("answered",), "closed", "partner",
         "Laporan Bapak/Ibu dinyatakan selesai oleh instansi yang berwenang.",
         when=("answered_there",)),
    Step("partner_refuse", ("forwarded",), "triage", "partner",
         "Laporan Bapak/Ibu dikembalikan oleh instansi lain dan kami verifikasi kembali."),
    Step("partner_reopen", ("answered", "closed"), "forwarded", "partner",
         "Laporan Bapak/Ibu ditindaklanjuti kembali oleh instansi yang berwenang.",
         when=("answered_there",)),
    Step("content", ("answered",), "closed", "reporter", _CLOSED),
    Step("close", ("answered",), "closed", "coordinator", _CLOSED, ("reason",)),
    Step("auto_close", ("answered",), "closed", "system",
         "Laporan ditutup otomatis karena tidak ada tanggapan lebih lanjut dari Bapak/Ibu."),
    Step("object", ("answered", "closed"), "in_progress", "reporter", _OBJECTION,
         when=("in_window", "answered_here")),
    Step("object", ("answered", "closed"), "forwarded", "reporter", _OBJECTION,
         when=("in_window", "answered_there")),
    Step("debt_due", ("conditionally_closed",), "in_progress", "system",
         "Waktu tindak lanjut yang dijanjikan telah tiba; " + _AGAIN[0].lower() + _AGAIN[1:]),
    Step("resume", ("conditionally_closed",), "in_progress", "coordinator", _AGAIN),
    Step("withdraw", OPEN, "archived", "reporter",
         "Laporan dicabut sesuai permintaan Bapak/Ibu."),
    Step("class", OPEN, SAME, "coordinator", "Klasifikasi laporan Bapak/Ibu ditetapkan.",
         ("class",)),
    Step("category", OPEN, SAME, "coordinator", _UPDATED, ("category",)),
    Step("flags", OPEN, SAME, "coordinator", _UPDATED, ("flags",)),
    Step("area", OPEN, SAME, "coordinator", _UPDATED, ("area",)),
    Step("title", OPEN, SAME, "coordinator", _UPDATED, ("title",)),
    Step("verify", OPEN, SAME, "coordinator", "Laporan Bapak/Ibu telah diverifikasi."),
)  # fmt: skip

WALKS: Final[Mapping[str, tuple[str, ...]]] = {
    "take": ("accept", "start"),
    "answer": ("accept", "start", "answer"),
}
"""Actions of an office that may begin earlier: a two-minute repair is one call, several entries."""

NOTES: Final[Mapping[str, str]] = {
    "reply_noted": "Pesan Bapak/Ibu kami catat dalam laporan.",
    "rating_noted": "Terima kasih atas penilaian Bapak/Ibu.",
    "reply_refused": "Pesan Bapak/Ibu kami terima, namun laporan ini sudah berakhir. "
    "Bapak/Ibu dipersilakan menyampaikan laporan baru.",
    "answer_added": "Jawaban atas laporan Bapak/Ibu dilengkapi.",
    "mirror_conflict": "Catatan dari sistem mitra sedang kami periksa.",
    "oversight_found": _UPDATED,
}
"""Public entries that are no step: what the table does not allow is done without effect, and told."""

COMMANDERS: Final[tuple[ActorKind, ...]] = ("office", "coordinator")
COMMANDS: Final[Mapping[ActorKind, tuple[str, ...]]] = {
    by: tuple(
        dict.fromkeys(
            [step.action for step in LIFECYCLE if step.by == by]
            + (list(WALKS) if by == "office" else [])
        )
    )
    for by in COMMANDERS
}
"""Every action that a person may ask for, by who he is, in the order of the table."""


def step_for(
    action: str, by: ActorKind, state: State | None, facts: frozenset[str] = frozenset()
) -> Step | None:
    """Return the row for an action in a state, None where the table does not allow it."""
    for step in LIFECYCLE:
        if (step.action, step.by) == (action, by) and state in step.before:
            if facts.issuperset(step.when):
                return step
    return None


def path(action: str, by: ActorKind, state: State) -> tuple[Step, ...]:
    """Return the rows that one command walks through; empty where it is not allowed."""
    if by == "office":
        names = WALKS.get(action, (action,))
        for start in range(len(names)):
            walked: list[Step] = []
            at: State = state
            for name in names[start:]:
                step = step_for(name, by, at)
                if step is None:
                    break
                walked.append(step)
                at = step.to or at
            else:
                if action != "take" or start == 0:
                    return tuple(walked)
        return ()
    step = step_for(action, by, state)
    return () if step is None else (step,)


def allowed(state: State, by: ActorKind) -> tuple[str, ...]:
    """Return the commands that an office or a coordinator may give in a state, in table order."""
    return tuple(action for action in COMMANDS[by] if path(action, by, state))


def goal(action: str, by: ActorKind) -> State | None:
    """Return the state that a command leads to; None where the state stays."""
    last = WALKS.get(action, (action,))[-1]
    return next(step.to for step in LIFECYCLE if (step.action, step.by) == (last, by))
