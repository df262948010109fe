"""Splices frames with their neighbours, then reduces their dimension: Kaldi's splice-feats and transform-feats."""

import numpy as np

from ser.errors import SerError


class Splice:
    """Splices frames t - left ... t + right, with copies of the first and last frames at the ends, and transforms them.

    Parameters
    ----------
    left, right : numbers of frames.
    matrix : (D, F (left + 1 + right)); a further last column is an offset that is added.
    """

    def __init__(self, left: int, right: int, matrix: np.ndarray) -> None:
        width = left + 1 + right
        self.left, self.right = left, right
        self.outputs, columns = matrix.shape
        self.inputs = columns // width
        if columns % width > 1 or not self.inputs or (columns % width and width == 1):
            raise SerError(
                f"a transform of {columns} columns does not fit {width} spliced frames; check the splice options"
            )
        self._matrix = np.ascontiguousarray(matrix[:, : self.inputs * width].T.astype(np.float32))
        self._offset = matrix[:, -1].astype(np.float32) if columns % width else None

    def join(self, features: np.ndarray) -> np.ndarray:
        """Splice the rows of (T, F) with their neighbours: (T, F (left + 1 + right))."""
        rows = np.arange(len(features))[:, None] + np.arange(-self.left, self.right + 1)
        return features[rows.clip(0, len(features) - 1)].reshape(len(features), -1)

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Map (T, F) float32 to (T, D) float32."""
        found = self.join(features) @ self._matrix
        return found if self._offset is None else found + self._offset
