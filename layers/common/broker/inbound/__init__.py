"""The door in: events to calls, outcomes to JSON and pages, errors to responses."""
