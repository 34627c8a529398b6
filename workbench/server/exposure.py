"""Whom a server listens to: this machine only, or the network, which needs a token."""

from __future__ import annotations

import ipaddress

from workbench.errors import InputError


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine only."""
    if host.lower() in {"localhost", "localhost."}:
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def names_loopback(host_header: str) -> bool:
    """Whether a request's ``Host``, with or without a port, means this machine only."""
    name, _, port = host_header.rpartition(":")
    return is_loopback(name if port.isdigit() else host_header)


def check_exposure(host: str, token: str) -> None:
    """Refuse to listen beyond this machine without a token.

    Raises:
        InputError: says how to set one.
    """
    if not token and not is_loopback(host):
        raise InputError(
            f"Listening on {host} would let anybody on the network use this server. Set "
            "WORKBENCH_TOKEN to a long random text, here and where it is used from, or listen "
            "on 127.0.0.1."
        )
