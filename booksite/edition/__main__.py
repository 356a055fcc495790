"""Write the readers' edition of all chapters from their stored outputs."""

import sys

from booksite.build import BuildError, build_edition
from booksite.finished import ROOT

try:
    build_edition(ROOT)
except BuildError as error:
    sys.exit(f"No readers' edition: {error}")
