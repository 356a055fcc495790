r"""The sets :math:`\Delta(x)` of perturbations that an adversary may choose from.

Two kinds: an :math:`\ell_p` ball, the same at each example, and its intersection with the pixel
box, which depends on where in the box the example lies. Each knows the four things that adversarial
training asks of a set: its support function, a maximiser of a linear function, the Euclidean
projection and membership; and how to draw from it. A third, an interval for each pixel of each
example, knows what linear classifiers ask for.

Everything works on the last dimension, over any leading ones. It is computed in float64 and then
rounded to the data type of the arguments; scaled by powers of two, so that no weight or radius is
too small or too large for it.
"""

from lectures_code.perturbations.ball import NormBall
from lectures_code.perturbations.box import BoxedNormBall
from lectures_code.perturbations.intervals import PixelIntervals

__all__ = ["BoxedNormBall", "NormBall", "PixelIntervals"]
