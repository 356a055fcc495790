"""What tests of the repository share."""

import re
from pathlib import Path

import pytest

CONTENTS = Path(__file__).parent.parent.parent / "_toc.yml"


@pytest.fixture(scope="session")
def numbered():
    """The names of the numbered chapters, in the order of the contents."""
    text = CONTENTS.read_text(encoding="utf-8")
    return re.findall(r"(?m)file: book/(?:lecture|beyond|networks)/(\w+)$", text)
