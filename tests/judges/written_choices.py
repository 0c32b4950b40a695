"""Answers with a choice of two as models write them, in our own words, and what must be read.

A place is the candidate, None a tie, a reason an abstention.
"""

from typing import NamedTuple

from mmjudge.contract.verdicts import AbstentionReason

UNPARSEABLE = AbstentionReason.UNPARSEABLE
REFUSED = AbstentionReason.REFUSED


class Asked(NamedTuple):
    """Labels, names and ties of a question."""

    labels: tuple[str, ...]
    names: tuple[str, ...]
    ties: tuple[str, ...] = ()


BETTER = Asked(("BETTER IMAGE", "PREFERENCE"), ("1", "2"), ("0",))
NO_TIE = Asked(("BETTER IMAGE",), ("1", "2"))
LETTERS = Asked(("Answer",), ("A", "B"), ("C", "tie"))
CRITIC = Asked(("The better AI generated response",), ("1", "2"))
NAMED = Asked(("VERDICT",), ("Image 1", "Image 2"))

CHOICES: list[tuple[Asked, str, int | None | AbstentionReason]] = [
    (BETTER, "BETTER IMAGE: 1", 0),
    (BETTER, "ANALYSIS: the second fits.\nPREFERENCE: 2", 1),
    (BETTER, "IMAGE-1 RATING: 3\nIMAGE-2 RATING: 9\nBETTER IMAGE: 2\nANALYSIS OF CHOICE: x", 1),
    (BETTER, "IMAGE-1 RATING: 3 IMAGE-2 RATING: 9 BETTER IMAGE: 2", 1),
    (BETTER, "Better image: Image 2", 1),
    (BETTER, "**Better Image:** Image 1, since its hands are right", 0),
    (BETTER, "### Better Image\n**2**", 1),
    (BETTER, "The better image is Image 2.", 1),
    (BETTER, "BETTER IMAGE: 1 is sharper", 0),
    (BETTER, '{"BETTER IMAGE": "1", "ANALYSIS OF CHOICE": "2 dogs"}', 0),
    (BETTER, '```json\n{"better_image": 2}\n```', 1),
    (BETTER, "2", 1),
    (BETTER, "Image 1.", 0),
    (BETTER, "BETTER IMAGE: 1\nPREFERENCE: 1", 0),
    (BETTER, "BETTER IMAGE: 0", None),
    (BETTER, "BETTER IMAGE: neither is better", None),
    (BETTER, "BETTER IMAGE: Both match the prompt equally well.", None),
    (BETTER, "BETTER IMAGE: I cannot decide.", None),
    (LETTERS, "Answer: A", 0),
    (LETTERS, "The answer is B.", 1),
    (LETTERS, "Answer: C", None),
    (LETTERS, "Answer: tie", None),
    (LETTERS, "My reasons are many.\n\n[[B]]", 1),
    (CRITIC, "The reason: fewer invented things.\nThe better AI generated response: [[2]].", 1),
    (CRITIC, "[[1]]", 0),
    (NAMED, "Verdict: image-2", 1),
    # abstentions
    (BETTER, "", UNPARSEABLE),
    (BETTER, "Image 1 has 2 dogs, image 2 has 1.", UNPARSEABLE),
    (BETTER, "BETTER IMAGE: 3", UNPARSEABLE),
    (BETTER, "BETTER IMAGE: -1", UNPARSEABLE),
    (BETTER, "BETTER IMAGE: 1.5", UNPARSEABLE),
    (BETTER, "BETTER IMAGE: 10", UNPARSEABLE),
    (BETTER, "BETTER IMAGE: 1 or 2", UNPARSEABLE),
    (BETTER, "BETTER IMAGE: 1 and 2", UNPARSEABLE),
    (BETTER, "BETTER IMAGE: 1\nPREFERENCE: 2", UNPARSEABLE),
    (BETTER, "BETTER IMAGE: Both match, but 1 is sharper", UNPARSEABLE),
    (BETTER, "[[1]] or [[2]]", UNPARSEABLE),
    (NO_TIE, "BETTER IMAGE: neither", UNPARSEABLE),
    (NO_TIE, "BETTER IMAGE: 0", UNPARSEABLE),
    (LETTERS, "Answer: A dog runs", UNPARSEABLE),
    (CRITIC, "The better AI generated response: [[3]].", UNPARSEABLE),
    (CRITIC, "The better AI generated response: [[1]]. No: [[2]].", UNPARSEABLE),
    (BETTER, "I'm sorry, but I can't help with comparing these.", REFUSED),
]
