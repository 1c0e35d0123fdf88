"""Code → token set → account → connection: redeeming, and what becomes of a consent."""

from .redeeming import Grants

__all__ = ["Grants"]
