"""What AWS answers instead of a result, known by its shape: boto3 is there only where it is used."""

from __future__ import annotations


def error_code(error: Exception) -> str:
    """The code of an AWS answer, such as `NoSuchKey`; empty for any other error."""
    answer = getattr(error, "response", None)
    return str(answer.get("Error", {}).get("Code", "")) if isinstance(answer, dict) else ""
