"""`python -m local.artifact FOLDER`: what SAM has built there, and whether Lambda will take it."""

from local.artifact.built import Artifact, files

__all__ = ["Artifact", "files"]
