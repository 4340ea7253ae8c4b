"""Data for a page's scripts, put into the page itself: nothing is fetched."""

from __future__ import annotations

import json


def script_json(value: object) -> str:
    """Return JSON that is safe inside a script element: `<`, `>` and `&` never stand in it."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
