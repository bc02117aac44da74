"""A Jupyter Server with the extension, and two kinds of worker: a scripted one, and the real one."""

from __future__ import annotations

import json
import os
import stat
import sys
import textwrap
from pathlib import Path

import pytest
from tornado.httpclient import HTTPClientError

HERE = Path(__file__).parent
ROOT = HERE.parent.parent

#: Interpreter of the pipeline environment, for the tests with the real worker.
KERNEL_PYTHON = os.environ.get("KFOPS_TEST_KERNEL_PYTHON", str(ROOT / ".venvs/kernel/bin/python"))


def as_interpreter(folder: Path, *, kfp: str = "1.7.0", kfops: bool = True, name: str = "python") -> str:
    """Return a program that looks like the pipeline environment's interpreter and runs `scripted_worker.py`."""
    answer = json.dumps({"kfp": kfp, "kfops": kfops, "python": "3.11.0"})
    program = folder / "bin" / name
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(
        textwrap.dedent(f"""\
        #!/bin/sh
        if [ "$1" = -c ]; then
            echo >> {folder}/asked
            echo '{answer}'
        else
            shift 2
            echo $$ >> {folder}/started
            exec {sys.executable} {HERE / "scripted_worker.py"} "$@"
        fi
        """)
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return str(program)


@pytest.fixture
def worker_python(tmp_path):
    """The interpreter that KfopsServer.python is set to; overridden where the real one is meant."""
    return as_interpreter(tmp_path / "environment")


@pytest.fixture
def extension_config(worker_python):
    return {"python": worker_python}


@pytest.fixture
def jp_server_config(extension_config):
    return {
        "ServerApp": {"jpserver_extensions": {"kfops_server": True}, "allow_unauthenticated_access": False},
        "KfopsServer": extension_config,
    }


@pytest.fixture
def services(jp_serverapp):
    return jp_serverapp.web_app.settings["kfops_services"]


@pytest.fixture
def api(jp_fetch):
    """Call the REST API: (status, JSON body), for errors too."""

    async def call(method, path, body=None, /, **params):
        kwargs = {"params": params}
        if method in ("POST", "PATCH"):
            kwargs["body"] = body if isinstance(body, (str, bytes)) else json.dumps({} if body is None else body)
        try:
            response = await jp_fetch("kfops", *path.split("/"), method=method, request_timeout=120, **kwargs)
        except HTTPClientError as error:
            if error.response is None:
                raise
            response = error.response
        return response.code, json.loads(response.body) if response.body else None

    return call


@pytest.fixture
def finished(api):
    """Wait for an operation to end, and return it."""
    import asyncio

    async def wait(operation, limit=90.0):
        for _ in range(int(limit / 0.05)):
            _, found = await api("GET", f"operations/{operation['id']}")
            if found["state"] != "running":
                return found
            await asyncio.sleep(0.05)
        raise AssertionError(f"still running: {found}")

    return wait
