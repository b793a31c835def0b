"""What AWS answers instead of a result, known by its shape: boto3 is there only where it is used."""

from __future__ import annotations

NO_OBJECT = frozenset({"404", "NoSuchKey", "NotFound"})
"""S3: there is no such object."""
NO_ENTITY = "EntityNotFoundException"
"""Glue: there is no such table, database or schema."""
NO_ALARM = frozenset({"ResourceNotFound", "ResourceNotFoundException"})
"""CloudWatch: there is no such alarm."""
UNMET = frozenset({"409", "412", "ConditionalCheckFailedException", "ConditionalRequestConflict", "PreconditionFailed"})
"""S3 and DynamoDB: the condition of a write did not hold."""


def error_code(error: Exception) -> str:
    """The code of an AWS answer, such as `NoSuchKey`; empty for any other error."""
    answer = getattr(error, "response", None)
    return str(answer.get("Error", {}).get("Code", "")) if isinstance(answer, dict) else ""
