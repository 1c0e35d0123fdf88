"""The two invented people who have an account at the service."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Person:
    """An account; the password is no secret, the login page shows it."""

    username: str
    name: str
    email: str
    sub: str
    password: str

    def claims(self) -> dict[str, Any]:
        """Return what id_token and userinfo say about this person."""
        return {
            "sub": self.sub,
            "name": self.name,
            "preferred_username": self.username,
            "email": self.email,
            "email_verified": True,
        }


PEOPLE = {
    "alice": Person("alice", "Alice Archer", "alice@example.com", "person-1001", "alice-password"),
    "bob": Person("bob", "Bob Baker", "bob@example.com", "person-1002", "bob-password"),
}


def override(claims: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return the claims with the changes applied; a change to None leaves the claim out."""
    return {name: value for name, value in (claims | changes).items() if value is not None}
