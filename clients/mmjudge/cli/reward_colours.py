"""Colours of rewards: blue above 0 and orange below, which colour-blind readers tell apart."""

Colour = tuple[int, int, int]
# The ends leave dark letters on them readable, at a contrast above 7.
ABOVE, NONE, BELOW = (107, 174, 224), (250, 250, 248), (244, 157, 84)
INK = (24, 24, 28)


def colour_of(reward: float, limit: float) -> Colour:
    """Return the colour of `reward` between those of -limit, 0 and limit."""
    end = ABOVE if reward > 0 else BELOW
    share = min(abs(reward) / limit, 1.0)
    red, green, blue = (
        round(none + share * (full - none)) for none, full in zip(NONE, end, strict=True)
    )
    return red, green, blue
