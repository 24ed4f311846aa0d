"""What all tests share."""

import sys
from pathlib import Path

# Helpers beside the tests of a folder are imported by their plain name.
for folder in Path(__file__).parent.iterdir():
    if folder.is_dir():
        sys.path.append(str(folder))
