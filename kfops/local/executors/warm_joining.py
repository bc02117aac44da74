"""Handing a step's namespaces to the process that is to fork into them. Linux and the standard library only.

Who made the namespaces is pid 1 in them and must stay small; who has imported kfp is outside. Descriptors of the
namespaces go over a socket, and a child that is forked after joining them is inside as if it had been born there.
"""

from __future__ import annotations

import array
import ctypes
import os
import socket
from typing import List, Tuple

_NEWNS, _NEWUSER, _NEWPID = 0x00020000, 0x10000000, 0x20000000
_CAPABILITY_VERSION = 0x20080522
_MOST = 8
_libc = ctypes.CDLL(None, use_errno=True)


def own_namespaces() -> List[int]:
    """Return descriptors of this process's pid and mount namespace and, where it has one of its own, user namespace."""
    names = ["pid", "mnt"] if os.getuid() == 0 else ["pid", "mnt", "user"]
    return [os.open(f"/proc/self/ns/{name}", os.O_RDONLY | os.O_CLOEXEC) for name in names]


def join_pids(namespace: int) -> None:
    """Let the next children of this process be born into a pid namespace."""
    _check(_libc.setns(namespace, _NEWPID), "setns pid")


def join_mounts(namespace: int) -> None:
    """Take over the mounts, root and all, of a mount namespace."""
    _check(_libc.setns(namespace, _NEWNS), "setns mnt")


def join_users(namespace: int) -> None:
    """Enter a user namespace that a process of the same user has made; gives every capability inside of it."""
    _check(_libc.setns(namespace, _NEWUSER), "setns user")


def drop_capabilities() -> None:
    """Give up what ``join_users`` gave, as executing a program would."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    none = (ctypes.c_uint32 * 6)()
    _check(_libc.capset(header, none), "capset")


def send(channel: socket.socket, descriptors: List[int], text: bytes = b".") -> None:
    """Send descriptors, and a text with them."""
    rights = array.array("i", descriptors)
    sent = channel.sendmsg([text], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
    if sent < len(text):  # else the other side may have what it wants, and be gone
        channel.sendall(text[sent:])


def receive(channel: socket.socket, most: int = 1) -> Tuple[bytes, List[int]]:
    """Receive some of a text, and the descriptors that came with its begin; nothing when the other side is gone."""
    found = array.array("i")
    text, ancillary, _, _ = channel.recvmsg(most, socket.CMSG_SPACE(_MOST * found.itemsize))
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            found.frombytes(data[: len(data) - len(data) % found.itemsize])
    return text, list(found)


def receive_line(channel: socket.socket) -> Tuple[bytes, List[int]]:
    """Receive a line and the descriptors that came with it; an empty one when the other side is gone before its end."""
    chunks: List[bytes] = []
    descriptors: List[int] = []
    while not chunks or not chunks[-1].endswith(b"\n"):
        text, found = receive(channel, 1 << 20)
        if not text:
            return b"", []
        chunks.append(text)
        descriptors += found
    return b"".join(chunks), descriptors


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
