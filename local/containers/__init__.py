"""Lambda's execution environments: the real runtime loop, one process each."""

from local.containers.answer import Answer, RequestTooLargeError
from local.containers.function import LambdaFunction
from local.containers.pool import ContainerPool

__all__ = ["Answer", "ContainerPool", "LambdaFunction", "RequestTooLargeError"]
