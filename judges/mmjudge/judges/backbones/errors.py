"""What can go wrong while a backbone is being built."""


class BackboneUnavailable(RuntimeError):
    """A backbone's weights are missing or not the pinned ones; the message says the fix."""
