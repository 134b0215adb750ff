"""How figures are shown."""

from rich.console import Console
from rich.table import Table

out = Console(width=150, highlight=False)


def show(title: str, rows: dict[str, str]) -> None:
    table = Table(title=title, show_header=False, title_justify="left")
    for name, value in rows.items():
        table.add_row(name, value)
    out.print(table)
