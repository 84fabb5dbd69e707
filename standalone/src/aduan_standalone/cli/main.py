"""The `aduan` command: its subcommands and what they print. Each works in a module of its own.

Exit codes: 0 done; 1 tried and failed (the instance said no, rows were refused); 2 not possible as
asked (file, mapping, folder, credentials), with one sentence on stderr.
"""

import sys
from typing import Annotated, Final

import typer

from aduan_standalone.cli import instance, letters, re_emission, status, stopping, story
from aduan_standalone.cli.api import connected
from aduan_standalone.cli.canary_command import canary
from aduan_standalone.cli.demo_command import demo
from aduan_standalone.cli.dev_servers import dev_servers
from aduan_standalone.cli.doctor_command import doctor
from aduan_standalone.cli.env_command import env
from aduan_standalone.cli.feed_command import feed
from aduan_standalone.cli.key_command import key
from aduan_standalone.cli.migrating import migrate
from aduan_standalone.cli.opd import opd
from aduan_standalone.cli.options import Addresses, AsJson, DataDir, out, print_json
from aduan_standalone.cli.refusal import Refusal
from aduan_standalone.cli.topics import topics
from aduan_standalone.cli.up_command import up

app: Final = typer.Typer(
    name="aduan",
    help="Runs Aduan on this machine and talks to running instances.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
dlq: Final = typer.Typer(
    name="dlq", help="Dead letters: events that could not be applied.", no_args_is_help=True
)
app.add_typer(dlq)
app.add_typer(dev_servers)
app.add_typer(topics)
app.add_typer(opd)
app.command()(up)
app.command()(demo)
app.command()(feed)
app.command()(migrate)
app.command()(env)
app.command()(canary)
app.command()(doctor)
app.command()(key)

Service = Annotated[
    str | None, typer.Option("--service", help="Only this service.", show_default=False)
]
LetterId = Annotated[str, typer.Argument(help="As the listing gives it.", show_default=False)]


@app.command("status")
def show_status(
    *,
    data: DataDir = None,
    to: Addresses = None,
    as_json: AsJson = False,
) -> None:
    """Show the numbers of the whole instance."""
    with connected(instance.find(data, to)) as api:
        report = status.combine(status.fetch(api))
    if as_json:
        print_json(report)
    else:
        out().print(status.table(report))


@app.command("case")
def show_case(
    case: Annotated[str, typer.Argument(metavar="TICKET", help="Ticket or complaint id.")],
    *,
    data: DataDir = None,
    to: Addresses = None,
    as_json: AsJson = False,
) -> None:
    """Show the whole story of one case over all services, in the order of time."""
    with connected(instance.find(data, to)) as api:
        found = story.fetch(api, case)
    if as_json:
        print_json(found)
    else:
        out().print(story.render(found))


@dlq.command("list")
def list_letters(
    *,
    service: Service = None,
    data: DataDir = None,
    to: Addresses = None,
    as_json: AsJson = False,
) -> None:
    """List the open dead letters of all services."""
    with connected(instance.find(data, to)) as api:
        found = letters.listed(api, service)
    if as_json:
        print_json(found)
    elif found:
        out().print(letters.table(found))
    else:
        out().print("No dead letters.")


@dlq.command("show")
def show_letter(
    letter: LetterId,
    *,
    service: Service = None,
    data: DataDir = None,
    to: Addresses = None,
    as_json: AsJson = False,
) -> None:
    """Show one letter: envelope, size and reason, never the payload."""
    with connected(instance.find(data, to)) as api:
        found = letters.shown(api, letter, service)
    if as_json:
        print_json(found)
    else:
        out().print(letters.fields(found))


@dlq.command("replay")
def replay_letter(
    letter: LetterId,
    *,
    service: Service = None,
    data: DataDir = None,
    to: Addresses = None,
    as_json: AsJson = False,
) -> None:
    """Run the owning service's handler on a letter again."""
    with connected(instance.find(data, to)) as api:
        found = letters.replay(api, letter, service)
    if as_json:
        print_json(found)
    else:
        out().print("Done; the case goes on." if found["closed"] else "It failed again.")
    if not found["closed"]:
        raise typer.Exit(1)


@dlq.command("skip")
def skip_letter(
    letter: LetterId,
    *,
    reason: Annotated[str, typer.Option("--reason", help="Why; goes into the audit log.")],
    service: Service = None,
    data: DataDir = None,
    to: Addresses = None,
    as_json: AsJson = False,
) -> None:
    """Give a letter up: its event counts as done without effect, and the case goes on."""
    with connected(instance.find(data, to)) as api:
        found = letters.skip(api, letter, service, reason)
    if as_json:
        print_json(found)
    else:
        out().print("Skipped; the case goes on.")


@app.command("replay")
def replay_case(
    *,
    case: Annotated[str, typer.Option("--case", help="Ticket or complaint id.")],
    service: Service = None,
    data: DataDir = None,
    to: Addresses = None,
    as_json: AsJson = False,
) -> None:
    """Replay the dead letters of one case in order."""
    with connected(instance.find(data, to)) as api:
        closed = letters.replay_case(api, story.id_of(api, case), service)
    if as_json:
        print_json(closed)
    else:
        out().print(", ".join(f"{name}: {n} closed" for name, n in closed.items()))


@app.command("re-emit")
def re_emit(
    *,
    service: Service = None,
    data: DataDir = None,
    to: Addresses = None,
    as_json: AsJson = False,
) -> None:
    """Publish every event of every document again: after the log was lost, offsets at the start."""
    with connected(instance.find(data, to)) as api:
        for done in re_emission.re_emit(api, service):
            if as_json:
                print_json(done)
            else:
                counts = f"{done['events']} events of {done['documents']} documents"
                out().print(f"{done['service']}: {counts}")


@app.command("stop")
def stop(
    *,
    data: DataDir = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also instances of other checkouts of this user.")
    ] = False,
) -> None:
    """Stop the instance in a folder; without --data all that this installation started."""
    found = stopping.chosen(data, everything=everything)
    for running in found:
        ended = stopping.stop(running)
        print(f"{'stopped' if ended else 'was not running'}: {running.data}")
    if not found:
        print("Nothing runs here.")


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; ends the process with its exit code."""
    try:
        app(args=arguments, prog_name="aduan")
    except Refusal as refusal:
        sys.stderr.write(f"aduan: {refusal.sentence}\n")
        raise SystemExit(refusal.code) from None
    except BrokenPipeError:
        # `aduan ... | head`: the reader has seen enough
        sys.stderr.close()
        raise SystemExit(0) from None


if __name__ == "__main__":
    main()
