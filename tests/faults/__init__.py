"""Fault runs with real processes: what a refresh survives, and a check of its whole history.

``python -m tests.faults`` runs every kind, ``python -m tests.faults NAME…`` some.
"""

import sys
from pathlib import Path

_LAYER = str(Path(__file__).parents[2] / "layers" / "common")

if _LAYER not in sys.path:  # pytest puts it there by itself
    sys.path.insert(0, _LAYER)
