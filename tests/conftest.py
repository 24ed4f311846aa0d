"""What all tests share."""

import sys
from pathlib import Path

from hypothesis import settings

# The same examples on every machine: a run that fails can be run again.
settings.register_profile("same", derandomize=True, deadline=None)
settings.load_profile("same")

# Helpers beside the tests of a folder are imported by their plain name.
for folder in Path(__file__).parent.iterdir():
    if folder.is_dir():
        sys.path.append(str(folder))
