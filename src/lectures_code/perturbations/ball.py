"""The ball of a norm."""

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Self

import torch
from torch import Tensor

from lectures_code.checks import check_exponent, check_generator, check_labels, check_radius
from lectures_code.perturbations.draws import uniform_in_unit_ball
from lectures_code.perturbations.filling import soft_threshold
from lectures_code.perturbations.rows import check_alpha, check_rows, relative_tolerance
from lectures_code.perturbations.scaling import (
    at_radius,
    rounded,
    scaled_norm,
    times_power_of_two,
    within,
)
from lectures_code.perturbations.steepest import GivenGradient, steepest

if TYPE_CHECKING:
    from lectures_code.perturbations.box import BoxedNormBall


@lru_cache  # attacks ask in each of their steps
def _as_number_of(dtype: torch.dtype, radius: float) -> float:
    """The radius, rounded as perturbations of this dtype are."""
    return rounded(torch.tensor(radius, dtype=torch.float64), dtype).item()


@dataclass(frozen=True)
class NormBall:
    r"""The ball of an :math:`\ell_p` norm, the same set at each example.

    .. math:: \Delta = \{\delta : \|\delta\|_p \le r\}, \qquad 1 \le p \le \infty

    The methods take weights `w`, perturbations `delta` and examples `x` of shape (..., d), finite
    and floating-point, and raise a TypeError or a ValueError for anything else. `x` is there so
    that a :class:`BoxedNormBall` can stand in a ball's place: here it is ignored.

    Parameters
    ----------
    p : float in [1, inf]
        Exponent of the norm of the *perturbation*; ``math.inf`` for the largest entry.
    radius : float, at least 0
        Radius :math:`r` in pixel units.

    Raises
    ------
    ValueError
        If `p` is below 1 or the radius is negative or not finite.
    """

    p: float
    radius: float

    def __post_init__(self) -> None:
        # A frozen dataclass sets its own fields this way; from here on, both are floats.
        object.__setattr__(self, "p", check_exponent(self.p))
        object.__setattr__(self, "radius", check_radius(self.radius))

    @property
    def dual_p(self) -> float:
        r"""The dual exponent :math:`q`, with :math:`1/p + 1/q = 1`."""
        if self.p == 1:
            return math.inf
        return 1.0 if math.isinf(self.p) else self.p / (self.p - 1)

    @property
    def is_point(self) -> bool:
        """Whether nothing can move: at radius 0."""
        return self.radius == 0

    def some(self, chosen: Tensor) -> Self:
        """The set for some of the examples: a ball's is the same for all."""
        return self

    def support(self, w: Tensor, x: Tensor | None = None) -> Tensor:
        r"""Largest value over the ball of the linear function with weights `w`, shape (...).

        .. math:: \max_{\|\delta\|_p \le r} \langle w, \delta \rangle = r \, \|w\|_q

        By Hölder's inequality, with equality at :meth:`maximiser`. Differentiable in `w`; where
        there is no gradient (``w = 0``; ties for p = 1, zeros for p = inf) autograd gives one
        subgradient, the one that :meth:`maximiser` returns.
        """
        w = check_rows("w", w)
        wide = w.double()
        norm, exponent = scaled_norm(wide.detach(), self.dual_p)
        mantissa, shift = math.frexp(self.radius)
        value = times_power_of_two(mantissa * norm, exponent + shift)
        gradient = self.radius * steepest(wide, self.p)
        return GivenGradient.apply(wide, value, gradient).to(w.dtype)

    @torch.no_grad()
    def maximiser(self, w: Tensor, x: Tensor | None = None) -> Tensor:
        r"""A perturbation in the ball at which the linear function with weights `w` is largest.

        .. math::
            \delta_j = r \, \operatorname{sign}(w_j) \,
                \frac{|w_j|^{q - 1}}{\|w\|_q^{q - 1}}, \qquad
            \delta = r \operatorname{sign}(w) \text{ for } p = \infty, \qquad
            \delta = r \operatorname{sign}(w_k) \, e_k \text{ for } p = 1,

        with :math:`k` the first index at which :math:`|w_k|` is largest. Shape (..., d), a constant
        to autograd. Where the maximiser is not unique, this is the one with zeros: ``delta[j] = 0``
        where ``w[j] = 0``, everything on the first largest entry for p = 1, and 0 for ``w = 0``.
        """
        w = check_rows("w", w)
        if math.isinf(self.p):
            return w.sign().mul_(_as_number_of(w.dtype, self.radius))
        return rounded(at_radius(steepest(w.double(), self.p), self.radius), w.dtype)

    def margin_taken(self, theta: Tensor, x: Tensor, y: Tensor) -> Tensor:
        r"""The most that the adversary can take from the margins of a linear classifier.

        .. math:: \max_{\delta \in \Delta(x)} \langle -y \theta, \delta \rangle

        for weights `theta` (d,), examples `x` (n, d) and labels `y` (n,) in {-1, +1}. Shape (n,),
        or () where it is the same at each example; differentiable as :meth:`support` is.
        """
        check_labels(y, len(x))
        return self.support(theta)  # the ball is symmetric

    @torch.no_grad()
    def worst(self, theta: Tensor, x: Tensor, y: Tensor) -> Tensor:
        r"""The perturbations with which the adversary takes :meth:`margin_taken`, shape (n, d).

        .. math:: \arg\max_{\delta \in \Delta(x)} \langle -y \theta, \delta \rangle

        Arguments as there, and :meth:`maximiser`'s choice where there are several.
        """
        x = check_rows("x", x)
        signs = check_labels(y, len(x)).to(x.dtype)
        # One perturbation and its opposite are all there are: nothing else is as large as x.
        delta = self.maximiser(theta.to(torch.promote_types(theta.dtype, x.dtype)))
        return -signs[:, None] * delta

    def radii(self, theta: Tensor, x: Tensor, y: Tensor, margins: Tensor) -> Tensor:
        r"""The radius at which :meth:`margin_taken` reaches each of these margins, shape (n,).

        Negative for a negative margin: the radius at which the other label's adversary takes it.
        """
        radii = margins / self.with_radius(1.0).margin_taken(theta, x, y)
        # With theta = 0 no perturbation matters, and a tie is a mistake at every radius.
        return torch.where(margins == 0, 0.0, radii)

    @torch.no_grad()
    def proximal_point(self, theta: Tensor, x: Tensor, y: Tensor, alpha: Tensor) -> Tensor:
        r"""The weights for which what the adversary takes and the way from `theta` cost least.

        .. math::
            \operatorname*{arg\,min}_w \; \sum_i \alpha_i
                \max_{\delta \in \Delta(x_i)} \langle -y_i w, \delta \rangle
                + \tfrac12 \|w - \theta\|_2^2,

        for p = 1, 2 or inf, weights `theta` (d,), examples `x` (n, d), labels `y` (n,) in {-1, +1}
        and `alpha` (n,), at least 0. Shape (d,), a constant to autograd. By Moreau's decomposition
        it is `theta` less its projection onto the set :math:`\sum_i \alpha_i (-y_i \Delta(x_i))`,
        here a ball of radius :math:`R = r \sum_i \alpha_i`: for p = inf a soft threshold,
        :math:`\operatorname{sign}(\theta_j) \max(|\theta_j| - R, 0)`; for p = 2 a vector shorter by
        R, or 0; for p = 1 the largest entries are cut to a common size.

        References
        ----------
        Moreau (1965), Proximité et dualité dans un espace hilbertien; Parikh and Boyd (2014),
        Proximal algorithms, section 2.5.
        """
        check_labels(y, len(x))
        total = float(check_alpha(alpha, len(x)).sum())
        return theta - self.with_radius(self.radius * total).project(theta)

    def interval(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Least and greatest value that each pixel can take, shapes of `x`, for p = inf."""
        if not math.isinf(self.p):
            raise ValueError(
                f"p must be inf for pixels that change each by itself, got {self.p:g}: use p = inf"
            )
        x = check_rows("x", x)
        return self.perturbed(x, -self.radius), self.perturbed(x, self.radius)

    def perturbed(self, x: Tensor, delta: Tensor | float) -> Tensor:
        """The examples ``x + delta``; in a box also where rounding would leave it."""
        return x + delta

    @torch.no_grad()
    def project(self, delta: Tensor, x: Tensor | None = None) -> Tensor:
        r"""The point of the ball that is nearest to `delta`, for p = 1, 2 or inf.

        .. math:: P(\delta) = \operatorname*{arg\,min}_{\|z\|_p \le r} \|z - \delta\|_2

        A clip for p = inf, a rescaling for p = 2, a soft threshold for p = 1. Shape (..., d), a
        constant to autograd. Points of the ball come back unchanged.

        References
        ----------
        Held, Wolfe and Crowder (1974), Validation of subgradient optimization; Duchi,
        Shalev-Shwartz, Singer and Chandra (2008), Efficient projections onto the l1-ball.
        """
        self._check_basic("project onto")
        delta = check_rows("delta", delta)
        if math.isinf(self.p):
            radius = _as_number_of(delta.dtype, self.radius)
            return delta.clamp(-radius, radius)
        outside = ~within(delta.double(), self.p, self.radius)
        if self.radius == 0 or not outside.any():
            return delta * (~outside).unsqueeze(-1)
        projection, rows = delta.clone(), delta[outside].double()
        if self.p == 2:
            in_radii = steepest(rows.abs(), 2)
        else:
            room = torch.full_like(rows, self.radius)
            in_radii = soft_threshold(rows.abs(), room, self.radius)
        on_sphere = at_radius(in_radii, self.radius)
        projection[outside] = rounded(rows.sign() * on_sphere, delta.dtype)
        return projection

    def _check_basic(self, purpose: str) -> None:
        if self.p not in (1, 2, math.inf):
            raise ValueError(
                f"p must be 1, 2 or inf to {purpose} the ball, got {self.p:g}: use one of these"
            )

    def contains(
        self, delta: Tensor, x: Tensor | None = None, *, tolerance: float | None = None
    ) -> Tensor:
        r"""Whether each perturbation lies in the ball, up to rounding, shape (...).

        .. math:: \|\delta\|_p \le (1 + \text{tolerance}) \, r

        By default the tolerance is the square root of the machine precision of `delta` (1.5e-8 in
        float64, 3.5e-4 in float32), half of the digits. So whatever :meth:`maximiser`,
        :meth:`project` and :meth:`sample` return lies in the ball.
        """
        delta = check_rows("delta", delta)
        return within(delta.double(), self.p, self.radius, relative_tolerance(tolerance, delta))

    @torch.no_grad()
    def sample(self, x: Tensor, *, generator: torch.Generator) -> Tensor:
        """Draw perturbations uniformly from the ball, one for each example, for p = 1, 2 or inf.

        Of `x` only shape, data type and device matter here; `generator` is the only source of
        randomness that is touched.
        """
        self._check_basic("draw from")
        x = check_rows("x", x)
        in_radii = uniform_in_unit_ball(x.shape, self.p, check_generator(generator))
        return rounded(at_radius(in_radii, self.radius), x.dtype).to(x.device)

    def with_radius(self, radius: float) -> Self:
        """The same kind of set with another radius, in pixel units, at least 0."""
        return replace(self, radius=radius)

    def in_box(self, low: float = 0.0, high: float = 1.0) -> "BoxedNormBall":
        """This ball with pixels kept in the box from `low` to `high`, for p = 1, 2 or inf."""
        from lectures_code.perturbations.box import BoxedNormBall  # which builds on this file

        return BoxedNormBall(self.p, self.radius, low, high)
