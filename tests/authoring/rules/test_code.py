"""The first code cell of every chapter."""

from authoring.rules.code import SETUP_CELL


def test_setup_cell_is_valid_and_silent_where_the_package_is(capsys):
    source = SETUP_CELL.format(repository="https://example.org/lecture")
    exec(source.replace("%pip", "raise AssertionError #"), {})
    assert capsys.readouterr().out == ""
