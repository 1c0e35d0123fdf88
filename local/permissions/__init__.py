"""Holds every function to its own policy: what IAM does on AWS, and moto does not.

`policies` reads the statements of a function's role from the transformed template and judges by
them, `asks` reads what a request to AWS asks for, `guard` stands between the functions and moto,
and `usage` compares what was used with what is granted. The operators that the template uses are
known, and no others: a policy with another one is refused, never waved through.
"""

from local.permissions.guard import Guard, Judged
from local.permissions.policies import Ask, Policy, Statement, policies_of
from local.permissions.usage import Permission, granted, used

__all__ = [
    "Ask",
    "Guard",
    "Judged",
    "Permission",
    "Policy",
    "Statement",
    "granted",
    "policies_of",
    "used",
]
