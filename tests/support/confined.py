"""Start what a unit file says, as confined as it says, where no systemd runs: `python -m tests.support.confined PLAN`.

PLAN is a JSON object:

    unit         path of the unit file
    root         the folder into which was installed; its opt/quantum-flows is mounted where the unit expects it
    system_calls those that are let through; null: all
    uid          number of the user to become
    cgroup       name of a control group to make; its folders are printed, one a line, for whoever removes them, behind
                 a line `confined`, or `free` where this process may not confine
    environment  more variables, as the service manager would set them

Applied as root, and with the kernel's own means: the user without groups and capabilities, control groups for MemoryMax
and CPUQuota, a mount namespace for ProtectSystem=strict, ProtectHome, PrivateTmp, ProtectProc and ProcSubset, seccomp
filters for SystemCallFilter and RestrictAddressFamilies, MemoryDenyWriteExecute, NoNewPrivileges, UMask, LimitCORE,
credentials. Not applied: the rest of the Protect*, Private* and Restrict* settings, which take away what these have
taken away before. Without the rights of root the service runs in place, as the present user, without a control group
and a namespace.

Only the standard library is used, because this runs before the confinement and is replaced by the service.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import shlex
import socket
import sys
from pathlib import Path

from tests.support.unit_file import read_environment, read_unit

_CLONE_NEWNS = 0x20000
_MS_RDONLY, _MS_REMOUNT, _MS_BIND, _MS_REC, _MS_PRIVATE = 1, 32, 4096, 16384, 1 << 18
_PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS, _PR_SET_MDWE = 24, 38, 65
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_EPERM, _EAFNOSUPPORT = 1, 97
_EQUAL, _GREATER = 4, 6
_FAMILIES = 46
"""Address families that there are, about."""

_libc = ctypes.CDLL(None, use_errno=True)


class _Comparison(ctypes.Structure):
    _fields_ = [("argument", ctypes.c_uint), ("operator", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


def _check(result: int, what: str) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno() or -result, what)


def _mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    encoded = [text.encode() if text else None for text in (source, target, kind)]
    _check(_libc.mount(*encoded, ctypes.c_ulong(flags), data.encode() or None), f"mount {target}")


def enter_control_group(name: str, memory: str, quota_percent: str) -> list[str]:
    """Make one with these limits and join it; its folders. Where control groups are read-only, none."""
    bytes_ = str(int(memory.removesuffix("M")) * 2**20)
    quota = str(int(quota_percent.removesuffix("%")) * 1000)
    top = Path("/sys/fs/cgroup")
    if not os.access(top, os.W_OK) or os.statvfs(top).f_flag & os.ST_RDONLY:
        return []
    if (top / "cgroup.controllers").exists():
        limits = {top / name: {"memory.max": bytes_, "memory.swap.max": "0", "cpu.max": f"{quota} 100000"}}
        (top / "cgroup.subtree_control").write_text("+memory +cpu")
    else:
        limits = {
            top / "memory" / name: {"memory.limit_in_bytes": bytes_},
            top / "cpu" / name: {"cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": quota},
        }
    for folder, values in limits.items():
        folder.mkdir()
        for file, value in values.items():
            (folder / file).write_text(value)
        (folder / "cgroup.procs").write_text(str(os.getpid()))
    return [str(folder) for folder in limits]


def enter_file_system(root: Path, credentials: dict[str, bytes], unit_name: str, uid: int) -> Path:
    """What the unit sees of the disk: all read-only, no homes, no temporary files; where its credentials lie."""
    _mount("none", "/", flags=_MS_REC | _MS_PRIVATE)
    installed = str(root / "opt/quantum-flows")
    descriptor = os.open(installed, os.O_PATH)
    _mount("tmpfs", "/opt", "tmpfs")
    Path("/opt/quantum-flows").mkdir()
    _mount(f"/proc/self/fd/{descriptor}", "/opt/quantum-flows", flags=_MS_BIND)
    os.close(descriptor)
    _mount("tmpfs", "/run", "tmpfs")
    folder = Path("/run/credentials", unit_name)
    folder.mkdir(parents=True)
    for name, value in credentials.items():
        (folder / name).write_bytes(value)
        os.chown(folder / name, uid, -1)
        (folder / name).chmod(0o400)
    for hidden in ("/home", "/root"):
        _mount("tmpfs", hidden, "tmpfs", _MS_RDONLY, "mode=000")
    for mount in [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]:
        if not mount.startswith(("/proc", "/sys", "/dev")):
            _mount("none", mount, flags=_MS_REMOUNT | _MS_BIND | _MS_RDONLY)
    for own in ("/tmp", "/var/tmp"):
        _mount("tmpfs", own, "tmpfs", data="mode=1777")
    _mount("proc", "/proc", "proc", data="hidepid=invisible,subset=pid")
    return folder


def become(uid: int) -> None:
    """That user, with no group but its own and no capability, for good."""
    for capability in range(64):
        _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def filter_system_calls(allowed: list[str], families: list[str]) -> None:
    """Only these system calls, and sockets of these families only; what else is called fails."""
    library = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_init.argtypes = [ctypes.c_uint32]
    library.seccomp_load.argtypes = [ctypes.c_void_p]
    add = library.seccomp_rule_add_array
    add.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint, ctypes.POINTER(_Comparison)]
    number = library.seccomp_syscall_resolve_name

    sockets = library.seccomp_init(_ALLOW)
    known = {int(getattr(socket, name)) for name in families}
    for family in set(range(_FAMILIES + 1)) - known:
        compare = _Comparison(0, _GREATER if family == _FAMILIES else _EQUAL, family, 0)
        _check(add(sockets, _ERRNO | _EAFNOSUPPORT, number(b"socket"), 1, ctypes.byref(compare)), "families")
    _check(library.seccomp_load(sockets), "seccomp")

    calls = library.seccomp_init(_ERRNO | _EPERM)
    for name in allowed:
        if (call := number(name.encode())) >= 0:  # (others are not known on this machine)
            _check(add(calls, _ALLOW, call, 0, None), name)
    _check(library.seccomp_load(calls), "seccomp")


def main() -> None:
    """See the head of this file."""
    plan = json.loads(sys.argv[1])
    path, root, uid = Path(plan["unit"]), Path(plan["root"]), int(plan["uid"])
    service = read_unit(path)["Service"]
    unit = {name: values[-1] for name, values in service.items()}
    families = unit["RestrictAddressFamilies"].split()
    environment = dict(pair.split("=", 1) for pair in unit["Environment"].split())
    environment |= read_environment(root / unit["EnvironmentFile"].lstrip("/"))
    defaults = dict(value.split(":", 1) for value in service["SetCredential"])
    credentials = {}
    for credential in service["LoadCredential"]:
        name, _, source = credential.partition(":")
        file = root / source.lstrip("/")
        default = defaults[name].encode().decode("unicode_escape").encode()
        credentials[name] = file.read_bytes() if file.exists() else default
    confined = os.geteuid() == 0 and _libc.unshare(_CLONE_NEWNS) == 0
    prefix = "" if confined else str(root)

    if confined:
        print(
            "confined", *enter_control_group(plan["cgroup"], unit["MemoryMax"], unit["CPUQuota"]), sep="\n", flush=True
        )
        environment["CREDENTIALS_DIRECTORY"] = str(enter_file_system(root, credentials, path.name, uid))
    else:
        print("free", flush=True)
        environment["CREDENTIALS_DIRECTORY"] = str(root)
        for name, value in credentials.items():
            (root / name).write_bytes(value)
    os.umask(int(unit["UMask"], 8))
    resource.setrlimit(resource.RLIMIT_CORE, (int(unit["LimitCORE"]),) * 2)
    os.chdir(prefix + unit["WorkingDirectory"])
    environment |= {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", **plan["environment"]}
    environment["WATCHDOG_USEC"], environment["WATCHDOG_PID"] = f"{unit['WatchdogSec']}000000", str(os.getpid())
    if confined:
        become(uid)
    _check(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "NoNewPrivileges")
    if unit["MemoryDenyWriteExecute"] == "yes":
        _libc.prctl(_PR_SET_MDWE, 1, 0, 0, 0)  # (the kernel knows it from 6.3 on)
    if plan["system_calls"] is not None:
        filter_system_calls(plan["system_calls"], families)
    command = shlex.split(unit["ExecStart"])
    os.execve(prefix + command[0], command, environment)


if __name__ == "__main__":
    main()
