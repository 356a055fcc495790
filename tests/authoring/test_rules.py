"""Rules of prose and code: what is no result may be typed, a typed result is found."""

import pytest

from authoring.rules.code import SETUP_CELL
from authoring.rules.prose import ALLOWED_NUMBERS, pictures_without_alt, typed_numbers


@pytest.mark.parametrize(
    "prose",
    [
        "`0.831` in code, {py:func}`f(0.831)` in a role, ``a`0.831`` in a longer span",
        "```python\nx = 0.831\n```",
        "```{code-block} python\nx = 0.831\n```",
        "~~~\n0.831\n~~~",
        "https://example.org/v0.831 and [text](page.md#section-0.831)",
        "arXiv:1412.6572 and [arXiv:1207.0580v1](https://arxiv.org/abs/1207.0580)",
        "Python 3.11, CC BY-SA 3.0, Section 2.1, Theorem 4.2 and PyTorch 2.4",
        "1,789 of 2,115 images, 34 pixels, 10 epochs, $10^{-3}$, version 1.0.4",
        "eps is 0.2, the lecture's rates 0.0004, 0.845 and 0.025",
        "```{figure} a.png\n:alt: What it shows\n:width: 37.5%\n\nA caption.\n```",
        "<!-- 0.831 -->",
    ],
)
def test_numbers_that_are_no_results_may_be_typed(prose):
    assert list(typed_numbers(prose, cell=1)) == []


@pytest.mark.parametrize(
    ("prose", "number"),
    [
        ("It is .831.", ".831"),
        ("It is 0.831, no less.", "0.831"),
        ("from 0.796 on", "0.796"),
        ("-0.831", "0.831"),
        ("(0.831)", "0.831"),
        ("$0.831\\,x$", "0.831"),
        ("83.1\\%", "83.1\\%"),
        ("12 percent", "12 percent"),
        ("2,115.5 images", "2,115.5"),
        ("A table: | 0.831 |", "0.831"),
        (":::{note}\n0.831\n:::", "0.831"),
        ("{math}`0.831`", "0.831"),
    ],
)
def test_typed_numbers_are_found(prose, number):
    assert [f"the number {number} is typed into the prose"] == [
        problem.what for problem in typed_numbers(prose, cell=1)
    ]


def test_every_allowed_number_has_its_reason():
    assert all(len(reason) >= 5 for reason in ALLOWED_NUMBERS.values())


@pytest.mark.parametrize(
    "prose",
    [
        "![A digit](digit.png)",
        '<img alt="A digit" src="digit.png">',
        "```{image} digit.png\n:width: 50%\n:alt: A digit\n```",
        ":::{figure} digit.png\n:alt: A digit\n:::",
        "`![](digit.png)` is Markdown for a picture",
    ],
)
def test_pictures_with_alt_pass(prose):
    assert list(pictures_without_alt(prose, cell=1)) == []


def test_setup_cell_is_valid_and_silent_where_the_package_is(capsys):
    source = SETUP_CELL.format(repository="https://example.org/lecture")
    exec(source.replace("%pip", "raise AssertionError #"), {})
    assert capsys.readouterr().out == ""
