"""The search that logistic regressions of scores have in common."""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.optimize import minimize

# What keeps a logistic regression finite where scores part the classes without an error: the weight of the squared
# parameters, for scores of unit deviation, beside a mean loss.
RIDGE = 1e-6


def minimise(
    loss: Callable[[np.ndarray], tuple[float, np.ndarray]],
    start: np.ndarray,
    bounds: Sequence[tuple[float | None, float | None]] | None = None,
) -> np.ndarray:
    """Find the parameters (P,) of the least loss plus ridge, by L-BFGS-B.

    Parameters
    ----------
    loss : takes parameters to a mean loss and its gradient (P,).
    start : (P,), where the search begins.
    bounds : the least and greatest value of each parameter, None for none.
    """

    def ridged(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = loss(parameters)
        return value + RIDGE * parameters @ parameters, gradient + 2.0 * RIDGE * parameters

    options = {"maxiter": 1000, "ftol": 1e-15, "gtol": 1e-9}
    return minimize(ridged, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x
