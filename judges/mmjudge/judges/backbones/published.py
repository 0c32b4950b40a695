"""What published models need to be told beyond their names."""

# What a hub holds under a name can be replaced: the commits that others' published runs name.
COMMITS = {
    "Salesforce/blip-itm-base-coco": "e53efa8c21a31de017ae583d8bfe42dfa9ada8cb",
    "THUDM/ImageReward": "9fabc279a94f082f9eb130070cac021569dd16dc",
    "laion/CLIP-ViT-H-14-laion2B-s32B-b79K": "1c2b8495b28150b8a4922ee1c8edee224c284c0c",
    "openai/clip-vit-large-patch14": "32bd64288804d66eefd0ccbe215aa642df71cc41",
    "xswu/HPSv2": "697403c78157020a1ae59d23f111aa58ced35b0a",
    "yuvalkirstain/PickScore_v1": "a4e4367c6dfa7288a00c550414478f865b875800",
}
# Whose image processor and tokenizer a model is published to be used with.
PROCESSORS = {"yuvalkirstain/PickScore_v1": "laion/CLIP-ViT-H-14-laion2B-s32B-b79K"}


def commit_of(name: str, revision: str) -> str:
    """The revision to load of a hub's ORG/NAME: the one asked for, else a known commit, else ''."""
    return revision or COMMITS.get(name, "")
