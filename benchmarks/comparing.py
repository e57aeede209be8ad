"""``python -m benchmarks compare A B``: two loads side by side, as ratios."""

from pathlib import Path

import click

from benchmarks.outcome import NoOutcome, Outcome, make_folder
from benchmarks.page import page
from benchmarks.wording import comparison, load_text

_REPORT = click.Path(exists=True, path_type=Path)


@click.command()
@click.argument("a", type=_REPORT)
@click.argument("b", type=_REPORT)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder for index.html.")
def compare(a: Path, b: Path, out: Path | None) -> None:
    """Compare two loads: what B gave, as multiples of what A gave.

    A and B are what `run --out` has written: report.json, or the folder that it is in.
    """
    try:
        base, other = Outcome.read(a), Outcome.read(b)
        if out is not None:
            make_folder(out)
    except NoOutcome as error:
        raise click.ClickException(str(error)) from None
    for name, outcome in (("A", base), ("B", other)):
        click.echo(f"{name}  {outcome.scenario} of {outcome.made}: {load_text(outcome)}")
    click.echo(f"\n{comparison(base, other)}")
    if out is not None:
        (out / "index.html").write_text(page(other, base), encoding="utf-8")
        click.echo(f"\n{out / 'index.html'} is written.")
