"""Which worker of a run gets which tests next.

What takes long to make, for instance a running CLI, is made once: all tests that use it go to one worker. Work goes out
in the order of the collection, so the longest kinds go first; but one worker begins at the other end. The long kinds
mostly wait for programs, the short ones compute: together they keep the cores busy. At the end only short tests are
left, so no worker ends long after the others.
"""

from __future__ import annotations

import re

from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]
from xdist.workermanage import WorkerController  # type: ignore[import-untyped]

REAL_CLIS, END_TO_END = "tests/real_clis/", "tests/end_to_end/"
_FIRST_PARAMETER = re.compile(r"\[(claude-197|\w+)")  # in the tests of real CLIs it is the CLI


def unit_of(nodeid: str) -> str:
    """What goes to one worker as a whole: the tests of a file with the same CLI, a test of the whole product, or a
    file."""
    file, _, test = nodeid.partition("::")
    if nodeid.startswith(REAL_CLIS) and (found := _FIRST_PARAMETER.search(test)):
        return f"{file} {found[1]}"
    return nodeid if nodeid.startswith(END_TO_END) else file


class FromBothEnds(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """For `--dist loadscope`."""

    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid)

    def _assign_work_unit(self, node: WorkerController) -> None:
        if node is self.nodes[0]:
            self.workqueue.move_to_end(next(reversed(self.workqueue)), last=False)
        super()._assign_work_unit(node)
