"""Fonts that are missing are named."""

import pytest

from tests.browser.checks.fonts import Family, configuration, lacking_faces

NONE = Family("No Serif", "No Sans", "No Mono", "no-fonts")


def test_a_family_that_is_missing_is_named(tmp_path):
    reason = lacking_faces(NONE, configuration(NONE, tmp_path))
    if "fc-list" in reason:
        pytest.skip(reason)
    assert reason.startswith("the fonts No Serif, No Sans, No Mono are missing (Debian: apt")


def test_without_fontconfig_it_is_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert lacking_faces(NONE, tmp_path / "fonts.conf") == (
        "fontconfig's fc-list is not installed (Debian: apt install fontconfig)"
    )
