"""For commands that should just work: an Elasticsearch, whoever started it."""

from rich.console import Console

from index_config import local_node
from index_config.cluster import NobodyAnswers, connect, reachable
from narrawatch.settings import Settings


def have_elasticsearch(settings: Settings, console: Console) -> None:
    """Use what answers at ELASTICSEARCH_URL; when nothing does, start the local node there.

    Raises:
        NarrawatchError: it refuses us, or does not answer and cannot be started.
    """
    try:
        reachable(connect(settings), settings.elasticsearch_url)
    except NobodyAnswers:
        local_node.up(settings, console)
