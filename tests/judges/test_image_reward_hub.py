"""ImageReward's published scores of its published pictures; needs the model hub and GitHub."""

from urllib.request import urlopen

import pytest
from tests.judges.direct_host import DirectHost

from mmjudge.contract.images import EncodedImage
from mmjudge.contract.items import Ask, Candidate, Item, Want
from mmjudge.contract.verdicts import Judgement
from mmjudge.judges.backbones.image_reward import ImageRewardConfig
from mmjudge.judges.image_reward import ImageRewardJudge, ImageRewardOptions

# The commit that the goldens were recorded with.
COMMIT = "c1392c6dd0fd6ecd6d416c96959ab744a6d0a8fb"
PICTURES = f"https://raw.githubusercontent.com/THUDM/ImageReward/{COMMIT}/assets/images"
PROMPT = "a painting of an ocean with clouds and birds, day time, low depth field effect"
REWARDS = [0.5811622738838196, 0.2745276093482971, -1.4131819009780884, -2.029569625854492]


@pytest.mark.hub
async def test_the_scores_of_its_readme() -> None:
    candidates = []
    for number in range(1, 5):
        with urlopen(f"{PICTURES}/{number}.webp", timeout=60) as picture:
            candidates.append(Candidate([EncodedImage(picture.read())]))
    judge = ImageRewardJudge("x", ImageRewardOptions(), ImageRewardConfig(), DirectHost())
    verdict = await judge.judge(Item([PROMPT], candidates), Ask(Want.PREFERENCE))
    assert isinstance(verdict.outcome, Judgement)
    assert verdict.outcome.ranks == (1, 2, 3, 4)
    # It says that the numbers "may be slightly different depending on the compute device".
    found = [score.value for score in verdict.outcome.scores]
    assert found == pytest.approx(REWARDS, abs=1e-2)
