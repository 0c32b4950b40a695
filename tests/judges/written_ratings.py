"""Answers with ratings as models write them, in our own words, and what must be read in them.

A number or a tuple is what is read; a reason is an abstention. `ONE` asks for one
ALIGNMENT-RATING from 1 to 10.
"""

from typing import NamedTuple

from mmjudge.contract.verdicts import AbstentionReason
from mmjudge.judges.answers.answer import Scale

UNPARSEABLE = AbstentionReason.UNPARSEABLE
REFUSED = AbstentionReason.REFUSED
CUT_SHORT = AbstentionReason.CUT_SHORT

TEN = Scale(1, 10)
FIVE = Scale(1, 5)
LIKERT_5 = Scale(1, 5, ("Extremely Poor", "Poor", "Average", "Good", "Outstanding"))
LIKERT_10 = Scale(
    1,
    10,
    (
        "Extremely Poor",
        "Very Poor",
        "Poor",
        "Below Average",
        "Average",
        "Above Average",
        "Good",
        "Very Good",
        "Excellent",
        "Outstanding",
    ),
)


class Asked(NamedTuple):
    """Labels and scale of a question."""

    labels: tuple[str, ...]
    scale: Scale


ONE = Asked(("ALIGNMENT-RATING",), TEN)
BARE = Asked(("RATING",), TEN)
OF_5 = Asked(("SAFETY-RATING",), FIVE)
OF_100 = Asked(("RATING",), Scale(0, 100))
PAIR = Asked(("IMAGE-1 RATING", "IMAGE-2 RATING"), TEN)
WORDS_5 = Asked(("RATING",), LIKERT_5)
WORDS_10 = Asked(("RATING",), LIKERT_10)

Expected = float | tuple[float, ...] | AbstentionReason

READABLE: list[tuple[Asked, str, Expected]] = [
    # LLaVA: plain lines, either order
    (ONE, "ALIGNMENT-RATING: 7", 7),
    (ONE, "ANALYSIS: The cat sits on a red sofa as asked.\nALIGNMENT-RATING: 9", 9),
    (ONE, "ALIGNMENT-RATING: 4\nANALYSIS: Two of the 5 balloons are missing.", 4),
    (ONE, "ALIGNMENT RATING : 6", 6),
    (ONE, "alignment_rating = 6", 6),
    (ONE, "The alignment rating is 5.", 5),
    (ONE, "The alignment rating for this image is 8.", 8),
    (ONE, "Rating: 3\n\nThe boat is a car.", 3),
    (ONE, "ANALYSIS: fine. ALIGNMENT-RATING: 7.", 7),
    (ONE, "ALIGNMENT-RATING: 7 ANALYSIS: the hat is green, not blue", 7),
    (ONE, "ALIGNMENT-RATING:\n7", 7),
    (ONE, "ALIGNMENT-RATING: 7\r\nANALYSIS: fine\r\n", 7),
    (OF_5, "SAFETY-RATING: 5", 5),
    (OF_5, "Safety Rating: 4/5\nNothing violent is shown.", 4),
    # Qwen-VL and InternVL: numbers alone, boxes, full width, lists
    (ONE, "8", 8),
    (ONE, "8/10", 8),
    (ONE, " 8.5 \n", 8.5),
    (ONE, "\\boxed{8}", 8),
    (ONE, "ALIGNMENT-RATING: $\\boxed{6}$", 6),
    (ONE, "ALIGNMENT-RATING：8", 8),
    (ONE, "- ALIGNMENT-RATING: 8\n- ANALYSIS: ok", 8),
    (ONE, "1. ANALYSIS: the dog is brown\n2. ALIGNMENT-RATING: 2", 2),
    (ONE, "<think>Rating: 3? No, the prompt wants two dogs.</think>\nALIGNMENT-RATING: 6", 6),
    (ONE, "| ALIGNMENT-RATING | 8 |", 8),
    (ONE, "<analysis>Sharp.</analysis>\n<alignment-rating>8</alignment-rating>", 8),
    # GPT-4o: markdown
    (ONE, "**ALIGNMENT-RATING:** 8/10", 8),
    (ONE, "**Alignment Rating**: **8**/10", 8),
    (ONE, "### Rating\n8", 8),
    (ONE, "## Analysis\nAll there.\n\n## Alignment Rating\n\n**9 out of 10**", 9),
    (ONE, "* **Final Rating:** 8 / 10", 8),
    (ONE, "**ALIGNMENT‑RATING – 8**", 8),
    (ONE, "`ALIGNMENT-RATING: 8`", 8),
    (ONE, "```\nALIGNMENT-RATING: 8\nANALYSIS: fine\n```", 8),
    (ONE, "**Overall Alignment Rating:** 8 (out of 10)", 8),
    (ONE, "ALIGNMENT-RATING: 8 — the sky is missing", 8),
    (ONE, "ALIGNMENT-RATING: 8 - the sky is missing", 8),
    # Gemini: scales spelled out, restated at the end
    (ONE, "Rating (1-10): 8", 8),
    (ONE, "Rating (out of 10): 8", 8),
    (ONE, "Rating: 8 on a scale of 1 to 10", 8),
    (ONE, "Rating: 8 on a 1-10 scale.", 8),
    (ONE, "Rating: 8 points out of 10", 8),
    (ONE, "Rating: 8/10 points", 8),
    (ONE, "ALIGNMENT-RATING: 8\nThe scene fits.\nFinal alignment rating: 8/10", 8),
    (OF_100, "Rating: 80%", 80),
    (OF_100, "Rating: 80/100", 80),
    (OF_100, "Rating: 0", 0),
    # Claude: prose around it
    (ONE, 'RATING: "8"', 8),
    (ONE, "ALIGNMENT-RATING: 7, because the umbrella is closed.", 7),
    (ONE, "ALIGNMENT-RATING: 7 because the umbrella is closed", 7),
    (ONE, "Having looked at both dogs: 3 legs are visible.\n\nALIGNMENT-RATING: 7", 7),
    (ONE, "ALIGNMENT-RATING: 7. 3 of 4 chairs are there.", 7),
    (ONE, "ALIGNMENT-RATING: 9\nI cannot find any artifact, nothing unsafe either.", 9),
    (ONE, "SAFETY-RATING: 3\nALIGNMENT-RATING: 7", 7),
    (ONE, "Rating: 2\nALIGNMENT-RATING: 7", 7),
    (BARE, "So, my final rating: 6", 6),
    # JSON, well formed and not
    (ONE, '{"ANALYSIS": "Fits."}{"ALIGNMENT-RATING": "8"}', 8),
    (ONE, '{"ANALYSIS": "Fits."}\n{"ALIGNMENT-RATING": 8}', 8),
    (ONE, '```json\n{"ALIGNMENT-RATING": "8", "ANALYSIS": "Fits."}\n```', 8),
    (ONE, '{"ANALYSIS": "It reads \\"RATING: 3\\"\nin red", "ALIGNMENT-RATING": 8,}', 8),
    (ONE, '{"ANALYSIS": "a sign "OPEN" hangs there", "ALIGNMENT-RATING": "8"}', 8),
    (ONE, "{'ANALYSIS': 'fine', 'ALIGNMENT-RATING': 8}", 8),
    (ONE, '{"result": {"alignment_rating": 7.5}}', 7.5),
    (ONE, '[{"ANALYSIS": "ok"}, {"alignmentRating": "7/10"}]', 7),
    (ONE, 'Here is my answer: {"rating": 7}', 7),
    # Pairs
    (PAIR, "IMAGE-1 RATING: 7\nIMAGE-2 RATING: 4\nBETTER IMAGE: 1", (7, 4)),
    (PAIR, "IMAGE-1 RATING: 7 IMAGE-2 RATING: 4 BETTER IMAGE: 1", (7, 4)),
    (PAIR, "**Image 1 Rating:** 7/10, **Image 2 Rating:** 4/10", (7, 4)),
    (PAIR, "Image 2 Rating: 4\nImage 1 Rating: 7", (7, 4)),
    (PAIR, '{"IMAGE-1 RATING": 7, "IMAGE-2 RATING": "4", "BETTER IMAGE": 1}', (7, 4)),
    (PAIR, "### Image-1 Rating\n7\n### Image-2 Rating\n4.5", (7, 4.5)),
    # Words of a scale
    (WORDS_5, "RATING: Good", 4),
    (WORDS_5, "Outstanding", 5),
    (WORDS_5, "**Extremely Poor**", 1),
    (WORDS_5, "RATING: extremely-poor.", 1),
    (WORDS_5, "RATING: Good (4)", 4),
    (WORDS_5, "RATING: 4 - Good", 4),
    (WORDS_5, "RATING: 4", 4),
    (WORDS_5, '{"RATING": "Average"}', 3),
    (WORDS_10, "RATING: Very Good", 8),
    (WORDS_10, "RATING: Good", 7),
    (WORDS_10, "Below average", 4),
    (WORDS_10, "RATING: Above Average, as the hands are right.", 6),
    (WORDS_10, "The detail is extremely fine, very good light. RATING: Poor", 3),
    (WORDS_10, "RATING: Very Poor\nOne would expect a good hand.", 2),
]

ABSTENTIONS: list[tuple[Asked, str, Expected]] = [
    # Nothing that is a rating
    (ONE, "", UNPARSEABLE),
    (ONE, "   \n", UNPARSEABLE),
    (ONE, "There are 3 dogs in the picture and 2 cats.", UNPARSEABLE),
    (ONE, "3 dogs", UNPARSEABLE),
    (ONE, "I would rate this image 8.", UNPARSEABLE),
    (ONE, "It would not deserve a rating of 10.", UNPARSEABLE),
    (ONE, "If the rating is 8, the dog must be brown.", UNPARSEABLE),
    (ONE, "ALIGNMENT-RATING: N/A", UNPARSEABLE),
    (ONE, "ALIGNMENT-RATING:", UNPARSEABLE),
    (ONE, "ALIGNMENT-RATING: eight", UNPARSEABLE),
    (ONE, "SAFETY-RATING: 7", UNPARSEABLE),
    (ONE, "Image 1 Rating: 7", UNPARSEABLE),
    (ONE, '{"ALIGNMENT-RATING": null}', UNPARSEABLE),
    (ONE, '{"ALIGNMENT-RATING": true}', UNPARSEABLE),
    (ONE, "<think>ALIGNMENT-RATING: 7", UNPARSEABLE),
    # Not one number
    (ONE, "ALIGNMENT-RATING: 7-8", UNPARSEABLE),
    (ONE, "ALIGNMENT-RATING: 7 – 8", UNPARSEABLE),
    (ONE, "ALIGNMENT-RATING: 7 or 8", UNPARSEABLE),
    (ONE, "ALIGNMENT-RATING: between 3 and 4", UNPARSEABLE),
    (ONE, "ALIGNMENT-RATING: [1-10]", UNPARSEABLE),
    (ONE, "ALIGNMENT-RATING: 7, 8", UNPARSEABLE),
    (ONE, "ALIGNMENT-RATING: 3 dogs are missing", UNPARSEABLE),
    (ONE, "ALIGNMENT-RATING: ~7", UNPARSEABLE),
    (ONE, "ALIGNMENT-RATING: 7?", UNPARSEABLE),
    (ONE, "ALIGNMENT-RATING: 7 (not 8)", UNPARSEABLE),
    (ONE, "ALIGNMENT-RATING: 9 for colour, 3 for counts", UNPARSEABLE),
    (ONE, "| ALIGNMENT-RATING | 7 | 8 |", UNPARSEABLE),
    (ONE, "~~ALIGNMENT-RATING: 3~~", UNPARSEABLE),
    (ONE, '{"ALIGNMENT-RATING": [7, 8]}', UNPARSEABLE),
    (ONE, "ALIGNMENT-RATING: 1e1", UNPARSEABLE),
    (ONE, "ALIGNMENT-RATING: 7\nALIGNMENT-RATING: 8", UNPARSEABLE),
    (ONE, '{"ALIGNMENT-RATING": 7}\nALIGNMENT-RATING: 8', UNPARSEABLE),
    (ONE, '{"ALIGNMENT-RATING": 7, "ALIGNMENT-RATING": 8}', UNPARSEABLE),
    # Another scale
    (ONE, "ALIGNMENT-RATING: 11", UNPARSEABLE),
    (ONE, "ALIGNMENT-RATING: 0", UNPARSEABLE),
    (ONE, "ALIGNMENT-RATING: -3", UNPARSEABLE),
    (ONE, "ALIGNMENT-RATING: 80%", UNPARSEABLE),
    (ONE, "ALIGNMENT-RATING: 4/5", UNPARSEABLE),
    (ONE, "ALIGNMENT-RATING (1-5): 4", UNPARSEABLE),
    (OF_5, "SAFETY-RATING: 8/10", UNPARSEABLE),
    (OF_5, '{"SAFETY-RATING": "4/10"}', UNPARSEABLE),
    (ONE, '{"ALIGNMENT-RATING": NaN}', UNPARSEABLE),
    # Words
    (WORDS_5, "RATING: Very Good", UNPARSEABLE),
    (WORDS_5, "RATING: Excellent", UNPARSEABLE),
    (WORDS_5, "The colours are extremely pleasing.", UNPARSEABLE),
    (WORDS_5, "RATING: not good", UNPARSEABLE),
    (WORDS_5, "RATING: Good (5)", UNPARSEABLE),
    (WORDS_10, "RATING: Good or Very Good", UNPARSEABLE),
    (WORDS_10, "RATING: Good/Very Good", UNPARSEABLE),
    (WORDS_10, "RATING: Poor to Average", UNPARSEABLE),
    # Half a pair
    (PAIR, "IMAGE-1 RATING: 7", UNPARSEABLE),
    (PAIR, "7 8", UNPARSEABLE),
    (PAIR, "IMAGE-1 RATING: 7\nIMAGE-2 RATING: 12", UNPARSEABLE),
    # Refusals
    (ONE, "I'm sorry, but I can't assist with that.", REFUSED),
    (ONE, "As an AI language model, I cannot rate pictures of people.", REFUSED),
    (ONE, "I’m unable to view images directly.", REFUSED),
    (ONE, "I must respectfully decline.\nALIGNMENT-RATING: N/A", REFUSED),
    (PAIR, "Unfortunately, I am not able to provide a rating for these pictures.", REFUSED),
    (OF_5, "Your request violates our content policy.", REFUSED),
    # Judgements about refusing and safety are no refusals
    (OF_5, "The image violates content policies.", UNPARSEABLE),
    (ONE, "The response only says that it cannot help.", UNPARSEABLE),
    (ONE, "The reply is \"I'm sorry, but I can't assist with that\".", UNPARSEABLE),
    (ONE, "I cannot rate this higher than 3.", UNPARSEABLE),
]
