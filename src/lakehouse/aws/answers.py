"""What AWS answers when it does not do what it was asked."""

from __future__ import annotations


def error_code(error: Exception) -> str:
    """The code of an AWS answer; known by its shape, as boto3 is there only where it is used. Empty: it is none."""
    answer = getattr(error, "response", None)
    return str(answer.get("Error", {}).get("Code", "")) if isinstance(answer, dict) else ""
