"""The logistic loss and the linear classifier, against exact arithmetic, torch and counting."""

import math
from decimal import Decimal, localcontext

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from lectures_code.logistic import (
    LinearClassifier,
    evaluation_mode,
    log_odds_of_error,
    losses,
    margins,
    outputs,
    psi,
    psi_prime,
)
from tests.oracles import says

# One rounding of a double is 1.1e-16 of its size; a few of them happen.
ROUNDING = 1e-15
X = torch.tensor([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]], dtype=torch.float64)


def exact_psi(z):
    """log(1 + exp(-z)): 1 + exp(-700) has 304 digits before the interesting ones."""
    with localcontext() as context:
        context.prec = 330
        return float((1 + (-Decimal(z)).exp()).ln())


def exact_psi_prime(z):
    with localcontext() as context:
        context.prec = 330
        return float(-1 / (1 + Decimal(z).exp()))


MARGINS = st.floats(-700, 700, allow_subnormal=False)


@given(MARGINS)
def test_psi_and_its_derivative_keep_all_digits(z):
    at = torch.tensor(z, dtype=torch.float64)
    # log1p(exp(-z)) for large z has exp's relative error, which grows like |z| roundings.
    within = ROUNDING * (1 + abs(z))
    assert math.isclose(float(psi(at)), exact_psi(z), rel_tol=within)
    assert math.isclose(float(psi_prime(at)), exact_psi_prime(z), rel_tol=within)


def test_psi_is_finite_for_margins_of_any_size():
    far = torch.tensor([-1e300, -1e5, 0.0, 1e5, 1e300], dtype=torch.float64)
    assert psi(far).tolist() == [1e300, 1e5, math.log(2), 0.0, 0.0]
    assert psi_prime(far).tolist() == [-1.0, -1.0, -0.5, 0.0, 0.0]


def test_psi_prime_is_the_derivative_that_autograd_finds():
    z = torch.linspace(-40, 40, 161, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(psi(z).sum(), z)
    torch.testing.assert_close(psi_prime(z.detach()), slope, rtol=ROUNDING * 10, atol=0)
    assert torch.autograd.gradcheck(psi_prime, z)


@given(st.floats(-30, 30), st.floats(1e-3, 10))
def test_psi_decreases_and_is_convex(z, step):
    low, middle, high = psi(torch.tensor([z, z + step / 2, z + step], dtype=torch.float64)).tolist()
    assert low > middle > high > 0
    assert 2 * middle <= (low + high) * (1 + ROUNDING)


def test_psi_keeps_shape_and_type():
    z = torch.zeros(2, 3, dtype=torch.float32)
    assert psi(z).shape == psi_prime(z).shape == (2, 3)
    assert psi(z).dtype == psi_prime(z).dtype == torch.float32


@pytest.mark.parametrize("shape", [(4,), (4, 1)])
@pytest.mark.parametrize("dtype", [torch.int64, torch.float64])
def test_the_margin_of_a_score_is_label_times_score(shape, dtype):
    scores = torch.tensor([2.0, -3.0, 0.0, 1.0], dtype=torch.float64).reshape(shape)
    y = torch.tensor([1, -1, 1, -1], dtype=dtype)
    assert margins(scores, y).tolist() == [2.0, 3.0, 0.0, -1.0]
    assert losses(scores, y).tolist() == psi(margins(scores, y)).tolist()
    assert losses(scores, y).shape == (4,)


@given(st.integers(0, 10**6), st.integers(2, 6))
@settings(max_examples=30)
def test_margins_of_logits_are_positive_exactly_where_argmax_is_right(seed, k):
    draw = torch.Generator().manual_seed(seed)
    logits = torch.randn(8, k, generator=draw, dtype=torch.float64)
    y = torch.randint(k, (8,), generator=draw)
    for z, label, margin in zip(logits.tolist(), y.tolist(), margins(logits, y), strict=True):
        others = [value for number, value in enumerate(z) if number != label]
        assert float(margin) == z[label] - max(others)
    assert ((margins(logits, y) > 0) == (logits.argmax(dim=1) == y)).all()


def test_tied_logits_have_margin_zero():
    logits = torch.tensor([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0]], dtype=torch.float64)
    assert margins(logits, torch.tensor([0, 1])).tolist() == [0.0, 0.0]


@given(st.integers(0, 10**6))
@settings(max_examples=30)
def test_two_logits_agree_with_the_score_that_is_their_difference(seed):
    draw = torch.Generator().manual_seed(seed)
    logits = 5 * torch.randn(8, 2, generator=draw, dtype=torch.float64)
    classes = torch.randint(2, (8,), generator=draw)
    score, y = logits[:, 1] - logits[:, 0], 2 * classes - 1
    assert margins(logits, classes).tolist() == margins(score, y).tolist()
    # Cross-entropy subtracts numbers of size 10 from each other.
    torch.testing.assert_close(losses(logits, classes), losses(score, y), rtol=1e-13, atol=1e-14)


def test_the_loss_of_logits_is_minus_the_log_of_the_softmax():
    logits = torch.tensor([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]], dtype=torch.float64)
    expected = [-math.log(math.exp(1) / sum(map(math.exp, (1, 2, 3)))), math.log(3)]
    assert losses(logits, torch.tensor([0, 2])).tolist() == pytest.approx(expected, rel=ROUNDING)


@pytest.mark.parametrize("function", [margins, losses])
class TestOutputsAndLabelsThatDoNotFit:
    def test_labels_zero_and_one_for_scores(self, function):
        with says(ValueError, "labels must be -1 or +1, got 0 and 1: use 2 * y.long() - 1"):
            function(torch.zeros(2), torch.tensor([0, 1]))

    def test_outputs_with_three_dimensions(self, function):
        text = (
            "a model must give one score, shape (n,) or (n, 1), or k logits, shape (n, k), "
            "for each example, got (2, 3, 4): flatten its output"
        )
        with says(ValueError, text):
            function(torch.zeros(2, 3, 4), torch.tensor([0, 1]))

    def test_outputs_without_a_dimension(self, function):
        with pytest.raises(ValueError, match=r"for each example, got \(\): flatten its output"):
            function(torch.tensor(1.0), torch.tensor(1))

    @pytest.mark.parametrize(
        ("y", "came", "advice"),
        [
            ([0.0, 1.5], "1.5", "count the classes from 0"),
            ([0, 3], "3", "count the classes from 0"),
            ([-1, 1], "-1", "use (y == 1).long() for labels -1 and +1"),
        ],
    )
    def test_class_numbers(self, function, y, came, advice):
        text = f"y must hold class numbers from 0 to 2 for 3 logits, got {came}: {advice}"
        with says(ValueError, text):
            function(torch.zeros(2, 3), torch.tensor(y))

    @pytest.mark.parametrize("output", [(torch.zeros(2),), [0.0, 1.0], None, {"logits": 0}])
    def test_outputs_that_are_no_tensor(self, function, output):
        text = (
            f"a model must give one tensor, of scores or logits, got {type(output).__name__}: "
            "wrap the model in a function that returns this tensor"
        )
        with says(TypeError, text):
            function(output, torch.tensor([0, 1]))

    @pytest.mark.parametrize("dtype", [torch.int64, torch.bool, torch.complex64])
    def test_outputs_that_are_no_real_numbers(self, function, dtype):
        text = f"a model must give floating-point scores or logits, got {dtype}: "
        with says(TypeError, text + "return them instead of the decisions"):
            function(torch.ones(2, dtype=dtype), torch.tensor([-1, 1]))

    @pytest.mark.parametrize("shape", [(2,), (2, 1), (2, 3)])
    def test_outputs_that_are_not_a_number(self, function, shape):
        output = torch.zeros(shape)
        output[1] = math.nan
        bad = output.isnan().sum()
        text = f"a model must give numbers, got {bad} NaN among {output.numel()} outputs: "
        with says(ValueError, text + "check its weights, and train with a smaller step_size"):
            function(output, torch.tensor([1, 1]))

    def test_outputs_without_logits(self, function):
        with pytest.raises(ValueError, match=r"for each example, got \(2, 0\): flatten its output"):
            function(torch.zeros(2, 0), torch.tensor([0, 0]))

    @pytest.mark.parametrize("k", [1, 3])
    @pytest.mark.parametrize(
        ("shape", "advice"),
        [
            ((2, 1), "use y.reshape(-1)"),
            ((3,), "pass the labels of these examples"),
            ((0,), "pass the labels of these examples"),
        ],
    )
    def test_labels_of_other_examples(self, function, k, shape, advice):
        text = f"y must have shape (2,), one label for each example, got {shape}: {advice}"
        with says(ValueError, text):
            function(torch.zeros(2, k), torch.ones(shape, dtype=torch.int64))


class TestOutputsOfAModel:
    def test_are_what_it_gives(self):
        layer = nn.Linear(2, 3).double()
        assert torch.equal(outputs(layer, X), layer(X))
        assert outputs(nn.Linear(2, 1).double(), X).shape == (3,)

    @pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
    def test_of_another_dtype_are_refused(self, dtype):
        text = f"x must have the model's dtype, got {dtype} with 1.weight in torch.float64: "
        model = nn.Sequential(nn.Identity(), nn.Linear(2, 1)).double()
        with says(TypeError, text + "use model.double() or x.float()"):
            outputs(model, X.to(dtype))

    def test_of_a_model_that_converts_its_examples_are_taken(self):
        class Converting(nn.Module):
            def __init__(self):
                super().__init__()
                self.layer = nn.Linear(2, 1)

            def forward(self, x):
                return self.layer(x.float())

        assert outputs(Converting(), X).dtype == torch.float32

    def test_errors_of_its_own_are_passed_on(self):
        with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
            outputs(nn.Linear(4, 1).double(), X)

    @pytest.mark.parametrize("shape", [(1,), (6, 1), (1, 3)])
    def test_of_other_examples_are_refused(self, shape):
        text = "a model must give one score or several logits for each of 3 examples, got shape "
        came = shape[:1] if shape[-1] == 1 else shape
        with says(ValueError, f"{text}{came}: keep the first dimension of x"):
            outputs(lambda x: torch.zeros(shape), X)


class TestEvaluationMode:
    def test_is_in_force_within_and_each_part_keeps_its_own_mode(self):
        model = nn.Sequential(nn.Dropout(), nn.Sequential(nn.Dropout())).train()
        model[1].eval()
        modes = [part.training for part in model.modules()]
        assert len(set(modes)) == 2
        with pytest.raises(KeyError), evaluation_mode(model):
            assert not any(part.training for part in model.modules())
            raise KeyError
        assert [part.training for part in model.modules()] == modes

    @pytest.mark.parametrize("model", [lambda x: x, LinearClassifier(torch.ones(2), 0.0)])
    def test_leaves_other_callables_alone(self, model):
        with evaluation_mode(model):
            pass


class TestLinearClassifier:
    theta = torch.tensor([2.0, -1.0], dtype=torch.float64)

    def test_scores_are_weighted_sums(self):
        model = LinearClassifier(self.theta, torch.tensor(0.25, dtype=torch.float64))
        assert model(X).tolist() == [2.25, 0.75, -0.75]
        y = torch.tensor([1, -1, -1])
        assert model.margins(X, y).tolist() == [2.25, -0.75, 0.75]

    @pytest.mark.parametrize("intercept", [1, 1.0, torch.tensor(1.0), torch.tensor(1)])
    def test_an_intercept_of_any_number_type_takes_the_weights_type(self, intercept):
        model = LinearClassifier(self.theta, intercept)
        assert model.intercept.dtype == torch.float64
        assert model.intercept.shape == ()
        assert float(model.intercept) == 1.0

    @pytest.mark.parametrize("bias", [True, False])
    def test_of_a_layer_scores_as_the_layer_and_shares_its_memory(self, bias):
        layer = nn.Linear(2, 1, bias=bias).double()
        model = LinearClassifier.of(layer)
        torch.testing.assert_close(model(X), layer(X)[:, 0].detach(), rtol=ROUNDING, atol=ROUNDING)
        assert model.theta.data_ptr() == layer.weight.data_ptr()
        assert not model.theta.requires_grad
        with torch.no_grad():
            layer.weight += 1.0
        torch.testing.assert_close(model(X), layer(X)[:, 0].detach(), rtol=ROUNDING, atol=ROUNDING)

    def test_of_a_classifier_is_the_classifier(self):
        model = LinearClassifier(self.theta, 0.0)
        assert LinearClassifier.of(model) is model

    @pytest.mark.parametrize("module", [nn.Linear(2, 3), nn.ReLU(), nn.Sequential(nn.Linear(2, 1))])
    def test_other_modules_are_refused(self, module):
        text = f"a linear classifier is an nn.Linear(d, 1), got {module}: for other models "
        with says(
            TypeError, text + "use attacks.pgd, for several logits the functions in multiclass"
        ):
            LinearClassifier.of(module)

    @pytest.mark.parametrize(
        ("theta", "intercept", "came"),
        [
            (torch.zeros(1, 2), 0.0, "(1, 2) and ()"),
            (torch.zeros(2), torch.zeros(1), "(2,) and (1,)"),
            (torch.zeros(()), 0.0, "() and ()"),
        ],
    )
    def test_parts_of_wrong_shape_are_refused(self, theta, intercept, came):
        text = f"theta must have shape (d,) and the intercept shape (), got {came}: "
        with says(ValueError, text + "use LinearClassifier.of(module) on an nn.Linear"):
            LinearClassifier(theta, intercept)

    def test_parts_that_are_no_numbers_are_refused(self):
        with pytest.raises(ValueError, match=r"^theta must be finite, got 1 NaN"):
            LinearClassifier(torch.tensor([math.nan]), 0.0)
        with pytest.raises(ValueError, match=r"^intercept must be finite, got 1 NaN"):
            LinearClassifier(self.theta, math.inf)
        with pytest.raises(
            TypeError, match=r"^theta must hold floating-point numbers, got torch.int64"
        ):
            LinearClassifier(torch.tensor([1, 2]), 0.0)
        with pytest.raises(TypeError, match=r"^theta must be a torch tensor, got list"):
            LinearClassifier([1.0, 2.0], 0.0)

    def test_examples_that_do_not_fit_are_refused(self):
        model = LinearClassifier(self.theta, 0.0)
        with says(ValueError, "x must have 2 features, one for each weight, got 3"):
            model(torch.zeros(1, 3, dtype=torch.float64))
        with pytest.raises(ValueError, match=r"^x must have shape \(n, d\), got \(2,\)"):
            model(X[0])
        text = "x must have the weights' dtype, got torch.float32 with weights in torch.float64: "
        with says(TypeError, text + "use x.to(theta.dtype)"):
            model(X.float())
        with pytest.raises(ValueError, match=r"^labels must be -1 or \+1, got 0 and 1: use 2"):
            model.margins(X, torch.tensor([0, 1, 1]))


DTYPES = [torch.float64, torch.float32, torch.bfloat16, torch.float16]


@pytest.mark.parametrize("k", [1, 2, 5])
def test_the_loss_is_the_softplus_of_the_log_odds_of_an_error(k):
    draw = torch.Generator().manual_seed(k)
    output = 10 * torch.randn(50, k, generator=draw, dtype=torch.float64)
    y = torch.randint(max(k, 2), (50,), generator=draw)
    y = y if k > 1 else 2 * y - 1
    odds = log_odds_of_error(output, y)
    torch.testing.assert_close(
        torch.nn.functional.softplus(odds, threshold=40), losses(output, y), rtol=1e-12, atol=1e-15
    )
    assert torch.equal(odds >= 0, losses(output, y) >= math.log(2))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("k", [2, 3, 10])
@pytest.mark.parametrize("size", [0, 1, 1e4])
def test_its_derivatives_do_not_fade_and_what_all_logits_share_cancels(dtype, k, size):
    draw = torch.Generator().manual_seed(k)
    y = torch.arange(20) % k
    z = torch.randn(20, k, generator=draw) + size * (1 + torch.eye(k)[y])  # 20000 fits in float16
    z = z.to(dtype).requires_grad_()
    (slope,) = torch.autograd.grad(log_odds_of_error(z, y).sum(), z)
    slope = slope.double()
    assert (slope.gather(1, y[:, None]) == -1).all()
    assert (slope.sum(1).abs() <= 2 * torch.finfo(dtype).eps).all()
    assert (slope.scatter(1, y[:, None], 0) >= 0).all()
    if k == 2:
        assert (slope.abs() == 1).all()


def test_two_logits_are_as_three_of_which_one_is_excluded():
    draw = torch.Generator().manual_seed(0)
    z = 1e3 * torch.randn(50, 2, generator=draw, dtype=torch.float64)
    z[0], z[1, 0], z[2, 1] = -math.inf, -math.inf, -math.inf
    y = torch.randint(2, (50,), generator=draw)
    two, three = (each.requires_grad_() for each in (z, torch.nn.functional.pad(z, (0, 1))))
    with torch.no_grad():
        three[:, 2] = -math.inf
    odds = [log_odds_of_error(each, y) for each in (two, three)]
    assert torch.equal(*odds)
    slopes = [
        torch.autograd.grad(each.sum(), z)[0] for each, z in zip(odds, (two, three), strict=True)
    ]
    assert torch.equal(slopes[0], slopes[1][:, :2])


def test_classes_that_a_model_excludes_have_no_part_in_the_log_odds():
    z = torch.tensor([[1.0, 3.0, -math.inf], [2.0, -math.inf, -math.inf]], requires_grad=True)
    odds = log_odds_of_error(z, torch.zeros(2))
    assert odds.tolist() == [2, -math.inf]
    (slope,) = torch.autograd.grad(odds.sum(), z)
    assert slope.tolist() == [[-1, 1, 0], [0, 0, 0]]
