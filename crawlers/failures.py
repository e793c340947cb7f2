"""From an exception that ended a request to the outcome it is counted as."""

from scrapy.exceptions import CannotResolveHostError, DownloadCancelledError, DownloadTimeoutError, IgnoreRequest

from crawlers.guard import BadAddress, PrivateAddress
from crawlers.limits import TooBig
from crawlers.outcomes import FetchOutcome
from crawlers.unpack import BadEncoding


class Refusal(IgnoreRequest):
    """We did not ask, for a reason that is an outcome of its own."""

    outcome: FetchOutcome


_FAILURES: tuple[tuple[type[Exception], FetchOutcome], ...] = (
    (PrivateAddress, FetchOutcome.PRIVATE_ADDRESS),
    (BadAddress, FetchOutcome.INVALID_URL),
    (TooBig, FetchOutcome.TOO_BIG),
    (DownloadCancelledError, FetchOutcome.TOO_BIG),
    (BadEncoding, FetchOutcome.BAD_ENCODING),
    (DownloadTimeoutError, FetchOutcome.TIMEOUT),
    (CannotResolveHostError, FetchOutcome.DNS),
    (IgnoreRequest, FetchOutcome.REDIRECT_LOOP),  # what is left: "max redirections reached"
    (ValueError, FetchOutcome.INVALID_URL),  # a redirect to what no request can be made of
)


def outcome_of(error: BaseException | None) -> FetchOutcome:
    """The outcome of a request that brought no response."""
    if isinstance(error, Refusal):
        return error.outcome
    return next((outcome for kind, outcome in _FAILURES if isinstance(error, kind)), FetchOutcome.CONNECTION)
