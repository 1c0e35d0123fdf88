"""What an answer weighs: its bytes, or what Python makes of them, whichever is more.

``[],`` is three bytes on the wire and seventy in memory. So an answer is taken for as long as
64 bytes for each list and object in it, and 24 for each value: within the cap of 4 MB that leaves
65,000 of the former and 174,000 of the latter, for which Python needs 32 MB at most.
"""

import re

from broker.errors import AnswerTooLarge

CAP = 4 * 1024 * 1024
"""Bytes of an answer, as received."""
_PART, _VALUE = 64, 24
# The end of the text may stand for a closing quote, or the next quote would be tried for each.
_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_STRETCH = re.compile(rf"(?:[^\"]++|{_STRING.pattern}){{1,4096}}+", re.DOTALL)
"""Some strings and what is between them: to cut them out of all at once takes much memory."""


def weigh(text: str, cap: int = CAP) -> int:
    """Return what a JSON text weighs before it is parsed; raise AnswerTooLarge over the cap.

    The time it takes is proportional to the text's length.
    """
    parts, values = _counted(text)
    if _weight(parts, values) > len(text):  # those inside strings weigh nothing
        parts = values = 0
        for stretch in _STRETCH.finditer(text):
            some = _counted(_STRING.sub("", stretch[0]))
            parts, values = parts + some[0], values + some[1]
            if _weight(parts, values) > cap:
                break
    weight = max(len(text), _weight(parts, values))
    if weight > cap:
        raise AnswerTooLarge(f"The answer weighs more than {cap:,} bytes.")
    return weight


def _counted(text: str) -> tuple[int, int]:
    return text.count("[") + text.count("{"), text.count(",")


def _weight(parts: int, values: int) -> int:
    return max(_PART * parts, _VALUE * values)
