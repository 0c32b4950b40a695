"""The words MMIE-Score is asked in: the published ones, which are not ours to ship, or our own.

The published texts are Lillianwei-h/MMIE's three system prompts and the layouts around question and
answer, and OpenGVLab/InternVL's system message. They are known here by their digests alone, and
found by those among the strings of the files they stand in, which are parsed and never run.
"""

import ast
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from mmjudge.judges.backbones.errors import BackboneUnavailable
from mmjudge.judges.backbones.model_files import fetch_url
from mmjudge.judges.fingerprint import fingerprint

PUBLISHED, PARAPHRASED = "published", "paraphrased"
INSTEAD = f"configure prompts = {PARAPHRASED!r}: words of our own, whose scores are no MMIE-Score"
CATEGORIES = ("SA", "PBL", "MSR")
REPOSITORIES = "https://raw.githubusercontent.com"
MMIE = f"{REPOSITORIES}/Lillianwei-h/MMIE/eb0fd6ecf14576760b5c3deb95c47579cf0cc36e"
INTERNVL = f"{REPOSITORIES}/OpenGVLab/InternVL/2410d1dbf208f0e799459aff9376e5747dbf41a2"
# Where the texts stand -> what the file is called where it is kept.
URLS = {
    f"{MMIE}/prompts.py": "mmie-eb0fd6e-prompts.py",
    f"{INTERNVL}/internvl_chat/internvl/conversation.py": "internvl-2410d1d-conversation.py",
}
LAYOUT = "6c3daf6e020239fc1f8e6ccd92111b9a4560a8b9ba29c585a678afb94e2aef37"
# SHA-256 of each text in UTF-8.
DIGESTS = {
    "message": "da22fdde9f422876a0b725a4ecec9f15005bfaad700d33c87fe6f29b0bd09447",
    "SA": "9e29bd376367a88051001c1592bd75851fda68326c7ea762bb79170c080331a3",
    "PBL": "b80214d31c9c25c5ed00d62a990bf422cf2bee304bd6dd29c328692b4b889d49",
    "MSR": "72bc495ec21b8c185bee68c351981dbc9a041aee2ba1c27bd287caa9099a9681",
    "SA.layout": LAYOUT,
    "PBL.layout": LAYOUT,
    "MSR.layout": "d1570f91279a70dd8bb7778996d30d48221e8aa46527b3ae70704b28533f76e0",
}


@dataclass(frozen=True, slots=True)
class MmiePrompts:
    """What the scorer is told.

    source: `published` or `paraphrased`, by the words and not by where they came from.
    message: the system message of the conversation.
    templates: by category, with `{question}`, `{answer}` and, for MSR, `{gt_answer}` in them.
    """

    source: str
    message: str
    templates: Mapping[str, str]

    @property
    def digest(self) -> str:
        """Digest of all texts."""
        return fingerprint({"message": self.message, **self.templates})


def load_prompts(place: str) -> MmiePrompts:
    """The texts of `published`, `paraphrased` or a folder.

    A folder has the published texts, in files `.py` as they are published or in files `.txt`, a
    text each.

    Raises `BackboneUnavailable`: no network and nothing fetched, no such folder, other texts.
    """
    if place == PARAPHRASED:
        file = Path(__file__).with_name("mmie_paraphrased.toml")
        return _prompts(PARAPHRASED, tomllib.loads(file.read_text(encoding="utf-8")))
    files = prompt_files(place)
    known = {sha256(text.encode()).hexdigest(): text for text in _texts(files)}
    missing = [name for name, digest in DIGESTS.items() if digest not in known]
    if missing:
        raise BackboneUnavailable(
            f"prompts {place!r}: none of the texts in {', '.join(map(str, files)) or 'it'} has the "
            f"digest of {', '.join(missing)}; expected those of {' and '.join(URLS)}, or {INSTEAD}"
        )
    return _prompts(PUBLISHED, {name: known[digest] for name, digest in DIGESTS.items()})


def prompt_files(place: str) -> list[Path]:
    """Files that the texts of `load_prompts` are read from, fetched where needed; raises as it."""
    if place == PARAPHRASED:
        return []
    if place == PUBLISHED:
        try:
            return [fetch_url(url, "", name) for url, name in URLS.items()]
        except BackboneUnavailable as error:
            raise BackboneUnavailable(f"prompts {place!r}: {error}; or {INSTEAD}") from error
    if not Path(place).is_dir():
        raise BackboneUnavailable(
            f"prompts {place!r}: expected {PUBLISHED!r}, {PARAPHRASED!r} or a folder"
        )
    return sorted(path for path in Path(place).iterdir() if path.suffix in (".py", ".txt"))


def _texts(files: Iterable[Path]) -> Iterator[str]:
    for path in files:
        try:
            text = path.read_bytes().decode()
            nodes = ast.walk(ast.parse(text)) if path.suffix == ".py" else ()
        except (SyntaxError, ValueError) as error:
            raise BackboneUnavailable(f"{path}: cannot be parsed ({error})") from error
        yield text
        for node in nodes:
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def _prompts(source: str, texts: Mapping[str, str]) -> MmiePrompts:
    templates = {name: texts[name] + texts[f"{name}.layout"] for name in CATEGORIES}
    return MmiePrompts(source, texts["message"], templates)
