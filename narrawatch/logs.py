"""Where log lines go: a file per command and run below NARRAWATCH_HOME/logs."""

import logging
from pathlib import Path

from narrawatch.errors import NarrawatchError
from narrawatch.settings import Settings

_QUIET = ("elastic_transport", "trafilatura", "htmldate", "charset_normalizer", "scrapy")


def to_file(settings: Settings, name: str) -> Path:
    """Send the log of this process to `<home>/logs/<name>.log`, appending.

    Raises:
        NarrawatchError: the file cannot be written.
    """
    path = settings.home / "logs" / f"{name}.log"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(path, encoding="utf-8")
    except OSError as error:
        raise NarrawatchError(f"{path}: cannot write ({error.strerror}); free space or set NARRAWATCH_HOME") from error
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    for quiet in _QUIET:
        logging.getLogger(quiet).setLevel(logging.WARNING)
    return path
