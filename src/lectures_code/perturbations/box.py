"""A norm ball whose perturbations keep the pixels of an example in a box."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lectures_code.checks import check_generator, check_labels, real
from lectures_code.perturbations.ball import NormBall
from lectures_code.perturbations.draws import uniform
from lectures_code.perturbations.filling import scale_to_sphere, soft_threshold, spend_budget
from lectures_code.perturbations.rows import check_alpha, check_rows, relative_tolerance
from lectures_code.perturbations.scaling import at_radius, inner_product, norm, rounded, within
from lectures_code.perturbations.steepest import GivenGradient, steepest

AT_ONCE = 128  # examples: with 784 pixels, arrays of 0.8 MB, which stay in the cache


@dataclass(frozen=True)
class BoxedNormBall(NormBall):
    r"""The perturbations in an :math:`\ell_p` ball that keep the pixels of an example in a box.

    .. math::
        \Delta(x) = \{\delta : \|\delta\|_p \le r, \; \text{low} \le x_j + \delta_j \le \text{high}
        \text{ for all } j\}

    The set depends on the example: all methods need `x`, with entries in [low, high], and `x`
    and the weights or perturbations broadcast against each other. Entries may leave the box by
    rounding, of a float32 value or of `x` if that has fewer digits: by 4 units in the last place of
    the larger bound, 5e-7 for pixels in [0, 1]. So data that was normalised in float32 fits bounds
    computed in float64, and ``x + delta`` can be the next `x`. Everything is exact: a clip for
    p = inf, and for p = 1 and p = 2 the root of a piecewise linear or quadratic function between
    its sorted breakpoints.

    Parameters
    ----------
    p : 1, 2 or inf
        Exponent of the norm of the *perturbation*.
    radius : float, at least 0
        Radius :math:`r` in pixel units.
    low, high : float
        Least and greatest value of a pixel.

    Raises
    ------
    ValueError
        If p is none of 1, 2 and inf, the radius is negative or not finite, or the bounds are not
        finite numbers with low < high.
    """

    low: float = 0.0
    high: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.p not in (1, 2, math.inf):
            raise ValueError(
                f"p must be 1, 2 or inf for a ball in a box, got {self.p:g}: "
                "use one of these, or a NormBall without the box"
            )
        low, high = real(self.low), real(self.high)
        if not -math.inf < low < high < math.inf:
            raise ValueError(
                "low and high must be finite numbers with low < high, "
                f"got {self.low!r} and {self.high!r}: use 0 and 1 for pixels"
            )
        object.__setattr__(self, "low", low)
        object.__setattr__(self, "high", high)

    def support(self, w: Tensor, x: Tensor | None = None) -> Tensor:
        r"""Largest value over :math:`\Delta(x)` of the linear function with weights `w`.

        Differentiable in `w`, twice wherever the support function is; constant with respect to `x`.
        By the envelope theorem the gradient is :meth:`maximiser`, and where there is no gradient
        that is one subgradient.
        """
        w, x, dtype = self._place("w", w, x)
        constant, (lowest, highest) = w.detach(), self._ends(x)
        delta = self._maximise(constant, lowest, highest)
        value = inner_product(constant, delta)
        if self.p == 2:
            # Where only the ball binds, delta is parallel to w, and turns with it.
            free = (lowest < delta) & (delta < highest)
            length = norm(delta.where(free, 0), 2).unsqueeze(-1)
            delta = torch.where(free, length * steepest(w.where(free, 0), 2), delta)
        return GivenGradient.apply(w, value, delta).to(dtype)

    def margin_taken(self, theta: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """The most that the adversary can take from the margins, shape (n,)."""
        return self._against(self.support, theta, x, y)

    def worst(self, theta: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """The perturbations with which the adversary takes :meth:`margin_taken`, shape (n, d)."""
        return self._against(self.maximiser, theta, x, y)

    def _against(
        self, answer: Callable[[Tensor, Tensor], Tensor], theta: Tensor, x: Tensor, y: Tensor
    ) -> Tensor:
        """The answers for the weights -y theta, of some examples at a time: they take memory."""
        x = check_rows("x", x)
        signs = check_labels(y, len(x)).to(theta.dtype)
        parts = zip(signs.split(AT_ONCE), x.split(AT_ONCE), strict=True)
        return torch.cat([answer(-some[:, None] * theta, part) for some, part in parts])

    def radii(self, theta: Tensor, x: Tensor, y: Tensor, margins: Tensor) -> Tensor:
        r"""The radius at which :meth:`margin_taken` reaches each margin, shape (n,), for p = inf.

        Infinite where it never does, minus infinity for a negative margin. Pixel j can take
        ``|theta_j| * min(radius, room_j)`` from the margin, with room_j its way to the face of the
        box: what is taken is piecewise linear in the radius, with a knot at each room.
        """
        if not math.isinf(self.p):
            raise ValueError(
                f"certified radii in the box need p = inf, got p = {self.p:g}: leave the box out"
            )
        signs = check_labels(y, len(x)).to(theta.dtype)
        self.margin_taken(theta, x, y)  # checks that x lies in the box
        room = torch.where(signs[:, None] * theta > 0, x - self.low, self.high - x).clamp(min=0)
        knots, order = room.sort(dim=1)
        weights = theta.abs()[order]
        # After k knots: what the k pixels with the least room have given, and the others' rate.
        given = nn.functional.pad((weights * knots).cumsum(dim=1), (1, 0))
        rate = theta.abs().sum() - nn.functional.pad(weights.cumsum(dim=1), (1, 0))
        taken_at_knots = given[:, 1:] + rate[:, 1:] * knots
        # A margin is used up on the piece that ends at the first knot where it has been taken.
        piece = (taken_at_knots < margins[:, None]).sum(dim=1, keepdim=True)
        radii = (margins[:, None] - given.gather(1, piece)) / rate.gather(1, piece)
        radii = torch.where(piece[:, 0] == x.shape[1], torch.inf, radii[:, 0])
        radii = torch.where(margins < 0, -torch.inf, radii)
        return torch.where(margins == 0, 0.0, radii)

    @torch.no_grad()
    def proximal_point(self, theta: Tensor, x: Tensor, y: Tensor, alpha: Tensor) -> Tensor:
        r"""The weights for which what the adversary takes and the way from `theta` cost least.

        For p = inf only. The set that `theta` is projected onto is a box, the sum of the examples'
        own: a soft threshold that differs from pixel to pixel, and for the two signs of a weight.
        """
        if not math.isinf(self.p):
            raise ValueError(
                f"a proximal point in the box needs p = inf, got p = {self.p:g}: leave the box out"
            )
        signs = check_labels(y, len(x))
        alpha = check_alpha(alpha, len(x)).double()
        _, x, dtype = self._place("theta", theta, x)
        lowest, highest = self._ends(x)
        low, high = lowest.clamp(min=-self.radius), highest.clamp(max=self.radius)
        ones, zeros = alpha * (signs > 0), alpha * (signs < 0)
        nearest = theta.double().clamp(zeros @ low - ones @ high, zeros @ high - ones @ low)
        return rounded(theta - nearest, dtype)

    def perturbed(self, x: Tensor, delta: Tensor | float) -> Tensor:
        """The examples ``x + delta``, also where rounding would leave the box."""
        return (x + delta).clamp_(self.low, self.high)

    @torch.no_grad()
    def maximiser(self, w: Tensor, x: Tensor | None = None) -> Tensor:
        r"""A perturbation in :math:`\Delta(x)` at which the linear function is largest.

        With the interval :math:`[l_j, u_j] = [\text{low} - x_j, \text{high} - x_j]` that the box
        leaves to :math:`\delta_j`:

        .. math::
            \delta_j &= \operatorname{clip}(r \operatorname{sign}(w_j), l_j, u_j)
                && \text{for } p = \infty, \\
            \delta_j &= \operatorname{clip}(s \, w_j, l_j, u_j)
                && \text{for } p = 2,

        with the scale :math:`s` at which :math:`\|\delta\|_2 = r`, or in the limit
        :math:`s \to \infty` the best corner of the box, if that lies in the ball. For p = 1 the
        radius is a budget, spent on the largest :math:`|w_j|` up to the face of the box, then on
        the next (a fractional knapsack). Ties go as in :meth:`NormBall.maximiser`.

        Notes
        -----
        For p = 2, entries of `w` smaller than the largest (of those that have room in the box) by a
        factor of more than 1e154, whose squares are lost to rounding, count as zero where the ball
        binds.
        """
        w, x, dtype = self._place("w", w, x, clip=math.isinf(self.p))
        if math.isinf(self.p):
            step, end = w.sign().mul_(self.radius), self.high - x
            torch.minimum(step, end, out=step)
            torch.sub(x.new_tensor(self.low), x, out=end)  # new memory would take longer
            return rounded(torch.maximum(step, end, out=step), dtype)
        return rounded(self._maximise(w, *self._ends(x)), dtype)

    @torch.no_grad()
    def project(self, delta: Tensor, x: Tensor | None = None) -> Tensor:
        r"""The point of :math:`\Delta(x)` that is nearest to `delta`.

        This is :math:`z = \operatorname{clip}(\delta, l, u)` if that lies in the ball, with the
        interval of :meth:`maximiser`, and otherwise

        .. math::
            z_j &= \operatorname{clip}(s \, \delta_j, l_j, u_j)
                && \text{for } p = 2, \\
            z_j &= \operatorname{clip}(\operatorname{sign}(\delta_j)
                \max(|\delta_j| - \lambda, 0), l_j, u_j)
                && \text{for } p = 1,

        with the :math:`s < 1` or :math:`\lambda > 0` at which :math:`\|z\|_p = r`. For p = inf it
        is two clips, in either order.

        Notes
        -----
        For p = 1 the threshold :math:`\lambda` is good to the rounding of the largest entry that
        has room. Where the box stops an entry that is larger than the others by a factor of 1e16,
        what is left of the radius is shared among these in some way, not necessarily the nearest.
        """
        delta, x, dtype = self._place("delta", delta, x, clip=math.isinf(self.p))
        lowest, highest = self._ends(x)
        if math.isinf(self.p):
            ball = delta.clamp(-self.radius, self.radius)
            return rounded(ball.clamp(lowest, highest), dtype)
        size, room = delta.abs(), self._room(delta, lowest, highest)
        clipped = torch.minimum(size, room)
        outside = ~within(clipped, self.p, self.radius).unsqueeze(-1)
        if outside.any():
            solve = scale_to_sphere if self.p == 2 else soft_threshold
            on_sphere = self._to_faces(solve(size, room, self.radius), room)
            clipped = torch.where(outside, on_sphere, clipped)
        return rounded(delta.sign() * clipped, dtype)

    def contains(
        self, delta: Tensor, x: Tensor | None = None, *, tolerance: float | None = None
    ) -> Tensor:
        r"""Whether each perturbation lies in :math:`\Delta(x)`, up to rounding.

        .. math::
            \|\delta\|_p \le (1 + \text{tolerance}) \, r, \qquad
            \text{low} - t \le x_j + \delta_j \le \text{high} + t, \qquad
            t = \text{tolerance} \cdot (\text{high} - \text{low})
        """
        delta, x, dtype = self._place("delta", delta, x)
        lowest, highest = self._ends(x)
        tolerance = relative_tolerance(tolerance, delta.to(dtype))
        slack = tolerance * self.high - tolerance * self.low  # their difference may overflow
        in_box = (lowest - slack <= delta) & (delta <= highest + slack)
        return super().contains(delta, tolerance=tolerance) & in_box.all(-1)

    @torch.no_grad()
    def sample(self, x: Tensor, *, generator: torch.Generator) -> Tensor:
        r"""Draw perturbations from :math:`\Delta(x)`, one for each example.

        For p = inf the draw is exactly uniform. For p = 1 and p = 2 it is a uniform draw from the
        ball, projected onto :math:`\Delta(x)`: inside the set, but *not* uniform, with more weight
        on the faces. (Rejection would be uniform, but would never accept: of an image's hundreds
        of black pixels, a draw darkens about half.)
        """
        _, inside, dtype = self._place("x", x, x, clip=math.isinf(self.p))
        if not math.isinf(self.p):
            return self.project(super().sample(x, generator=generator), x)
        lowest, highest = self._ends(inside)
        low, high = lowest.clamp(min=-self.radius), highest.clamp(max=self.radius)
        u = uniform(x.shape, check_generator(generator), dtype=low.dtype).to(x.device)
        draw = (1 - u) * low + u * high  # high - low may overflow
        return rounded(draw.clamp(low, high), dtype)

    def _place(
        self, name: str, v: Tensor, x: Tensor | None, *, clip: bool = False
    ) -> tuple[Tensor, Tensor, torch.dtype]:
        """Check `v` and `x`; return both in float64, `x` inside the box, and the result's dtype.

        If what follows ends in clips, float32 stays as it is: they round nothing.
        """
        if x is None:
            raise ValueError(
                "x must be given, got None: a boxed ball depends on the example, "
                "pass x or use a NormBall"
            )
        v, x = check_rows(name, v), check_rows("x", x, finite=False)
        least, greatest = (end.item() for end in torch.aminmax(x))
        # Data may have been computed in float32 and widened since, and x may be x + delta, rounded.
        rounding = max(torch.finfo(x.dtype).eps, torch.finfo(torch.float32).eps)
        slack = 4 * rounding * max(-self.low, self.high)
        if not self.low - slack <= least <= greatest <= self.high + slack:  # nor is NaN
            check_rows("x", x)
            advice = "clip x, or give in_box the bounds of your data"
            if (self.low, self.high) == (0, 1) and least >= 0 and greatest > 2:
                advice = "divide pixels by 255"
            raise ValueError(
                f"x must lie in [{self.low:.8g}, {self.high:.8g}], "
                f"got values from {least:.8g} to {greatest:.8g}: {advice}"
            )
        try:
            if v.shape[-1] != x.shape[-1]:
                raise RuntimeError
            v, x = torch.broadcast_tensors(v, x)
        except RuntimeError:
            raise ValueError(
                f"{name} and x must have the same number of features and leading dimensions that "
                f"broadcast, got {tuple(v.shape)} and {tuple(x.shape)}: reshape one of them"
            ) from None
        dtype = torch.promote_types(v.dtype, x.dtype)
        # A radius among the least numbers of float32 must not be rounded up.
        narrow = clip and dtype == torch.float32 and self.radius > torch.finfo(dtype).tiny
        v, x = (each.to(dtype if narrow else torch.float64) for each in (v, x.detach()))
        if least < self.low or greatest > self.high:  # by rounding
            x = x.clamp(self.low, self.high)
        return v, x, dtype

    def _ends(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The least and the greatest change of each pixel that the box allows."""
        return self.low - x, self.high - x

    def _room(self, direction: Tensor, lowest: Tensor, highest: Tensor) -> Tensor:
        """How far each entry may go in its direction: to the face of the box, at most `radius`."""
        room = torch.where(direction > 0, highest, -lowest).clamp(max=self.radius)
        return room.masked_fill(direction == 0, 0)

    def _maximise(self, w: Tensor, lowest: Tensor, highest: Tensor) -> Tensor:
        size, room = w.abs(), self._room(w, lowest, highest)
        if self.p == 1:
            room = spend_budget(size, room, self.radius)
        elif self.p == 2:
            outside = ~within(room, 2, self.radius).unsqueeze(-1)
            if outside.any():
                on_sphere = self._to_faces(scale_to_sphere(size, room, self.radius), room)
                room = torch.where(outside, on_sphere, room)
        return w.sign() * room

    def _to_faces(self, in_radii: Tensor, room: Tensor) -> Tensor:
        """Sizes that a solver gave in radii; the face itself for whatever has reached it."""
        return torch.where(in_radii < room / self.radius, at_radius(in_radii, self.radius), room)
