"""The profiles of property tests: the gate's draws repeat, the exploration's are new and many."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TEST = """
import pytest
from hypothesis import given, settings, strategies as st

@pytest.mark.parametrize("case", [1, 2])
@given(st.integers())
@settings(max_examples=5)
def test_own_number(case, drawn):
    print("drawn", case, drawn)

@given(st.integers())
def test_default_number(drawn):
    print("drawn", 3, drawn)
"""


@pytest.fixture
def draws(tmp_path):
    """What the tests above draw in a profile: a list for each of the three."""
    shutil.copy(Path(__file__).parent.parent / "conftest.py", tmp_path)
    (tmp_path / "test_draws.py").write_text(TEST)

    def run(profile):
        environment = {k: v for k, v in os.environ.items() if k != "HYPOTHESIS_PROFILE"}
        if profile is not None:
            environment["HYPOTHESIS_PROFILE"] = profile
        # In CI Hypothesis repeats its draws by itself: here it must not.
        for name in ("CI", "GITHUB_ACTIONS", "TF_BUILD"):
            environment.pop(name, None)
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", tmp_path],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        words = [line.lstrip(".").split() for line in done.stdout.splitlines()]
        drawn = [row for row in words if row[:1] == ["drawn"]]
        return [[row[2] for row in drawn if row[1] == case] for case in "123"]

    return run


def test_without_a_profile_every_run_draws_the_same(draws):
    first, second = draws(None), draws("gate")
    assert first == second
    assert len(first[0]) == len(first[1]) == 5 and len(first[2]) == 100


def test_exploration_draws_anew_and_twenty_times_as_much(draws):
    first, second = draws("explore"), draws("explore")
    assert first != second
    assert len(first[0]) == len(first[1]) == 100 and len(first[2]) == 2000
