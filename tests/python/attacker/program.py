"""Linear programs of one set of conditions, asked again and again for other costs.

HiGHS goes on from the last solution, so that asking for one more number takes milliseconds.
"""

from __future__ import annotations

import highspy
import numpy as np
from scipy.sparse import csr_matrix

# The simplex method that goes on from a solution which other costs leave feasible.
_PRIMAL = 4


class Program:
    """Values between `lows` and `highs` whose sums by `matrix` lie between `least` and `most`."""

    def __init__(
        self,
        matrix: csr_matrix,
        least: np.ndarray,
        most: np.ndarray,
        lows: np.ndarray,
        highs: np.ndarray,
    ) -> None:
        self._solver = highspy.Highs()
        self._solver.silent()
        self._columns = np.arange(matrix.shape[1], dtype=np.int32)
        by_column = matrix.tocsc()
        program = highspy.HighsLp()
        program.num_row_, program.num_col_ = matrix.shape
        program.col_cost_ = np.zeros(len(self._columns))
        program.col_lower_, program.col_upper_ = lows, highs
        program.row_lower_, program.row_upper_ = least, most
        program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        program.a_matrix_.start_ = by_column.indptr
        program.a_matrix_.index_ = by_column.indices
        program.a_matrix_.value_ = by_column.data
        self._solver.passModel(program)

    def least(self, costs: np.ndarray, *, afresh: bool = False) -> np.ndarray:
        """Return values with the least costs; raises AssertionError when there are none at all.

        `afresh`: from the start, which is faster where most costs are others than before.
        """
        if afresh:
            self._solver.clearSolver()
        self._solver.setOptionValue("simplex_strategy", 1 if afresh else _PRIMAL)
        self._solver.changeColsCost(len(costs), self._columns, costs)
        self._solver.run()
        status = self._solver.getModelStatus()
        assert status == highspy.HighsModelStatus.kOptimal, (
            f"What is published contradicts itself: {self._solver.modelStatusToString(status)}"
        )
        return np.array(self._solver.getSolution().col_value)
