"""English words that name nothing in an image: a short list of our own."""

from hashlib import sha256

# Articles and determiners; pronouns; auxiliaries and copulas; prepositions; conjunctions; adverbs
# of degree, time and stance; and what captions say of themselves rather than of what they show.
_WORDS = """
a an the this that these those some any no each every either neither both all such another other
others same own what which whose whatever whichever enough
i me my mine myself we us our ours ourselves you your yours yourself yourselves he him his himself
she her hers herself it its itself they them their theirs themselves one ones who whom someone
somebody something anyone anybody anything everyone everybody everything nobody nothing none
am is are was were be been being isn't aren't wasn't weren't have has had having haven't hasn't
hadn't do does did doing done don't doesn't didn't will would shall should can could may might must
won't wouldn't shouldn't can't cannot couldn't mustn't let's
i'm i've i'll i'd you're you've you'll you'd he's he'll he'd she's she'll she'd it's it'll we're
we've we'll we'd they're they've they'll they'd that's there's here's who's what's where's
s t d m ll re ve
of in on at by to from with without into onto over under above below between among through across
along around near beside besides beneath behind before after during until since against toward
towards about as for off out up down upon within via per
and or but nor so yet if then else than because while whereas although though unless whether
not very too quite rather really just only also even still again ever never always often usually
sometimes perhaps maybe almost already here there where when why how now once well much many more
most less least few several lot lots kind sort seems seem seemed appears appear appeared looks like
overall however moreover furthermore additionally
image images picture pictures photo photos photograph photographs photography shows show showing
shown depicts depict depicting depicted features feature featuring contains contain containing
scene visible seen appearing
""".split()

STOP_WORDS = frozenset(_WORDS)
STOP_WORDS_DIGEST = sha256(" ".join(sorted(STOP_WORDS)).encode()).hexdigest()[:16]


def is_stop_word(word: str) -> bool:
    """Whether a word is in the list, in any case and with either form of the apostrophe."""
    return word.casefold().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'") in STOP_WORDS
