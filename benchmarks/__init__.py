"""Speed and memory of every stage (asv), and accuracy against known truth."""

import sys
from pathlib import Path

# Some import others by name, as they do when run as scripts; asv imports them as a package.
sys.path.insert(0, str(Path(__file__).parent))
