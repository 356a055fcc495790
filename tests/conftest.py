"""Settings that hold for all tests.

Property tests draw their examples with Hypothesis, in one of two profiles:

- `gate`, the default: the same examples at every run, so that a commit passes or fails by what it
  holds, and not by chance;
- `explore`, with the environment variable HYPOTHESIS_PROFILE=explore: fresh examples at every run,
  and 20 times as many. For a failure it prints a line `@reproduce_failure(...)` to repeat it with;
  the example itself becomes an `@example` of its test, beside the fix.
"""

import os
import sys

from hypothesis import settings

# jsonschema would load it, in a second, for addresses in letters of all languages: none is checked.
sys.modules.setdefault("rfc3987_syntax", None)

MORE = 20

# On a busy machine an example may take long without anything being wrong with it.
settings.register_profile("gate", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None, derandomize=False, print_blob=True)
PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "gate")
settings.load_profile(PROFILE)


def pytest_collection_modifyitems(items):
    """Multiply the examples for exploration, also those of tests that set their own number."""
    if PROFILE != "explore":
        return
    # A parametrised test is several items with one function. Hypothesis keeps a test's settings in
    # this attribute, and has no other way to change them for all tests.
    for test in {item.obj for item in items if getattr(item.obj, "is_hypothesis_test", False)}:
        own = test._hypothesis_internal_use_settings
        test._hypothesis_internal_use_settings = settings(own, max_examples=MORE * own.max_examples)
