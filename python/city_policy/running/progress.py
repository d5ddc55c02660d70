"""One line that says how far a build is: rewritten in place on a terminal, elsewhere a line per tenth."""

import sys
import time
from collections.abc import Mapping
from typing import TextIO

import numpy as np
from tqdm import tqdm

from city_policy.language import said

# Share of the nodes that are done, and of the time that has passed by then: the estimates come late. Measured on the
# demo; a build that follows an earlier one knows the seconds of every node instead.
NODES_DONE = (0.0, 0.27, 0.46, 0.64, 0.73, 0.82, 0.91, 1.0)
TIME_PASSED = (0.0, 0.09, 0.19, 0.38, 0.49, 0.81, 0.88, 1.0)


class Progress:
    """How far dbt is.

    ``expected``: the seconds that each node took in an earlier build, by its identifier; may be empty. ``quiet``: say
    nothing. ``stream``: where the line goes, standard error by default.
    """

    def __init__(self, expected: Mapping[str, float], quiet: bool = False, stream: TextIO | None = None) -> None:
        self.expected = expected
        self.quiet = quiet
        self.stream = stream or sys.stderr
        on_terminal = self.stream.isatty() and not quiet
        self.line = tqdm(bar_format="{desc}", disable=not on_terminal, leave=False, file=self.stream)
        self.line.set_description_str(said("dbt build: reading the project"))
        self.started = time.monotonic()
        self.nodes = self.nodes_done = self.tenths = 0
        self.seconds_done = 0.0

    def begin(self, nodes: int) -> None:
        """Say how many nodes there are, as soon as dbt knows."""
        self.nodes = nodes
        self.started = time.monotonic()

    def done(self, node: str, name: str) -> None:
        """Count a node and say what is done and how long the rest will take. ``name``: the node as people read it."""
        self.nodes_done += 1
        self.seconds_done += self.expected.get(node, 0.0)
        share = self.share
        elapsed = time.monotonic() - self.started
        words = f"dbt build: {100 * share:.0f} %"
        if share > 0.02:
            words += f", about {elapsed * (1 - share) / share:.0f} s left"
        words = said(words)
        if not self.line.disable:
            self.line.set_description_str(f"{words}  {name}")
        elif not self.quiet and int(10 * share) > self.tenths:
            self.tenths = int(10 * share)
            print(words, file=self.stream, flush=True)

    @property
    def share(self) -> float:
        """The part of the time that has passed, between 0 and 1."""
        expected = sum(self.expected.values())
        # Seconds of an earlier build tell about this one where it has the same nodes.
        if expected and len(self.expected) == self.nodes:
            return min(self.seconds_done / expected, 1.0)
        return float(np.interp(self.nodes_done / max(self.nodes, 1), NODES_DONE, TIME_PASSED))

    def end(self) -> None:
        """Take the line away."""
        self.line.close()
