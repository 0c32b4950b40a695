"""What the operations over a generator share: the network, its processor, and a name."""

from mmjudge.judges.backbones.generator_network import GeneratorNetwork
from mmjudge.judges.backbones.question_processing import QuestionProcessor
from mmjudge.judges.operation import Budget


class QuestionOperation:
    """A computation of one generator over conversations, on the generator's device."""

    def __init__(
        self,
        network: GeneratorNetwork,
        processor: QuestionProcessor,
        *,
        name: str,
        fingerprint: str,
        budget: Budget,
    ) -> None:
        self._network, self._processor = network, processor
        self.name, self.fingerprint, self.budget = name, fingerprint, budget
        self.device = str(network.device)
