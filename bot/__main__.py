"""The command line: `chaperone demo`, `init`, `check`, `run`, `score`, `status`, and the desk."""

import sys

import typer

from bot import logs
from bot.commandline import complain
from bot.commands import beginning, guarding, keeping, running, setup
from bot.commands.status import status
from bot.demo import demo
from bot.errors import ChaperoneError
from bot.review.console import desk
from bot.score import score
from classifiers.errors import ClassifierError

app = typer.Typer(
    name="chaperone",
    help="A moderation bot for the public accounts of doctors, clinics, hospitals and health charities.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # its tracebacks show local variables, and those hold comments
    rich_markup_mode=None,
)
app.command()(demo)
app.command()(beginning.init)
app.command()(setup.check)
app.command()(running.run)
app.command()(score)
app.command()(status)
app.command()(guarding.guard)
for each in (desk, keeping.commands):
    app.registered_commands += each.registered_commands


def main() -> None:
    """Run a command. An error of ours is one message and exit status 2; any other is logged without its words."""
    logs.configure("warning", json=False)
    try:
        app()
    except (ChaperoneError, ClassifierError) as error:
        complain(str(error))
        sys.exit(2)


if __name__ == "__main__":
    main()
