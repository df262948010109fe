"""Minimisation of a loss with a small ridge, for the logistic regressions that calibrate scores."""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.optimize import minimize

# Weight of the squared parameters beside the mean loss, for scores of standard deviation 1. It keeps the parameters
# finite if the scores separate the classes without an error.
RIDGE = 1e-6


def minimise(
    loss: Callable[[np.ndarray], tuple[float, np.ndarray]],
    start: np.ndarray,
    bounds: Sequence[tuple[float | None, float | None]] | None = None,
) -> np.ndarray:
    """Find the parameters (P,) that minimise loss plus ridge, by L-BFGS-B.

    Parameters
    ----------
    loss : function from parameters (P,) to the mean loss and its gradient (P,).
    start : (P,), where the search begins.
    bounds : the least and greatest value of each parameter; None if there is no bound.
    """

    def ridged(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = loss(parameters)
        return value + RIDGE * parameters @ parameters, gradient + 2.0 * RIDGE * parameters

    options = {"maxiter": 1000, "ftol": 1e-15, "gtol": 1e-9}
    return minimize(ridged, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x
