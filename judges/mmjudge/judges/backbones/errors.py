"""Errors of loading weights."""

from mmjudge.contract.errors import SetupError


class BackboneUnavailable(SetupError):
    """A backbone cannot be loaded here; the message says what is missing and how to get it."""
