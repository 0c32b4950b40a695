"""Errors of loading weights."""

from mmjudge.contract.errors import SetupError

# The end of what is said of files that a hub or a URL did not give.
PULL = "`mmjudge pull JUDGE`, run where there is a network, fetches what a judge needs"


class BackboneUnavailable(SetupError):
    """A backbone cannot be loaded here; the message says what is missing and how to get it."""


def unavailable(what: str, error: Exception, instead: str) -> BackboneUnavailable:
    """The error of a library that did not get at `what`, in one line.

    `instead` is a clause on how to do without the hub.
    """
    reason = " ".join(str(error).split())[:600]
    return BackboneUnavailable(f"{what}: {type(error).__name__}: {reason}; {instead}; {PULL}")
