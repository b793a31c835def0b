"""The checking process: an order a line on its standard input, a verdict a line on its standard output.

What it reads may be made to do harm, so it limits itself first, and knows nothing that it does not need.
"""

from __future__ import annotations

import math
import resource
import sys
from contextlib import suppress

from lakehouse.runtime.checks.content import judge
from lakehouse.runtime.checks.orders import GIB, READY, Order

MEMORY = 2 * GIB
"""The most address space; a file that needs more cannot be checked."""


def main() -> None:
    """Answer until there are no more orders."""
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_AS, MEMORY)
    _say(READY)
    for line in sys.stdin:
        order = Order.from_json(line)
        used = resource.getrusage(resource.RUSAGE_SELF)
        _limit(resource.RLIMIT_CPU, math.ceil(used.ru_utime + used.ru_stime) + order.rules.seconds(order.size))
        _say(judge(order).to_json() + "\n")


def _say(line: str) -> None:
    sys.stdout.write(line)
    sys.stdout.flush()


def _limit(which: int, most: int) -> None:
    # The hard limit stays, so that the next file can have its own; some systems refuse, and the parent's clock remains.
    with suppress(ValueError, OSError):
        resource.setrlimit(which, (most, resource.getrlimit(which)[1]))


if __name__ == "__main__":
    main()
