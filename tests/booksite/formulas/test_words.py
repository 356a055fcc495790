"""A formula as a line of text says what it means."""

import pytest
from bs4 import BeautifulSoup

from booksite.formulas.words import linear_text


@pytest.mark.parametrize(
    "mathml, text",
    [
        ("<msub><mi>x</mi><mi>i</mi></msub><mi>y</mi>", "x_i y"),
        ("<mi>a</mi><mo>=</mo><mo>−</mo><mn>1</mn>", "a = −1"),
        ("<mi>a</mi><mo>−</mo><mn>1</mn>", "a − 1"),
        ("<mfrac><mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow><mn>2</mn></mfrac>", "(a + b)/2"),
        ("<mi>f</mi><mo>′</mo><mi>log</mi><mo>\u2061</mo><mi>x</mi>", "f′log x"),
        ("<msup><mi>f</mi><mo>′</mo></msup>", "f′"),
        ("<mover><mi>θ</mi><mo>^</mo></mover>", "θ\u0302"),
        ("<msqrt><mi>d</mi><mo>+</mo><mn>1</mn></msqrt>", "√(d + 1)"),
        ("<munderover><mo>∑</mo><mi>i</mi><mi>N</mi></munderover><mi>a</mi>", "∑_i^N a"),
        ("<mtable><mtr><mtd><mi>a</mi></mtd><mtd><mi>b</mi></mtd></mtr></mtable>", "a b"),
    ],
)
def test_a_formula_has_a_line_of_text(mathml, text):
    formula = BeautifulSoup(f"<math>{mathml}</math>", "html.parser").math
    assert linear_text(formula) == text
