"""The main job on invented outlets, served on this machine."""

import dataclasses
import shutil
import sys
from typing import TYPE_CHECKING

import click
from rich.console import Console

from narrawatch.settings import Settings

if TYPE_CHECKING:
    from index_config.cluster import Cluster


@click.command()
@click.pass_obj
def demo(settings: Settings) -> None:
    """Crawl six invented outlets in five languages, match them with ten cards, show the flags.

    Everything stays on this machine: the outlets are served on loopback, Elasticsearch is started when none answers. Each
    demo starts anew, in indices and a folder of its own.

    \b
    Example:   narrawatch demo
    """
    from index_config import apply  # noqa: PLC0415
    from index_config.cluster import connect  # noqa: PLC0415
    from narrawatch.demo.server import DemoSites  # noqa: PLC0415
    from narrawatch.node import have_elasticsearch  # noqa: PLC0415
    from narrawatch.pipeline import clock  # noqa: PLC0415

    console = Console(highlight=False)
    have_elasticsearch(settings, console)
    own = dataclasses.replace(
        settings, index_prefix=f"{settings.index_prefix}demo-", home=settings.home / "demo", allow_loopback=True
    )
    cluster = connect(own)
    apply.remove(cluster)
    shutil.rmtree(own.home, ignore_errors=True)
    apply.apply(cluster)
    with DemoSites(now=clock()) as sites:
        code = _main_job(dataclasses.replace(own, outlets=sites.outlets_dir), cluster, console)
    _show_best(cluster, console)
    console.print(
        "\nLook further:\n"
        f"  export NARRAWATCH_INDEX_PREFIX={own.index_prefix} NARRAWATCH_HOME={own.home}\n"
        "  narrawatch flags list                 analysts: all flags; `flags show ID`, `flags confirm ID`, `add URL`\n"
        "  narrawatch up --airflow               operators: Airflow on this machine (after `make airflow`)\n"
        "  make demo-report                      readers: the weekly report, on eight weeks of invented history\n"
        "Dashboards: set KIBANA_URL and run `narrawatch setup`.\n"
        "With real outlets: narrawatch setup, narrawatch narratives import FILE, narrawatch run",
        markup=False,
        soft_wrap=True,
    )
    sys.exit(code)


def _main_job(settings: Settings, cluster: "Cluster", console: Console) -> int:
    from narrawatch import pipeline  # noqa: PLC0415
    from narrawatch.cli import pipeline as shown  # noqa: PLC0415
    from narrawatch.demo import CARDS  # noqa: PLC0415
    from processing.cards import import_cards  # noqa: PLC0415
    from processing.encoder import load_encoder  # noqa: PLC0415
    from processing.importers import CardProblem, read_all  # noqa: PLC0415

    cards = [card for card in read_all(CARDS) if not isinstance(card, CardProblem)]
    result = import_cards(cluster, cards, load_encoder(settings.encoder), author="demo", reason="demo")
    console.print(f"{result.new} narrative cards imported")
    return shown.run_all(settings, cluster, (), pipeline.new_run_id(), console)


def _show_best(cluster: "Cluster", console: Console) -> None:
    from narrawatch.cli.flags import print_flag, print_flags  # noqa: PLC0415
    from processing.flags import article_text, list_flags  # noqa: PLC0415

    total, found = list_flags(cluster, {}, 50)
    print_flags(console, found, total)
    foreign = [flag for flag in found if flag["language"] != "en"] or found
    if foreign:
        console.print("\nOne of them, as an analyst sees it:", style="bold")
        print_flag(console, foreign[0], article_text(cluster, foreign[0]))
