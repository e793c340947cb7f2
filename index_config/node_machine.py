"""What runs on this machine: who listens at a port, which processes form a group, who answers."""

import errno
import http.client
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from index_config.node_prerequisites import NodeError

CONFIG_ARGUMENT = "-Des.path.conf="


def ask(host: str, port: int, path: str) -> dict[str, Any]:
    """One GET, past any proxy; an empty answer when nobody answers, or not with a JSON object."""
    connection = http.client.HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", path)
        answer = json.loads(connection.getresponse().read(1 << 20))
    except (OSError, http.client.HTTPException, ValueError):
        return {}
    finally:
        connection.close()
    return answer if isinstance(answer, dict) else {}


def port_holder(host: str, port: int) -> str | None:
    """Who listens at an address (`NAME, process ID`), or None when it is free."""
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(address)
            except OSError as error:
                if error.errno != errno.EADDRNOTAVAIL:  # "localhost" may name an IPv6 address this machine lacks
                    return _listener(port) if error.errno == errno.EADDRINUSE else f"the system ({error.strerror})"
    return None


def _listener(port: int) -> str:
    try:
        for connection in psutil.net_connections("tcp"):
            if (
                connection.status == psutil.CONN_LISTEN
                and getattr(connection.laddr, "port", None) == port
                and connection.pid
            ):
                process = psutil.Process(connection.pid)
                folder = next((item for item in command_of(process) if item.startswith(CONFIG_ARGUMENT)), "")
                of = f" (Elasticsearch of {Path(folder.removeprefix(CONFIG_ARGUMENT)).parent})" if folder else ""
                return f"{process.name()}, process {process.pid}{of}"
    except psutil.Error:  # macOS shows other users' connections to root only
        pass
    return "another user's program, which this user may not see"


def group_members(group: int) -> list[psutil.Process]:
    """The living members of a process group, oldest first."""
    return sorted(_members(group), key=lambda process: process.pid)


def _members(group: int) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                yield process
        except (psutil.Error, OSError):  # ended while we looked
            continue


def command_of(process: psutil.Process) -> list[str]:
    """Its arguments; none when it has ended or is not ours to see."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def signal_group(group: int, number: int) -> None:
    """Signal every process of a group; one that has ended is no problem.

    Raises:
        NodeError: it belongs to another user.
    """
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return
    except PermissionError as error:
        raise NodeError(
            f"Elasticsearch (process group {group}) was started by another user; stop it as that user"
        ) from error
