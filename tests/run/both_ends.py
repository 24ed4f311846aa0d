"""Files of tests are given out from both ends: one worker begins with the slow ones, the others with the quick ones.

So no two files that start services and wait for them run beside each other for most of the time, and what is left over in the end,
in the middle, is short.
"""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController


class BothEnds(LoadFileScheduling):
    """Gives out whole files: the first worker takes from the front, the others from the back."""

    def __init__(self, config: pytest.Config, log: Producer) -> None:
        config.option.loadscopereorder = False  # the order is the one that they were collected in
        super().__init__(config, log)

    def _assign_work_unit(self, node: WorkerController) -> None:
        if node is not self.nodes[0]:
            self.workqueue.move_to_end(next(reversed(self.workqueue)), last=False)
        super()._assign_work_unit(node)

    def _reschedule(self, node: WorkerController) -> None:
        # A worker needs to know one test ahead, and no more: a file that waits behind a slow one waits for long.
        if not self.workqueue or self._pending_of(self.assigned_work[node]) <= 1:
            super()._reschedule(node)
