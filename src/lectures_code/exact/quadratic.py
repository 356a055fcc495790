"""The least second-order model over a cone, for a Newton step on one piece of weight space."""

import numpy as np
from scipy.linalg import solve_triangular
from scipy.optimize import nnls


def minimise_over_cone(
    hessian: np.ndarray,
    gradient: np.ndarray,
    here: np.ndarray,
    cone: np.ndarray | None = None,
) -> np.ndarray:
    """Least second-order model around `here` over all points cone @ z, every z but the last >= 0.

    Without a cone the points are z themselves. With the last one, the intercept, eliminated this
    is non-negative least squares.
    """
    if cone is not None:
        z = np.linalg.solve(cone, here)
        return cone @ minimise_over_cone(cone.T @ hessian @ cone, gradient @ cone, z)
    share = hessian[:-1, -1] / hessian[-1, -1]
    reduced = hessian[:-1, :-1] - np.outer(share, hessian[-1, :-1])
    root, scale = cholesky(reduced, np.diag(hessian)[:-1])
    slope = (gradient[:-1] - share * gradient[-1]) / scale
    target = root.T @ (scale * here[:-1]) - solve_triangular(root, slope, lower=True)
    new = nnls(root.T, target, maxiter=30 * len(target))[0] / scale
    intercept = here[-1] - gradient[-1] / hessian[-1, -1] - share @ (new - here[:-1])
    return np.append(new, intercept)


def cholesky(matrix: np.ndarray, size: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lower triangle `root` and `scale` with matrix = scale * (root @ root.T) * scale.

    `size` holds the squared sizes of the coordinates. In their units a ridge is added, as small as
    the rounding errors, or as large as it takes: features may be constant, equal or missing.
    """
    scale = np.sqrt(np.maximum(size, 1e-30 * (size.max() or 1.0)))
    scaled, ridge = matrix / scale / scale[:, None], 1e-14
    while True:
        try:
            return np.linalg.cholesky(scaled + ridge * np.eye(len(scale))), scale
        except np.linalg.LinAlgError:
            if ridge > 1:
                raise
            ridge *= 10
