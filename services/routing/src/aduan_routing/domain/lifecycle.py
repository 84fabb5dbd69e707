"""The lifecycle of a case as one literal table (DESIGN 5). "What may follow?" is read here.

A command that no row allows is refused with what is allowed instead. An event is a fact: where no
row fits, it is done and changes no state.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, get_args

from aduan.contracts.values import ActorKind, State

Need = Literal[
    "opd", "reason", "proposed", "partner", "question", "text", "evidence", "date", "fiscal_year",
    "unit", "details",
]  # fmt: skip
"""What a command must carry. evidence: only where the category is physical."""

When = Literal[
    "another_opd",
    "after_timeout",
    "partner_answered",
    "came_from_triage",
    "in_window",
    "conflict",
    "unsure_class",
]
"""What must hold of the case itself.

another_opd: the office named is not the one that has it. after_timeout: archived because nobody
replied. partner_answered: the last answer came from a partner. came_from_triage: the question was
asked before an office had the case. in_window: the reporter may still object to the closing.
conflict: a partner's change waits for the coordinator. unsure_class: not verified or not confirmed.
"""

Target = State | Literal["same", "back"]
"""Where a step leads. same: the state stays. back: where the question was asked."""

ALL: Final[tuple[State, ...]] = get_args(State)
ENDED: Final[tuple[State, ...]] = ("closed", "rejected", "archived")
OPEN: Final[tuple[State, ...]] = tuple(state for state in ALL if state not in ENDED)
AT_OFFICE: Final[tuple[State, ...]] = ("assigned", "accepted", "in_progress")
NEW: Final = None

CONFIDENTIAL_SENTENCE: Final = (
    "Laporan Bapak/Ibu bersifat rahasia dan sedang kami tangani sesuai ketentuan."
)


@dataclass(frozen=True, slots=True)
class Step:
    """One row. sources: the states it may start in; by: who does it; says: what the citizen reads.

    says may name {reason}, {unit}, {partner} and {date}; empty: no public entry, so no event.
    """

    action: str
    sources: tuple[State | None, ...]
    to: Target
    by: ActorKind
    requires: tuple[Need, ...] = ()
    when: tuple[When, ...] = ()
    says: str = ""


# Rows of one action and actor are tried in order; the first whose conditions hold is the step.
LIFECYCLE: Final = (
    Step("decide", (NEW,), "triage", "system",
         says="Laporan Bapak/Ibu sudah kami terima dan sedang kami verifikasi."),
    Step("decide", (NEW,), "assigned", "system", ("opd",),
         says="Laporan Bapak/Ibu sudah diteruskan kepada {unit}."),

    Step("assign", ("triage", "returned"), "assigned", "coordinator", ("opd",),
         says="Laporan Bapak/Ibu sudah diteruskan kepada {unit}."),
    Step("assign", AT_OFFICE, "assigned", "coordinator", ("opd",), ("another_opd",),
         says="Laporan Bapak/Ibu dialihkan kepada {unit}."),
    Step("forward", ("triage", "returned"), "forwarded", "coordinator", ("partner",),
         says="Laporan Bapak/Ibu merupakan kewenangan instansi lain dan sudah kami teruskan "
              "melalui {partner}."),
    Step("reject", ("triage",), "rejected", "coordinator", ("reason",),
         says="Mohon maaf, laporan Bapak/Ibu tidak dapat kami proses. Alasan: {reason}"),
    Step("archive", ("triage",), "archived", "coordinator", ("reason",),
         says="Laporan Bapak/Ibu kami arsipkan. Alasan: {reason}"),
    Step("ask", ("triage",), "awaiting_reporter", "coordinator", ("question",),
         says="Kami memerlukan keterangan tambahan dari Bapak/Ibu."),
    Step("triage", ("returned", "forwarded"), "triage", "coordinator",
         says="Laporan Bapak/Ibu sedang kami verifikasi kembali."),
    Step("reopen", ("conditionally_closed",), "in_progress", "coordinator",
         says="Tindak lanjut laporan Bapak/Ibu dilanjutkan kembali."),
    # Ours: a reporter who says at the counter or by telephone that it is settled has no page for it.
    Step("close", ("answered",), "closed", "coordinator", ("reason",),
         says="Laporan Bapak/Ibu kami nyatakan selesai. Alasan: {reason}"),
    Step("reclassify", OPEN, "same", "coordinator", ("details",),
         says="Data laporan Bapak/Ibu kami perbarui setelah diverifikasi."),
    Step("verify", OPEN, "same", "coordinator", (), ("unsure_class",),
         says="Laporan Bapak/Ibu sudah kami verifikasi."),
    Step("acknowledge", ALL, "same", "coordinator", (), ("conflict",)),

    Step("accept", ("assigned",), "accepted", "office",
         says="Laporan Bapak/Ibu sudah diterima oleh {unit}."),
    Step("start", ("accepted",), "in_progress", "office",
         says="Laporan Bapak/Ibu sedang ditindaklanjuti oleh {unit}."),
    Step("return", AT_OFFICE, "returned", "office", ("reason", "proposed"),
         says="Laporan Bapak/Ibu bukan wewenang {unit} dan sedang kami alihkan."),
    Step("ask", ("in_progress",), "awaiting_reporter", "office", ("question",),
         says="{unit} memerlukan keterangan tambahan dari Bapak/Ibu."),
    Step("answer", ("in_progress",), "answered", "office", ("text", "evidence"),
         says="Laporan Bapak/Ibu sudah dijawab oleh {unit}."),
    Step("close-conditionally", ("in_progress",), "conditionally_closed", "office",
         ("reason", "date", "fiscal_year", "unit"),
         says="Laporan Bapak/Ibu selesai bersyarat: tindak lanjut dijadwalkan pada {date}."),

    Step("reply", ("awaiting_reporter",), "back", "reporter",
         says="Terima kasih, keterangan Bapak/Ibu sudah kami terima dan laporan dilanjutkan."),
    Step("reply", ("archived",), "triage", "reporter", (), ("after_timeout",),
         says="Terima kasih atas keterangan Bapak/Ibu. Laporan kami buka dan verifikasi kembali."),
    Step("object", ("answered",), "forwarded", "reporter", (), ("partner_answered",),
         says="Tanggapan Bapak/Ibu sudah kami terima dan kami sampaikan kembali melalui {partner}."),
    Step("object", ("answered",), "in_progress", "reporter",
         says="Tanggapan Bapak/Ibu sudah kami terima. Laporan ditindaklanjuti kembali."),
    Step("object", ("closed",), "forwarded", "reporter", (), ("in_window", "partner_answered"),
         says="Laporan Bapak/Ibu dibuka kembali dan kami sampaikan melalui {partner}."),
    Step("object", ("closed",), "in_progress", "reporter", (), ("in_window",),
         says="Keberatan Bapak/Ibu sudah kami terima. Laporan dibuka dan ditindaklanjuti kembali."),
    Step("content", ("answered",), "closed", "reporter",
         says="Terima kasih atas penilaian Bapak/Ibu. Laporan kami nyatakan selesai."),
    Step("withdraw", OPEN, "archived", "reporter",
         says="Laporan dicabut atas permintaan Bapak/Ibu."),
    Step("note-reply", OPEN, "same", "reporter",
         says="Pesan Bapak/Ibu sudah kami catat pada laporan ini."),
    Step("note-reply", ("closed",), "same", "reporter",
         says="Terima kasih, pesan Bapak/Ibu sudah kami catat."),
    Step("refuse-reply", ENDED, "same", "reporter",
         says="Mohon maaf, laporan ini sudah berakhir sehingga pesan Bapak/Ibu tidak mengubahnya. "
              "Bapak/Ibu dipersilakan membuat laporan baru."),

    Step("auto_close", ("answered",), "closed", "system",
         says="Laporan Bapak/Ibu kami nyatakan selesai karena tidak ada tanggapan lanjutan."),
    Step("reply_timeout", ("awaiting_reporter",), "archived", "system", (), ("came_from_triage",),
         says="Laporan kami arsipkan karena keterangan tambahan belum kami terima. "
              "Bapak/Ibu dapat menjawab kapan saja untuk membukanya kembali."),
    Step("reply_timeout", ("awaiting_reporter",), "in_progress", "system",
         says="Keterangan tambahan belum kami terima; laporan Bapak/Ibu tetap kami lanjutkan."),
    Step("debt_due", ("conditionally_closed",), "in_progress", "system",
         says="Waktu tindak lanjut yang dijanjikan telah tiba. Laporan Bapak/Ibu dilanjutkan."),

    Step("partner-answer", ("forwarded",), "answered", "partner",
         says="Laporan Bapak/Ibu sudah dijawab melalui {partner}."),
    Step("partner-answer", ("answered",), "same", "partner", (), ("partner_answered",),
         says="Ada tambahan jawaban melalui {partner}."),
    Step("partner-close", ("forwarded",), "closed", "partner",
         says="Laporan Bapak/Ibu dinyatakan selesai melalui {partner}."),
    Step("partner-close", ("answered",), "closed", "partner", (), ("partner_answered",),
         says="Laporan Bapak/Ibu dinyatakan selesai melalui {partner}."),
    Step("partner-refuse", ("forwarded",), "triage", "partner",
         says="{partner} mengembalikan laporan Bapak/Ibu; kami verifikasi kembali tujuannya."),
    Step("partner-reopen", ("answered", "closed"), "forwarded", "partner", (),
         ("partner_answered",),
         says="Laporan Bapak/Ibu dibuka kembali melalui {partner}."),
    Step("mirror_conflict", ALL, "same", "partner",
         says="Ada perkembangan pada sistem mitra yang sedang kami periksa."),
    Step("flag", OPEN, "same", "system",
         says="Laporan Bapak/Ibu kami tangani secara tertutup."),
)  # fmt: skip

COMMANDS: Final = frozenset(
    step.action for step in LIFECYCLE if step.by in ("coordinator", "office")
)
"""What may be asked for over HTTP; everything else in the table is a fact that is told."""

THROUGH: Final[dict[str, tuple[str, ...]]] = {"answer": ("accept", "start")}
"""Steps that one command may take on the way, for a repair of two minutes."""


def find(
    action: str, state: State | None, by: ActorKind, holds: Iterable[When] = ()
) -> Step | None:
    """Return the first row that starts in `state` and whose conditions hold; None where none does."""
    known = frozenset(holds)
    for step in LIFECYCLE:
        is_it = step.action == action and step.by == by and state in step.sources
        if is_it and known.issuperset(step.when):
            return step
    return None


def path(action: str, state: State, by: ActorKind, holds: Iterable[When] = ()) -> tuple[Step, ...]:
    """Return the steps that one command takes from `state`; empty where it is not allowed."""
    known = frozenset(holds)
    on_the_way = THROUGH.get(action, ())
    for start in range(len(on_the_way), -1, -1):
        steps: list[Step] = []
        at: State = state
        for name in (*on_the_way[start:], action):
            step = find(name, at, by, known)
            if step is None:
                break
            steps.append(step)
            at = _lands(step, at)
        else:
            return tuple(steps)
    return ()


def _lands(step: Step, at: State) -> State:
    if step.to == "same":
        return at
    # No command leads back; only a reply does.
    return at if step.to == "back" else step.to


def allowed(state: State, by: ActorKind, holds: Iterable[When] = ()) -> list[str]:
    """Return the commands that `by` may give in `state`, in the order of the table."""
    known = frozenset(holds)
    actions = dict.fromkeys(
        step.action for step in LIFECYCLE if step.by == by and step.action in COMMANDS
    )
    return [action for action in actions if path(action, state, by, known)]
