"""Settings that hold for all tests."""

from hypothesis import settings

# On a busy machine an example may take long without anything being wrong with it. What the loaded
# profile says otherwise (in CI: the same examples at every run) stays.
settings.register_profile("patient", parent=settings(), deadline=None)
settings.load_profile("patient")
