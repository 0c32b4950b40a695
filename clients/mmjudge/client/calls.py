"""One call of a client: what is asked, of which items, in which parts, until when."""

from collections.abc import Sequence
from dataclasses import dataclass

from mmjudge.client.deadline import Deadline
from mmjudge.client.retrying import Retries
from mmjudge.client.transport import Transport
from mmjudge.v1 import judge_pb2 as pb


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """All that asking takes: `parts` are ranges of `items`, `template` a request without items."""

    transport: Transport
    template: pb.JudgeRequest
    items: Sequence[pb.Item]
    parts: Sequence[range]
    deadline: Deadline
    retries: Retries
    in_flight: int

    @property
    def judges(self) -> Sequence[str]:
        """Names of the judges asked."""
        return self.template.judges

    def request(self, indices: Sequence[int]) -> pb.JudgeRequest:
        """Return the request for the items at `indices`, in that order."""
        request = pb.JudgeRequest()
        request.CopyFrom(self.template)
        request.items.extend(self.items[i] for i in indices)
        return request
