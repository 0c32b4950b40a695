"""Sentences by which a model declines to judge."""

import re

_CANNOT = (
    r"(?:can ?not|can't|could not|couldn't|won't|will not|am unable to|'m unable to|am not able to"
    r"|'m not able to|am not going to|'m not going to|must decline to|have to decline to|decline to"
    r"|prefer not to|'d rather not|would rather not|am not allowed to|'m not allowed to"
    r"|(?:do not|don't) (?:have|possess) the (?:ability|capability|capacity) to)"
)
_ADVERB = (
    r"(?: be able to)?"
    r"(?: (?:directly|actually|really|currently|ethically|in good conscience))?"
)
_JUDGE = (
    r"(?:assist|help|rate|evaluate|assess|judge|score|grade|compare|analyze|analyse|comply|engage"
    r"|fulfil|fulfill|complete|participate|answer|do (?:that|this)|continue with|respond"
    r"|identify (?:people|persons|individuals|anyone|real)|choose between|rank)\b"
)
_VIEW = (
    r"(?:view|see|access|open|process|look at|display|interpret|load) "
    r"(?:(?:the|this|these|those|that|your|any|an|actual|provided|attached|uploaded|both) ){0,3}"
    r"(?:image|images|picture|pictures|photo|photos|attachment|attachments|file|files)\b"
    r"(?! (?:quality|artifacts|artefacts|defects|noise|distortion|elements))"
)
_GIVE = (
    r"(?:provide|give|offer|make|produce)(?: you with)? "
    r"(?:(?:a|an|any|the|this|that|such|numeric|numerical) ){0,3}"
    r"(?:rating|ratings|score|scores|evaluation|judgment|judgement|assessment|analysis|comparison"
    r"|assistance|help|response|answer|opinion)\b"
)
_DECLINING = re.compile(
    rf"\bI ?(?:{_CANNOT}){_ADVERB} (?:{_JUDGE}|{_VIEW}|{_GIVE})"
    r"|\bI ?(?:must|have to|need to|will have to) (?:respectfully |politely )?decline\b"
    r"|\bI ?(?:am|'m) not comfortable (?:with )?"
    r"(?:rating|evaluating|assessing|judging|scoring|this)"
    r"|\bI(?:'m| am) (?:very |so |really )?sorry, (?:but )?I (?:can ?not|can't|won't|am unable)\b"
    r"|\bas an AI\b[^.!?\n]{0,80}\b(?:can ?not|can't|unable|not able|not capable|don't|do not)\b"
    r"|\bI (?:do not|don't) see (?:any|an|the) (?:image|images|picture|photo)\b"
    r"(?= ?(?:[.,;!]|\Z|attached|provided|uploaded|here|in|to)(?!\w))"
    r"|\b(?:against|violates?|outside|under|by|with) (?:my|our) "
    r"(?:\w+ ){0,2}(?:guidelines|polic(?:y|ies))"
    r"|\b(?:this|your) request (?:\w+ ){0,2}"
    r"(?:violates?|goes against|was blocked|is not allowed)\b",
    re.IGNORECASE,
)
# "I cannot rate it higher than 3" is a judgement.
_JUDGING = re.compile(r"\b(?:higher|lower|above|below|beyond|more than|less than)\b", re.IGNORECASE)
_QUOTATION = re.compile(r"\"[^\"\n]{0,1000}\"|“[^“”\n]{0,1000}”")
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]*")


def refusal(text: str) -> str | None:
    """The first sentence by which the model declines to judge, or None.

    What is quoted is not said by the model. A text with a readable answer is no refusal, whatever
    its sentences: ask only after reading failed.
    """
    spoken = _QUOTATION.sub("", text.replace("’", "'"))
    for sentence in _SENTENCE.findall(spoken):
        if _DECLINING.search(sentence) and not _JUDGING.search(sentence):
            return " ".join(sentence.split())[:300]
    return None
