"""How much memory a process has in use, with nothing but the standard library."""

import subprocess
import sys
from pathlib import Path


def resident_bytes(process_id: int) -> int | None:
    """Resident memory of a process; None where the system does not tell."""
    if sys.platform == "win32":
        return _windows_bytes(process_id)
    if sys.platform == "linux":
        return _linux_bytes(process_id)
    return _posix_bytes(process_id)


def _linux_bytes(process_id: int) -> int | None:
    try:
        text = Path(f"/proc/{process_id}/status").read_text(encoding="utf-8")
    except OSError:
        return None
    for line in text.splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return None


def _posix_bytes(process_id: int) -> int | None:
    """For systems without /proc, such as macOS; `ps` is part of POSIX and counts in KiB."""
    command = ["ps", "-o", "rss=", "-p", str(process_id)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, encoding="utf-8", timeout=10, check=True
        )
        return int(done.stdout) * 1024
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def _windows_bytes(process_id: int) -> int | None:
    if sys.platform != "win32":
        return None
    import ctypes
    from ctypes import wintypes

    class Counters(ctypes.Structure):
        """PROCESS_MEMORY_COUNTERS of psapi.h."""

        _fields_ = (
            ("cb", wintypes.DWORD),
            ("PageFaultCount", wintypes.DWORD),
            ("PeakWorkingSetSize", ctypes.c_size_t),
            ("WorkingSetSize", ctypes.c_size_t),
            ("QuotaPeakPagedPoolUsage", ctypes.c_size_t),
            ("QuotaPagedPoolUsage", ctypes.c_size_t),
            ("QuotaPeakNonPagedPoolUsage", ctypes.c_size_t),
            ("QuotaNonPagedPoolUsage", ctypes.c_size_t),
            ("PagefileUsage", ctypes.c_size_t),
            ("PeakPagefileUsage", ctypes.c_size_t),
        )

    query_limited_information = 0x1000
    kernel = ctypes.WinDLL("kernel32", use_last_error=True)
    kernel.OpenProcess.restype = wintypes.HANDLE
    kernel.OpenProcess.argtypes = (wintypes.DWORD, wintypes.BOOL, wintypes.DWORD)
    kernel.CloseHandle.argtypes = (wintypes.HANDLE,)
    memory_info = kernel.K32GetProcessMemoryInfo
    memory_info.argtypes = (wintypes.HANDLE, ctypes.POINTER(Counters), wintypes.DWORD)
    handle = kernel.OpenProcess(query_limited_information, False, process_id)
    if not handle:
        return None
    try:
        counters = Counters(cb=ctypes.sizeof(Counters))
        if not memory_info(handle, ctypes.byref(counters), counters.cb):
            return None
        return int(counters.WorkingSetSize)
    finally:
        kernel.CloseHandle(handle)
