"""`python -m benchmarks`: see docs/benchmarks.md."""

import sys
from pathlib import Path

# Tests and `make cluster` start servers in the same way: what does that lies with them.
sys.path[:0] = [str(Path(__file__).resolve().parents[1] / folder) for folder in ("deploy/local", "tests")]

from benchmarks.commands import main  # noqa: E402

sys.exit(main())
