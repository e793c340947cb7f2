"""How others learn that narrative cards have changed: a file that appears, which Airflow's triggerer watches for."""

from pathlib import Path

from narrawatch.errors import NarrawatchError
from narrawatch.settings import Settings


def marker(settings: Settings) -> Path:
    """The file; whoever acts on the change removes it first."""
    return settings.home / "narratives-changed"


def announce(settings: Settings) -> None:
    """Leave the file. Doing so twice before anybody looks is one announcement.

    Raises:
        NarrawatchError: it cannot be written.
    """
    path = marker(settings)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    except OSError as error:
        raise NarrawatchError(
            f"{path}: cannot write ({error.strerror}), so Airflow does not learn of the changed cards; "
            "run `narrawatch match`, or set NARRAWATCH_HOME"
        ) from error
