"""Clients of AWS, of the account and the region of this process; boto3 is opened here alone, and only when it is asked for."""

from __future__ import annotations

from typing import Any

from lakehouse.errors import ConfigError


def open_client(service: str, *, purpose: str) -> Any:
    """A client of a service, as boto3 calls it.

    Raises:
        ConfigError: boto3 is missing; says what it is needed for.
    """
    try:
        import boto3  # noqa: PLC0415 - only where it is used
    except ImportError as error:
        msg = f"{purpose} needs boto3: install lakehouse[aws]"
        raise ConfigError(msg) from error
    return boto3.client(service)
