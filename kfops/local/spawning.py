"""The process of the embedded backend: how it is begun, and what of its caller it gets to see."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import kfops

#: Variables of the caller that the backend, and so its steps, may see. The others may be secrets of the caller's.
_PASSED_ON = frozenset(
    [
        "PATH",
        "HOME",
        "USER",
        "LOGNAME",
        "SHELL",
        "LANG",
        "LANGUAGE",
        "TZ",
        "CRON_SCHEDULE_TIMEZONE",
        "TMPDIR",
        "PYTHONPATH",
        "VIRTUAL_ENV",
        "CONDA_PREFIX",
        "LD_LIBRARY_PATH",
        "DYLD_LIBRARY_PATH",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "NO_PROXY",
        "http_proxy",
        "https_proxy",
        "no_proxy",
        "DOCKER_HOST",
        "DOCKER_CONTEXT",
        "DOCKER_CONFIG",
        "DOCKER_CERT_PATH",
        "DOCKER_TLS_VERIFY",
        "CONTAINER_HOST",
        "REGISTRY_AUTH_FILE",
        "CUDA_VISIBLE_DEVICES",
        "OMP_NUM_THREADS",
    ]
)
_PASSED_ON_PREFIXES = ("LC_", "XDG_", "PIP_", "UV_", "KFOPS_", "CONTAINERS_")

_LOG_SIZE = 5 * 1024 * 1024


def spawn(path: Path) -> subprocess.Popen[bytes]:
    """Begin the backend of a data folder, in a session of its own, with its log in the folder."""
    log_path = path / "backend.log"
    if log_path.exists() and log_path.stat().st_size > _LOG_SIZE:
        log_path.replace(path / "backend.log.1")
    log_path.touch(mode=0o600)
    with log_path.open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "kfops.local", "--data-dir", str(path)],
            cwd=path,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            close_fds=True,
        )


def _environment() -> dict[str, str]:
    environment = {
        name: value for name, value in os.environ.items() if name in _PASSED_ON or name.startswith(_PASSED_ON_PREFIXES)
    }
    home = Path(kfops.__path__[0]).resolve().parent
    if str(home) not in (sysconfig.get_path("purelib"), sysconfig.get_path("platlib")):
        # kfops is used from a checkout: the backend must find the same one.
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(home), environment.get("PYTHONPATH", "")]))
    return environment
