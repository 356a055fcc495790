r"""The sets :math:`\Delta(x)` of perturbations that an adversary may choose from.

Two kinds: an :math:`\ell_p` ball, the same at each example, and its intersection with the pixel
box, which depends on where in the box the example lies. Each knows the four things that adversarial
training asks of a set: its support function, a maximiser of a linear function, the Euclidean
projection and membership; and how to draw from it.

Everything works on the last dimension, over any leading ones. It is computed in float64 and then
rounded to the data type of the arguments; scaled by powers of two, so that no weight or radius is
too small or too large for it.
"""

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from lectures_code.checks import (
    check_exponent,
    check_float,
    check_generator,
    check_radius,
    real,
)


@dataclass(frozen=True)
class NormBall:
    r"""The ball of an :math:`\ell_p` norm, the same set at each example.

    .. math:: \Delta = \{\delta : \|\delta\|_p \le r\}, \qquad 1 \le p \le \infty

    The methods take the example `x` only so that a :class:`BoxedNormBall` can stand in a ball's
    place: here it is ignored.

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

    def support(self, w: Tensor, x: Tensor | None = None) -> Tensor:
        r"""Largest value over the ball of the linear function with weights `w`.

        .. math:: \max_{\|\delta\|_p \le r} \langle w, \delta \rangle = r \, \|w\|_q

        Parameters
        ----------
        w : Tensor of shape (..., d)
            Weights.
        x : Tensor, optional
            Ignored: the ball is the same at each example.

        Returns
        -------
        Tensor of shape (...)
            The values, differentiable in `w`. Where there is no gradient (``w = 0``; ties for
            p = 1, zeros for p = inf) autograd gives one subgradient, the one that
            :meth:`maximiser` returns.

        Raises
        ------
        TypeError, ValueError
            If `w` is not a finite floating-point tensor with at least one entry.

        Notes
        -----
        Hölder's inequality, with equality at :meth:`maximiser`.
        """
        w = _check_rows("w", w)
        wide = w.double()
        norm, exponent = _scaled_norm(wide.detach(), self.dual_p)
        mantissa, shift = math.frexp(self.radius)
        value = _times_power_of_two(mantissa * norm, exponent + shift)
        gradient = self.radius * _steepest(wide, self.p)
        return _GivenGradient.apply(wide, value, gradient).to(w.dtype)

    @torch.no_grad()
    def maximiser(self, w: Tensor, x: Tensor | None = None) -> Tensor:
        r"""A perturbation in the ball at which the linear function with weights `w` is largest.

        .. math::
            \delta_j = r \, \operatorname{sign}(w_j) \,
                \frac{|w_j|^{q - 1}}{\|w\|_q^{q - 1}}, \qquad
            \delta = r \operatorname{sign}(w) \text{ for } p = \infty, \qquad
            \delta = r \operatorname{sign}(w_k) \, e_k \text{ for } p = 1,

        with :math:`k` the first index at which :math:`|w_k|` is largest.

        Parameters
        ----------
        w : Tensor of shape (..., d)
            Weights.
        x : Tensor, optional
            Ignored: the ball is the same at each example.

        Returns
        -------
        Tensor of shape (..., d)
            The perturbations, constants to autograd. Where the maximiser is not unique, this is the
            one with zeros: ``delta[j] = 0`` where ``w[j] = 0``, everything on the first largest
            entry for p = 1, and 0 for ``w = 0``.

        Raises
        ------
        TypeError, ValueError
            If `w` is not a finite floating-point tensor with at least one entry.
        """
        w = _check_rows("w", w)
        return _rounded(_at_radius(_steepest(w.double(), self.p), self.radius), w.dtype)

    @torch.no_grad()
    def project(self, delta: Tensor, x: Tensor | None = None) -> Tensor:
        r"""The point of the ball that is nearest to `delta`.

        .. math:: P(\delta) = \operatorname*{arg\,min}_{\|z\|_p \le r} \|z - \delta\|_2

        Parameters
        ----------
        delta : Tensor of shape (..., d)
            Perturbations.
        x : Tensor, optional
            Ignored: the ball is the same at each example.

        Returns
        -------
        Tensor of shape (..., d)
            The projections, constants to autograd. Points of the ball come back unchanged. This is
            a clip for p = inf, a rescaling for p = 2, a soft threshold for p = 1, and for any other
            p the solution of :math:`z_j + \mu z_j^{p - 1} = |\delta_j|` with the multiplier
            :math:`\mu` at which :math:`\|z\|_p = r`, found by Newton's method.

        Raises
        ------
        TypeError, ValueError
            If `delta` is not a finite floating-point tensor with at least one entry.

        References
        ----------
        Held, Wolfe and Crowder (1974), Validation of subgradient optimization; Duchi,
        Shalev-Shwartz, Singer and Chandra (2008), Efficient projections onto the l1-ball.
        """
        delta = _check_rows("delta", delta)
        if math.isinf(self.p):
            radius = _rounded(delta.new_tensor(self.radius, dtype=torch.float64), delta.dtype)
            return delta.clamp(-radius, radius)
        outside = ~_within(delta.double(), self.p, self.radius)
        if self.radius == 0 or not outside.any():
            return delta * (~outside).unsqueeze(-1)
        projection, rows = delta.clone(), delta[outside].double()
        on_sphere = _at_radius(self._onto_unit_sphere(rows), self.radius)
        projection[outside] = _rounded(rows.sign() * on_sphere, delta.dtype)
        return projection

    def _onto_unit_sphere(self, rows: Tensor) -> Tensor:
        """Sizes, in radii, of the projections of rows that lie outside the ball, for p < inf."""
        size = rows.abs()
        if self.p == 1:
            return _soft_threshold(size, torch.full_like(size, self.radius), self.radius)
        if self.p == 2:
            return _steepest(size, 2)
        return _shrink_to_sphere(size, self.p, self.radius)

    def contains(
        self, delta: Tensor, x: Tensor | None = None, *, tolerance: float | None = None
    ) -> Tensor:
        r"""Whether each perturbation lies in the ball, up to rounding.

        .. math:: \|\delta\|_p \le (1 + \text{tolerance}) \, r

        Parameters
        ----------
        delta : Tensor of shape (..., d)
            Perturbations.
        x : Tensor, optional
            Ignored: the ball is the same at each example.
        tolerance : float, at least 0, optional
            Relative to the radius. By default the square root of the machine precision of `delta`
            (1.5e-8 in float64, 3.5e-4 in float32): half of the digits.

        Returns
        -------
        boolean Tensor of shape (...)
            True for whatever :meth:`maximiser`, :meth:`project` and :meth:`sample` return.

        Raises
        ------
        TypeError, ValueError
            If `delta` is not a finite floating-point tensor with at least one entry, or the
            tolerance is negative.
        """
        delta = _check_rows("delta", delta)
        return _within(delta.double(), self.p, self.radius, _tolerance(tolerance, delta))

    @torch.no_grad()
    def sample(self, x: Tensor, *, generator: torch.Generator) -> Tensor:
        r"""Draw perturbations uniformly from the ball, one for each example.

        .. math:: \delta = \frac{r \, g}{(\sum_j |g_j|^p + E)^{1/p}}

        with independent :math:`g_j` of density proportional to :math:`\exp(-|t|^p)` and :math:`E`
        exponential with mean 1; for p = inf each entry is uniform on :math:`[-r, r]`.

        Parameters
        ----------
        x : Tensor of shape (..., d)
            Examples: only their shape, data type and device matter here.
        generator : torch.Generator
            Source of randomness, the only one that is touched.

        Returns
        -------
        Tensor of shape (..., d)
            Independent draws, exactly uniform for every p.

        Raises
        ------
        TypeError, ValueError
            If `x` is not a finite floating-point tensor with at least one entry, or there is no
            generator.

        References
        ----------
        Barthe, Guédon, Mendelson and Naor (2005), A probabilistic approach to the geometry of the
        l_p^n-ball, Annals of Probability 33.
        """
        x = _check_rows("x", x)
        generator = check_generator(generator)
        u = 2 * _uniform(x.shape, generator) - 1
        if math.isinf(self.p):
            return _rounded(_at_radius(u, self.radius), x.dtype).to(x.device)
        # |g|^p is Gamma(1/p), which is |U|^p Gamma(1 + 1/p): no power of a tiny number for large p.
        gamma = _gamma(1 + 1 / self.p, x.shape, generator)
        exponential = -torch.log1p(-_uniform((*x.shape[:-1], 1), generator))
        total = (u.abs() ** self.p * gamma).sum(-1, keepdim=True) + exponential
        in_radii = u * (gamma / total) ** (1 / self.p)
        return _rounded(_at_radius(in_radii, self.radius), x.dtype).to(x.device)

    def with_radius(self, radius: float) -> "NormBall":
        """The same kind of set with another radius.

        Parameters
        ----------
        radius : float, at least 0
            The new radius in pixel units.

        Returns
        -------
        NormBall
            A new set of the same class, with everything else kept.

        Raises
        ------
        ValueError
            If the radius is negative or not finite.
        """
        return replace(self, radius=radius)

    def in_box(self, low: float = 0.0, high: float = 1.0) -> "BoxedNormBall":
        """This ball with pixels kept in a box.

        Parameters
        ----------
        low, high : float
            Least and greatest value of a pixel.

        Returns
        -------
        BoxedNormBall
            The set with the same norm and radius.

        Raises
        ------
        ValueError
            If p is none of 1, 2 and inf, or the bounds are not finite numbers with low < high.
        """
        return BoxedNormBall(self.p, self.radius, low, high)


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

        .. math:: \max_{\delta \in \Delta(x)} \langle w, \delta \rangle
            = \langle w, \delta^*(w, x) \rangle

        Parameters
        ----------
        w : Tensor of shape (..., d)
            Weights.
        x : Tensor of shape (..., d)
            Examples, with entries in [low, high].

        Returns
        -------
        Tensor of shape (...)
            The values, twice differentiable in `w` wherever the support function is (constants with
            respect to `x`). By the envelope theorem the gradient is :meth:`maximiser`, and where
            there is no gradient this is one subgradient.

        Raises
        ------
        TypeError, ValueError
            If `x` is missing or leaves the box, or an argument is not a finite floating-point
            tensor with at least one entry.
        """
        w, lowest, highest, dtype = self._place("w", w, x)
        constant = w.detach()
        delta = self._maximise(constant, lowest, highest)
        value = _inner_product(constant, delta)
        if self.p == 2:
            # Where only the ball binds, delta is parallel to w, and turns with it.
            free = (lowest < delta) & (delta < highest)
            length = _norm(delta.where(free, 0), 2).unsqueeze(-1)
            delta = torch.where(free, length * _steepest(w.where(free, 0), 2), delta)
        return _GivenGradient.apply(w, value, delta).to(dtype)

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
        the next (a fractional knapsack).

        Parameters
        ----------
        w : Tensor of shape (..., d)
            Weights.
        x : Tensor of shape (..., d)
            Examples, with entries in [low, high].

        Returns
        -------
        Tensor of shape (..., d)
            The perturbations, constants to autograd. Where the maximiser is not unique, this is the
            one with zeros: ``delta[j] = 0`` where ``w[j] = 0``, and for p = 1 the first of equal
            ``|w[j]|`` come first.

        Raises
        ------
        TypeError, ValueError
            If `x` is missing or leaves the box, or an argument is not a finite floating-point
            tensor with at least one entry.

        Notes
        -----
        For p = 2, entries of `w` smaller than the largest (of those that have room in the box) by a
        factor of more than 1e154, whose squares are lost to rounding, count as zero where the ball
        binds.
        """
        w, lowest, highest, dtype = self._place("w", w, x)
        return _rounded(self._maximise(w, lowest, highest), dtype)

    @torch.no_grad()
    def project(self, delta: Tensor, x: Tensor | None = None) -> Tensor:
        r"""The point of :math:`\Delta(x)` that is nearest to `delta`.

        With the interval :math:`[l_j, u_j] = [\text{low} - x_j, \text{high} - x_j]` that the box
        leaves to each entry, :math:`z = \operatorname{clip}(\delta, l, u)` if that lies in the
        ball, and otherwise

        .. math::
            z_j &= \operatorname{clip}(s \, \delta_j, l_j, u_j)
                && \text{for } p = 2, \\
            z_j &= \operatorname{clip}(\operatorname{sign}(\delta_j)
                \max(|\delta_j| - \lambda, 0), l_j, u_j)
                && \text{for } p = 1,

        with the :math:`s < 1` or :math:`\lambda > 0` at which :math:`\|z\|_p = r`. For p = inf it
        is two clips, in either order.

        Parameters
        ----------
        delta : Tensor of shape (..., d)
            Perturbations.
        x : Tensor of shape (..., d)
            Examples, with entries in [low, high].

        Returns
        -------
        Tensor of shape (..., d)
            The projections, constants to autograd. Points of the set come back unchanged.

        Raises
        ------
        TypeError, ValueError
            If `x` is missing or leaves the box, or an argument is not a finite floating-point
            tensor with at least one entry.

        Notes
        -----
        For p = 1 the threshold :math:`\lambda` is good to the rounding of the largest entry that
        has room. Where the box stops an entry that is larger than the others by a factor of 1e16,
        what is left of the radius is shared among these in some way, not necessarily the nearest.
        """
        delta, lowest, highest, dtype = self._place("delta", delta, x)
        size, room = delta.abs(), self._room(delta, lowest, highest)
        clipped = torch.minimum(size, room)
        if math.isinf(self.p):
            return _rounded(delta.sign() * clipped, dtype)
        outside = ~_within(clipped, self.p, self.radius).unsqueeze(-1)
        if outside.any():
            solve = _scale_to_sphere if self.p == 2 else _soft_threshold
            on_sphere = self._to_faces(solve(size, room, self.radius), room)
            clipped = torch.where(outside, on_sphere, clipped)
        return _rounded(delta.sign() * clipped, dtype)

    def contains(
        self, delta: Tensor, x: Tensor | None = None, *, tolerance: float | None = None
    ) -> Tensor:
        r"""Whether each perturbation lies in :math:`\Delta(x)`, up to rounding.

        .. math::
            \|\delta\|_p \le (1 + \text{tolerance}) \, r, \qquad
            \text{low} - t \le x_j + \delta_j \le \text{high} + t, \qquad
            t = \text{tolerance} \cdot (\text{high} - \text{low})

        Parameters
        ----------
        delta : Tensor of shape (..., d)
            Perturbations.
        x : Tensor of shape (..., d)
            Examples, with entries in [low, high].
        tolerance : float, at least 0, optional
            Relative to the radius and to the width of the box. By default the square root of the
            machine precision (1.5e-8 in float64, 3.5e-4 in float32): half of the digits.

        Returns
        -------
        boolean Tensor of shape (...)
            True for whatever :meth:`maximiser`, :meth:`project` and :meth:`sample` return.

        Raises
        ------
        TypeError, ValueError
            If `x` is missing or leaves the box, an argument is not a finite floating-point tensor
            with at least one entry, or the tolerance is negative.
        """
        delta, lowest, highest, dtype = self._place("delta", delta, x)
        tolerance = _tolerance(tolerance, delta.to(dtype))
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

        Parameters
        ----------
        x : Tensor of shape (..., d)
            Examples, with entries in [low, high].
        generator : torch.Generator
            Source of randomness, the only one that is touched.

        Returns
        -------
        Tensor of shape (..., d)
            Independent draws.

        Raises
        ------
        TypeError, ValueError
            If `x` leaves the box or is not a finite floating-point tensor with at least one entry,
            or there is no generator.
        """
        _, lowest, highest, dtype = self._place("x", x, x)
        if not math.isinf(self.p):
            return self.project(super().sample(x, generator=generator), x)
        u = _uniform(x.shape, check_generator(generator)).to(x.device)
        low, high = lowest.clamp(min=-self.radius), highest.clamp(max=self.radius)
        return _rounded((1 - u) * low + u * high, dtype)  # high - low may overflow

    def _place(
        self, name: str, v: Tensor, x: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor, torch.dtype]:
        """Check `v` and `x`; return `v`, low - x, high - x in float64 and the result's dtype."""
        if x is None:
            raise ValueError(
                "x must be given, got None: a boxed ball depends on the example, "
                "pass x or use a NormBall"
            )
        v, x = _check_rows(name, v), _check_rows("x", x)
        least, greatest = x.min().item(), x.max().item()
        # Data may have been computed in float32 and widened since, and x may be x + delta, rounded.
        rounding = max(torch.finfo(x.dtype).eps, torch.finfo(torch.float32).eps)
        slack = 4 * rounding * max(-self.low, self.high)
        if least < self.low - slack or greatest > self.high + slack:
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
        v, x = v.double(), x.detach().double()
        return v, (self.low - x).clamp(max=0), (self.high - x).clamp(min=0), dtype

    def _room(self, direction: Tensor, lowest: Tensor, highest: Tensor) -> Tensor:
        """How far each entry may go in its direction: to the face of the box, at most `radius`."""
        room = torch.where(direction > 0, highest, -lowest).clamp(max=self.radius)
        return room.masked_fill(direction == 0, 0)

    def _maximise(self, w: Tensor, lowest: Tensor, highest: Tensor) -> Tensor:
        size, room = w.abs(), self._room(w, lowest, highest)
        if self.p == 1:
            room = _spend_budget(size, room, self.radius)
        elif self.p == 2:
            outside = ~_within(room, 2, self.radius).unsqueeze(-1)
            if outside.any():
                on_sphere = self._to_faces(_scale_to_sphere(size, room, self.radius), room)
                room = torch.where(outside, on_sphere, room)
        return w.sign() * room

    def _to_faces(self, in_radii: Tensor, room: Tensor) -> Tensor:
        """Sizes that a solver gave in radii; the face itself for whatever has reached it."""
        return torch.where(in_radii < room / self.radius, _at_radius(in_radii, self.radius), room)


# The solvers below work on sizes: entries without their signs, which the sets above put back. Those
# that find a point on a sphere give it in radii: a radius may be too small for its own multiples.


def _spend_budget(gain: Tensor, room: Tensor, budget: float) -> Tensor:
    """Maximise sum(gain * z) over 0 <= z <= room, sum(z) <= budget: the largest gains first."""
    order = gain.sort(dim=-1, descending=True, stable=True).indices
    room = room.gather(-1, order)
    spent_before = room.cumsum(-1) - room
    spent = torch.minimum((budget - spent_before).clamp(min=0), room)
    return torch.empty_like(spent).scatter(-1, order, spent)


def _scale_to_sphere(size: Tensor, room: Tensor, radius: float) -> Tensor:
    r"""Return min(s * size, room) / radius with the scale s at which its Euclidean norm is 1.

    The squared norm is `full + s**2 * free`: `full` sums room**2 over the entries that have reached
    their room, `free` sums size**2 over the others. Rows that never reach `radius` mean nothing.
    """
    # An entry without room must not be the measure of the others: it may dwarf them.
    size = _relative(size.masked_fill(room == 0, 0))
    size = size.masked_fill(size**2 < torch.finfo(size.dtype).tiny, 0)
    bound = torch.where(size > 0, room / radius, 0)
    # The scale at which each entry reaches its room; 0 / 0 stands for "at once".
    turn, order = torch.nan_to_num(bound / size, nan=0.0).sort(-1)
    full = bound.gather(-1, order).square().cumsum(-1)
    squares = size.gather(-1, order).square()
    # Summed from the far end: subtracting from the total would lose small entries beside large.
    free = squares.flip(-1).cumsum(-1).flip(-1)
    zero = torch.zeros_like(full[..., :1])
    norm_at_turn = full + turn**2 * torch.cat([free[..., 1:], zero], -1)
    piece = (norm_at_turn < 1).sum(-1, keepdim=True).clamp(max=size.shape[-1] - 1)
    full_before = torch.cat([zero, full], -1).gather(-1, piece)
    scale = ((1 - full_before).clamp(min=0) / free.gather(-1, piece)).sqrt()
    return torch.minimum(scale * size, bound)


def _soft_threshold(size: Tensor, room: Tensor, radius: float) -> Tensor:
    r"""Return min(max(size - t, 0), room) / radius with the threshold t at which its sum is 1.

    With the level max(size) - t an entry starts to fill when the level passes max(size) - size, and
    is full `room` later: the sum is piecewise linear in the level, which stays as small as `radius`
    where a threshold near a large entry would lose digits. Rows that never fill mean nothing.
    """
    size, room = size.masked_fill(room == 0, 0), torch.minimum(size, room)
    # Scaled so that neither a sum overflows nor, beside entries that it can fill, the radius is 0.
    _, exponent = _scaled(size)
    shift = 1000 - exponent
    size, room = _times_power_of_two(size, shift), _times_power_of_two(room, shift)
    budget = _times_power_of_two(size.new_tensor(radius), shift).clamp(min=LEAST)
    start = size.amax(-1, keepdim=True) - size
    turn, order = torch.cat([start, start + room], -1).sort(-1)
    step = torch.cat([torch.ones_like(start), -torch.ones_like(start)], -1).gather(-1, order)
    slope = step.cumsum(-1)
    zero = torch.zeros_like(start[..., :1])
    filled = torch.cat([zero, (slope[..., :-1] * turn.diff(dim=-1)).cumsum(-1)], -1)
    piece = ((filled < budget).sum(-1, keepdim=True) - 1).clamp(min=0)
    rest = budget - filled.gather(-1, piece)
    level = turn.gather(-1, piece) + rest / slope.gather(-1, piece)
    fill = torch.minimum((level - start).clamp(min=0), room) / budget
    # Where entries a million radii apart fill together, their own rounding may leave the ball.
    return fill * (1 / fill.sum(-1, keepdim=True)).clamp(max=1)


def _shrink_to_sphere(size: Tensor, p: float, radius: float) -> Tensor:
    r"""Solve z + mu * z**(p - 1) = size / radius for z and the mu > 0 at which z has p-norm 1.

    Newton's method for mu, kept in a bracket, with z found anew at each mu. All sizes are
    logarithms, so that nothing overflows for any p. What Newton's method linearises is the norm to
    the power 1 - p, nearly linear in mu (for p = 2 exactly so); its first guess is an upper bound,
    the dual norm of `size`. A row that has converged waits for the others: what is found for it
    does not depend on them.
    """
    part, exponent = _scaled(size)
    mantissa, shift = math.frexp(radius)
    # Farther away than 2**900 radii, the projection of the direction no longer changes.
    in_radii = _times_power_of_two(part / mantissa, (exponent - shift).clamp(max=900))
    log_size = in_radii.clamp(min=torch.finfo(size.dtype).tiny).log()
    log_bound = _norm(in_radii, p / (p - 1)).unsqueeze(-1).log()
    low, high = torch.zeros_like(log_bound), torch.ones_like(log_bound)
    part = high  # mu as a part of its upper bound
    for _ in range(100):
        log_mu = log_bound + part.log()
        log_z, share = _shrink_entries(log_size, log_mu, p)
        log_norm = torch.logsumexp(p * log_z, -1, keepdim=True) / p
        settled = (log_norm.abs() <= 1e-12) | (high - low <= 1e-15 * high)
        if settled.all():
            break
        low, high = part.where(log_norm > 0, low), part.where(log_norm <= 0, high)
        slope = -((1 - share) / (share + (1 - share) * (p - 1)) * torch.softmax(p * log_z, -1)).sum(
            -1, keepdim=True
        )
        newton = part * (1 - torch.expm1((p - 1) * log_norm) / ((p - 1) * slope))
        newton = newton.where((low < newton) & (newton < high), (low + high) / 2)
        part = part.where(settled, newton)
    return (log_z - log_norm).exp()


def _shrink_entries(log_size: Tensor, log_mu: Tensor, p: float) -> tuple[Tensor, Tensor]:
    r"""Solve z + mu * z**(p - 1) = size for log(z); also return the share z / size.

    The logarithm of the left side is convex and increasing in log(z), so that Newton's method from
    the right falls monotonically onto the root. An entry that has arrived waits for the others.
    """
    log_z = torch.minimum(log_size, (log_size - log_mu) / (p - 1))
    rounding = 4 * torch.finfo(log_z.dtype).eps * (1 + log_size.abs() + log_mu.abs())
    for _ in range(100):
        excess = torch.logaddexp(log_z, log_mu + (p - 1) * log_z) - log_size
        share = torch.sigmoid((2 - p) * log_z - log_mu)
        settled = excess <= rounding
        if settled.all():
            break
        log_z = log_z.where(settled, log_z - excess / (share + (1 - share) * (p - 1)))
    return log_z, share


def _steepest(w: Tensor, p: float) -> Tensor:
    """The point of the unit ball at which <w, .> is largest, as documented for `maximiser`.

    It is the gradient of the dual norm, and for 1 < p < inf differentiable in its turn.
    """
    if math.isinf(p):
        return w.sign()
    if p == 1:
        first = w.abs().argmax(-1, keepdim=True)
        return torch.zeros_like(w).scatter(-1, first, w.gather(-1, first).sign())
    shape = _relative(w)
    if p != 2:
        # The power q - 1 = 1 / (p - 1) of entries of at most 1 can't overflow.
        shape = shape.sign() * shape.abs() ** (1 / (p - 1))
    # Dividing by their own p-norm, at least 1 unless w = 0, leads to the sphere for every p.
    length = torch.linalg.vector_norm(shape, ord=p, dim=-1, keepdim=True)
    return shape / length.clamp(min=1)


class _GivenGradient(torch.autograd.Function):
    """A value for each row of `w` whose gradient in `w` was computed beside it.

    What autograd would find by itself is multiplied by scales and divided by them again, and so
    loses digits where these are subnormal.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(w: Tensor, value: Tensor, gradient: Tensor) -> Tensor:
        return value.clone()

    @staticmethod
    def setup_context(ctx, inputs, output) -> None:
        ctx.save_for_backward(inputs[2])
        ctx.save_for_forward(inputs[2])

    @staticmethod
    def backward(ctx, slope: Tensor):
        (gradient,) = ctx.saved_tensors
        return slope.unsqueeze(-1) * gradient, None, None

    @staticmethod
    def jvp(ctx, direction: Tensor, *_):
        (gradient,) = ctx.saved_tensors
        return (gradient * direction).sum(-1)


LEAST = 2.0**-1074  # the smallest positive float64


def _scaled(v: Tensor) -> tuple[Tensor, Tensor]:
    """Rows divided by 2**exponent, so that the largest entry is in [1/2, 1); and the exponents.

    Powers of two change no digit, and none is too small: 1 over a subnormal number is infinite.
    """
    exponent = torch.frexp(v.detach().abs().amax(-1, keepdim=True)).exponent.long()
    return _times_power_of_two(v, -exponent), exponent


def _times_power_of_two(v: Tensor, exponent: Tensor) -> Tensor:
    """v * 2**exponent: if need be in three steps, since 2**1024 is too large for float64."""
    parts = [exponent]
    if exponent.abs().max() > 1000:
        parts = [exponent // 3, (exponent + 1) // 3, (exponent + 2) // 3]
    for part in parts:
        v = v * ((part + 1023) << 52).view(torch.float64)  # 2**part, by its bits
    return v


def _inner_product(v: Tensor, w: Tensor) -> Tensor:
    """<v, w> for each row; scaled by its largest product, not by the largest factors."""
    (v, of_v), (w, of_w) = torch.frexp(v), torch.frexp(w)
    products, exponent = v * w, (of_v + of_w).long()
    largest = exponent.masked_fill(products == 0, -2200).amax(-1, keepdim=True)
    terms = _times_power_of_two(products, (exponent - largest).clamp(-2200, 0))
    return _times_power_of_two(terms.sum(-1), largest.squeeze(-1))


def _relative(v: Tensor) -> Tensor:
    """Rows divided by their largest absolute entry (rows of zeros as they are)."""
    scaled, _ = _scaled(v)
    largest = scaled.detach().abs().amax(-1, keepdim=True)
    return scaled / largest.masked_fill(largest == 0, 1)


def _scaled_norm(v: Tensor, p: float) -> tuple[Tensor, Tensor]:
    """The p-norm of each row as a number and the power of two by which to multiply it."""
    scaled, exponent = _scaled(v)
    norm = torch.linalg.vector_norm(scaled, ord=min(p, 1000.0), dim=-1)
    if p > 1000:  # the power p of entries of 1/2 and more would be 0
        largest = scaled.abs().amax(-1)
        norm = largest * torch.linalg.vector_norm(_relative(scaled), ord=p, dim=-1)
    return norm, exponent.squeeze(-1)


def _norm(v: Tensor, p: float) -> Tensor:
    """The p-norm of each row; too large only where the norm itself is."""
    return _times_power_of_two(*_scaled_norm(v, p))


def _within(v: Tensor, p: float, radius: float, tolerance: float = 0.0) -> Tensor:
    """Whether the p-norm of each row is at most (1 + tolerance) * radius."""
    norm, exponent = _scaled_norm(v, p)
    mantissa, shift = math.frexp(radius)
    # Compared at the norm's own scale: among subnormal numbers it would be rounded first.
    bound = torch.full_like(norm, (1 + tolerance) * mantissa)
    return norm <= _times_power_of_two(bound, shift - exponent)


def _at_radius(in_radii: Tensor, radius: float) -> Tensor:
    """radius * in_radii, in the ball also where the radius is but a few of the least numbers."""
    if in_radii.shape[-1] * LEAST < torch.finfo(in_radii.dtype).eps * radius:
        return radius * in_radii
    # Multiples of the least number, rounded towards 0: rounding up could double an entry.
    return (in_radii * (radius / LEAST)).trunc() * LEAST


def _rounded(v: Tensor, dtype: torch.dtype) -> Tensor:
    """Float64 as another data type: towards 0 below its normal numbers, for the same reason."""
    if dtype == v.dtype:
        return v
    limits = torch.finfo(dtype)
    least = limits.tiny * limits.eps
    v = v.where(v.abs() >= limits.tiny, (v / least).trunc() * least)
    return v.clamp(-limits.max, limits.max).to(dtype)


def _uniform(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    return torch.rand(shape, generator=generator, device=generator.device, dtype=torch.float64)


def _gamma(shape_parameter: float, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Draw Gamma variables with a parameter >= 1 from `generator`; Marsaglia and Tsang (2000).

    torch's own gamma sampler draws from the global generator only.
    """
    d = shape_parameter - 1 / 3
    c = 1 / math.sqrt(9 * d)
    drawn = torch.empty(math.prod(shape), device=generator.device, dtype=torch.float64)
    todo = torch.arange(len(drawn), device=generator.device)
    while len(todo):
        z = torch.randn(
            len(todo), generator=generator, device=generator.device, dtype=torch.float64
        )
        v = (1 + c * z) ** 3
        # v <= 0 has no logarithm: the comparison with NaN rejects it.
        accepted = _uniform(z.shape, generator).log() < z**2 / 2 + d * (1 - v + v.log())
        drawn[todo[accepted]] = d * v[accepted]
        todo = todo[~accepted]
    return drawn.reshape(shape)


def _check_rows(name: str, value: object) -> Tensor:
    """Return `value` if it is a finite floating-point (..., d) tensor with at least one entry."""
    value = check_float(name, value)
    if value.ndim == 0 or value.numel() == 0:
        raise ValueError(
            f"{name} must have shape (..., d) with at least one entry, got {tuple(value.shape)}: "
            "use reshape(1) on a number, and leave empty batches out"
        )
    return value


def _tolerance(tolerance: float | None, like: Tensor) -> float:
    if tolerance is None:
        return math.sqrt(torch.finfo(like.dtype).eps)
    number = real(tolerance)
    if not number >= 0:
        raise ValueError(
            f"tolerance must be a number >= 0, got {tolerance!r}: leave it out for the default"
        )
    return number
