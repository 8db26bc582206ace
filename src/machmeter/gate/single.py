"""One question on an open stage, pair by pair: for whoever decides by another rule than the gate."""

import re
import time

from machmeter.gate import pair as pairs
from machmeter.gate.peers import PeerError
from machmeter.gate.processes import BenchmarkError
from machmeter.gate.questions import Key, Question
from machmeter.gate.scout import scout
from machmeter.gate.stage import Stage
from machmeter.pairs import Pair

#: Sides that take longer to make than a pair serve for two.
_MOST_PAIRS_A_GENERATION = 2


class UnmeasurableError(Exception):
    """A question cannot be measured here.

    Parameters
    ----------
    reason : str
        For instance "it does not build: no module named Cython".
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Single:
    """A benchmark that is measured on a stage.

    Parameters
    ----------
    stage : Stage
        Opened.
    question : Question
        Of that stage.

    Raises
    ------
    UnmeasurableError
        If it fails on one of the sides.
    """

    def __init__(self, stage: Stage, question: Question) -> None:
        try:
            found = scout(stage, question)
        except PeerError as error:
            raise UnmeasurableError(str(error)) from error
        if found.plan is None:
            raise UnmeasurableError(found.reason)
        self.question = question
        self._stage = stage
        self._plan = found.plan
        self._left = 0
        self._pair_s = 0.0
        self.renewing_s = 0.0

    def take(self, index: int) -> Pair:
        """Take a pair, as a rule from new sides.

        Parameters
        ----------
        index : int
            Number of the pair: decides about the order of its samples.

        Raises
        ------
        UnmeasurableError
            If the benchmark fails.
        """
        fork = not (self._stage.fresh or self.question.fresh)
        if not fork or not self._left:
            self.renew()
        self._left -= 1
        try:
            taken = pairs.take(
                self._stage.sides(), self.question, self._plan, index, self._stage.generation, fork=fork
            )
        except (BenchmarkError, PeerError) as error:
            raise UnmeasurableError(str(error)) from error
        except pairs.SkippedError as error:
            raise UnmeasurableError("it does not apply to these parameters") from error
        self._pair_s = taken.seconds
        return taken

    def renew(self) -> None:
        """Make new sides."""
        began = time.monotonic()
        self._stage.renew()
        self.renewing_s = time.monotonic() - began
        slow = self._pair_s and self.renewing_s > self._pair_s
        self._left = _MOST_PAIRS_A_GENERATION if slow else 1


def exactly(key: Key) -> str:
    """Write the regular expression that matches one benchmark with one set of parameters."""
    benchmark, params = key
    name = f"{benchmark}({', '.join(params)})" if params else benchmark
    return f"^{re.escape(name)}$"
