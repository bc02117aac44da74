"""The kernel's side of a step's isolation: namespaces, mounts, and dying together. Standard library only.

A step sees the host's files at their places, but for folders that are its own: ``/tmp`` always, and those that its
template declares. Its ``/`` is a folder of the run, so that what it writes at an unusual place stays there too, and
can be read from outside when it has ended.
"""

from __future__ import annotations

import ctypes
import os
import sys
from typing import Any, Dict, List, Optional, Set, Tuple

_NEWNS, _NEWUSER, _NEWPID = 0x00020000, 0x10000000, 0x20000000
_BIND, _REC, _UNBINDABLE, _SLAVE, _REMOUNT, _RDONLY = 0x1000, 0x4000, 0x20000, 0x80000, 0x20, 1
_NOSUID, _NODEV, _NOEXEC, _RELATIME = 2, 4, 8, 0x200000
_DETACH = 2
_PDEATHSIG, _SUBREAPER = 1, 36
_SIGKILL, _SIGCHLD = 9, 17
_CLONE = {"x86_64": 56, "aarch64": 220, "riscv64": 220, "ppc64le": 120, "armv7l": 120, "i686": 120}

_linux = sys.platform.startswith("linux")
# Held fast by Python's own lock, so that a child of clone() finds it as its parent left it.
_libc = ctypes.PyDLL(None, use_errno=True) if _linux else None

#: A folder of the step's view: None is empty and its own, a dictionary shows the host's entries and these changes.
Tree = Dict[str, Any]


def allowed() -> Tuple[bool, str]:
    """Tell whether steps can have their own mounts and pids here, and if not, why; found out by trying."""
    if not _linux or os.uname().machine not in _CLONE:
        return False, f"{sys.platform} has no mount namespaces" if not _linux else "this kind of processor is not known"
    pid = os.fork()
    if pid == 0:
        try:
            own_mounts()
            inner = fork()
            if inner == 0:
                os._exit(0)
            os._exit(os.waitpid(inner, 0)[1] and 1)
        except OSError as error:
            os._exit(error.errno or 1)
    code = os.WEXITSTATUS(os.waitpid(pid, 0)[1])
    return code == 0, "" if code == 0 else f"the kernel does not allow it ({os.strerror(code)})"


def own_mounts() -> None:
    """Give this process mounts of its own, which follow what is mounted outside, and the right to change them."""
    assert _libc is not None
    uid, gid = os.getuid(), os.getgid()
    _check(_libc.unshare(_NEWNS | (0 if uid == 0 else _NEWUSER)), "unshare")
    if uid != 0:
        for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(text)
    _mount("none", "/", _REC | _SLAVE)


def fork() -> int:
    """Fork a child that has a copy of this process's mounts, and is pid 1 of a new pid namespace."""
    assert _libc is not None
    child = int(_libc.syscall(_CLONE[os.uname().machine], ctypes.c_ulong(_NEWNS | _NEWPID | _SIGCHLD), 0, 0, 0, 0))
    _check(min(child, 0), "clone")
    return child


class View:
    """A folder with the host's entries in it, prepared once for all the steps that have it as their root.

    The process that makes it must have its own mounts. What the first job has of its own is left out for all.
    """

    def __init__(self, root: str, job: Dict[str, Any]) -> None:
        self._root = root
        self._tree = _tree(job)
        self._mounted: Set[str] = set()
        #: What the host looked like when the view was refreshed last.
        self.seen: List[int] = []
        _mount(root, root, _BIND)
        _mount("none", root, _UNBINDABLE)  # else the host folder that it is in would bring it along, mounts and all

    def refresh(self) -> None:
        """Follow the host: show what is new in the folders whose entries are shown one by one."""
        if self.seen != self._stamps():
            self._fill("/", self._root, self._tree)
            self.seen = self._stamps()

    def enter(self, job: Dict[str, Any]) -> None:
        """In a child of :func:`fork`: add what is the job's own, and make the folder the root."""
        assert _libc is not None
        tree = _tree(job)
        for name in set(tree) | set(self._tree):
            if name not in tree or name not in self._tree or tree[name] != self._tree[name]:
                self._make_anew(name, tree)
        for folder in job["private"]:
            empty_folder(self._root + folder)
        for folder in job["visible"]:
            if _show(folder, self._root):
                _read_only(self._root + folder)
        for folder in job["shared"]:
            _show(folder, self._root)
        for mount in sorted(job["mounts"], key=lambda mount: len(mount["path"])):
            _mount_volume(mount["source"], self._root + mount["path"], mount["read_only"])
        os.chdir(self._root)
        _check(_libc.pivot_root(b".", b"."), "pivot_root")
        _check(_libc.umount2(b".", _DETACH), "umount2")
        os.chdir("/")

    def _stamps(self) -> List[int]:
        folders = ["/", self._root, *(f"/{name}" for name, below in self._tree.items() if below is not None)]
        return [os.stat(folder).st_mtime_ns if os.path.isdir(folder) else 0 for folder in folders]

    def _make_anew(self, name: str, tree: Tree) -> None:
        """Give a top-level entry the form that it has in a job's own tree, or in none."""
        assert _libc is not None
        place = os.path.join(self._root, name)
        for mounted in sorted(self._mounted, reverse=True):
            if mounted == place or mounted.startswith(place + "/"):
                _check(_libc.umount2(os.fsencode(mounted), _DETACH), "umount2")
                self._mounted.discard(mounted)
        if name in tree:
            self._own(os.path.join("/", name), place, tree[name])
        else:
            self._show(os.path.join("/", name), place)

    def _fill(self, source: str, place: str, tree: Tree) -> None:
        """Show a host folder's entries, but for those that are the step's own; make those."""
        source = os.path.realpath(source)
        try:
            entries = sorted(os.listdir(source))
        except OSError:
            entries = []
        for name in entries:
            if name not in tree:
                self._show(os.path.join(source, name), os.path.join(place, name))
        for name, below in tree.items():
            self._own(os.path.join(source, name), os.path.join(place, name), below)

    def _own(self, source: str, place: str, below: Optional[Tree]) -> None:
        if below is None:
            empty_folder(place)
        else:
            os.makedirs(place, exist_ok=True)
            self._fill(source, place, below)

    def _show(self, source: str, place: str) -> None:
        """Show an entry at a place where there is nothing, or only what was made to mount it on."""
        if place in self._mounted:
            return
        if os.path.islink(source):
            if not os.path.lexists(place):
                os.symlink(os.readlink(source), place)
        elif os.path.isdir(source):
            if not os.path.lexists(place) or (os.path.isdir(place) and not os.listdir(place)):
                os.makedirs(place, exist_ok=True)
                _mount(source, place, _BIND | _REC)
                self._mounted.add(place)
        elif os.path.exists(source) and (not os.path.lexists(place) or not os.path.getsize(place)):
            open(place, "ab").close()
            _mount(source, place, _BIND)
            self._mounted.add(place)


def _tree(job: Dict[str, Any]) -> Tree:
    tree: Tree = {}
    for folder in job["opened"]:
        _place(tree, folder, {})
    for folder in job["private"]:
        _place(tree, folder, None)
    return tree


def _show(folder: str, root: str) -> bool:
    """Put a host folder at its own place, unless it is there already or does not exist; tell whether it was put."""
    target = root + folder
    if not os.path.isdir(folder) or (os.path.isdir(target) and os.path.samefile(folder, target)):
        return False
    os.makedirs(target, exist_ok=True)
    _mount(folder, target, _BIND | _REC)
    return True


def _mount_volume(source: str, target: str, read_only: bool) -> None:
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        open(target, "ab").close()
    _mount(source, target, _BIND | _REC)
    if read_only:
        _read_only(target)


def _read_only(target: str) -> None:
    """Make a mount read-only; what is locked of its file system's flags has to be named again."""
    flags = os.statvfs(target).f_flag
    kept = flags & (_NOSUID | _NODEV | _NOEXEC | os.ST_NOATIME | os.ST_NODIRATIME)
    kept |= _RELATIME if flags & os.ST_RELATIME else 0
    _mount("none", target, _BIND | _REMOUNT | _RDONLY | kept)


def own_proc() -> None:
    """Show only the step's processes in ``/proc``; where that is not allowed, the host's stay visible."""
    flags = _NOSUID | _NODEV | _NOEXEC
    assert _libc is not None
    _libc.mount(b"proc", b"/proc", b"proc", ctypes.c_ulong(flags), None)


def die_with_parent() -> None:
    """Be killed when the parent ends."""
    if _libc is not None:
        _libc.prctl(_PDEATHSIG, _SIGKILL, 0, 0, 0)


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent ends."""
    if _libc is not None:
        _libc.prctl(_SUBREAPER, 1, 0, 0, 0)


def prefer_for_out_of_memory() -> None:
    """Make the kernel choose the step, not the backend, when memory runs out."""
    try:
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
            file.write("500")
    except OSError:
        pass


def out_of_memory_kills() -> int:
    """Return how often the kernel has killed for want of memory since the machine started."""
    try:
        with open("/proc/vmstat", encoding="ascii") as file:
            return next((int(line.split()[1]) for line in file if line.startswith("oom_kill ")), 0)
    except OSError:
        return 0


def _place(tree: Tree, folder: str, leaf: Any) -> None:
    """Put a folder into the tree; what lies below a private folder is private with it."""
    parts = [part for part in folder.split("/") if part]
    for part in parts[:-1]:
        below = tree.setdefault(part, {})
        if below is None:
            return
        tree = below
    if parts and (leaf is None or parts[-1] not in tree):
        tree[parts[-1]] = leaf


def empty_folder(place: str) -> None:
    """Make a folder that is a step's own as ``/tmp`` is everywhere; what is in it stays."""
    try:
        mode = os.lstat(place).st_mode
    except FileNotFoundError:
        os.makedirs(place)
        mode = 0
    if mode & 0o7777 != 0o1777:
        os.chmod(place, 0o1777)  # noqa: S103


def _mount(source: str, target: str, flags: int) -> None:
    assert _libc is not None
    result = _libc.mount(os.fsencode(source), os.fsencode(target), None, ctypes.c_ulong(flags), None)
    _check(result, f"mount {target}")


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
