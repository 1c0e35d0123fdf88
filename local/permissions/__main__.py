"""`make permissions`: print docs/security/permissions.md."""

import sys

from local.permissions.matrix import matrix
from local.stack import ROOT

if __name__ == "__main__":
    sys.stdout.write(matrix(ROOT / "template.yaml"))
