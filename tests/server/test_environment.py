"""The pipeline environment is found by itself, or as set; and when it is not there, the remedy can be typed."""

from __future__ import annotations

import json
import logging
import os
import sys
import sysconfig

import pytest
from kfops_server import environment
from kfops_server.environment import EnvironmentFinder, kernel_interpreters
from kfops_server.interpreter import ask, environment_variables

from kfops.errors import WorkerError

from .conftest import as_interpreter


class Kernels:
    """A kernel spec manager with the kernels given as {name: (interpreter, display name)}."""

    def __init__(self, kernels):
        self.kernels = kernels

    def get_all_specs(self):
        return {
            name: {"spec": {"argv": [python, "-m", "ipykernel_launcher"], "display_name": title}}
            for name, (python, title) in self.kernels.items()
        }


class AsyncKernels(Kernels):
    async def get_all_specs(self):
        return super().get_all_specs()


class BrokenKernels:
    def get_all_specs(self):
        raise OSError("the gateway is away")


@pytest.fixture(autouse=True)
def no_variable(monkeypatch):
    monkeypatch.delenv("KFOPS_PYTHON", raising=False)


def finder(kernels=None, python=""):
    return EnvironmentFinder(python, Kernels(kernels or {}), logging.getLogger("test"))


def asked(folder):
    """How often an interpreter was asked what it has."""
    log = folder / "asked"
    return len(log.read_text().splitlines()) if log.exists() else 0


async def test_the_setting_goes_before_all(tmp_path, monkeypatch):
    monkeypatch.setenv("KFOPS_PYTHON", as_interpreter(tmp_path / "variable"))
    python = as_interpreter(tmp_path / "setting")
    assert (await finder(python=python).find()).path == python


async def test_the_variable_goes_before_the_kernels(tmp_path, monkeypatch):
    python = as_interpreter(tmp_path / "variable")
    monkeypatch.setenv("KFOPS_PYTHON", python)
    kernels = {"kfops": (as_interpreter(tmp_path / "kernel"), "x")}
    assert (await finder(kernels).find()).path == python


@pytest.mark.parametrize("kind", [Kernels, AsyncKernels])
async def test_our_own_kernel_goes_before_others(tmp_path, kind):
    kernels = {
        "aaa": (as_interpreter(tmp_path / "other"), "Other"),
        "zzz": (as_interpreter(tmp_path / "ours"), "Python (kfp 1.7)"),
    }
    found = await EnvironmentFinder("", kind(kernels), logging.getLogger("test")).find()
    assert found.path == kernels["zzz"][0]


async def test_a_kernel_without_kfp_is_passed_over(tmp_path):
    kernels = {
        "a": (as_interpreter(tmp_path / "none", kfp=""), "a"),
        "b": (as_interpreter(tmp_path / "newer", kfp="2.7.0"), "b"),
        "c": (as_interpreter(tmp_path / "half", kfops=False), "c"),
        "d": (as_interpreter(tmp_path / "whole"), "d"),
    }
    assert (await finder(kernels).find()).path == kernels["d"][0]


async def test_without_any_the_remedy_can_be_typed_and_the_reason_names_each(tmp_path):
    newer = as_interpreter(tmp_path / "newer", kfp="2.7.0")
    half = as_interpreter(tmp_path / "half", kfops=False)
    with pytest.raises(WorkerError) as caught:
        await finder({"newer": (newer, "x"), "half": (half, "y")}).find()
    error = caught.value
    assert error.details["state"] == "missing"
    assert error.details["install_command"] == environment.INSTALL_COMMAND
    assert environment.INSTALL_COMMAND in error.remedy
    assert f"{newer} has kfp 2.7.0, not 1.7.0." in error.why
    assert f"{half} has kfp 1.7.0 but not kfops-lab." in error.why


@pytest.mark.parametrize("origin", ["KfopsServer.python", "KFOPS_PYTHON"])
async def test_one_that_is_set_and_unusable_is_an_error_and_not_passed_over(tmp_path, monkeypatch, origin):
    bare = as_interpreter(tmp_path / "bare", kfp="")
    kernels = {"kfops": (as_interpreter(tmp_path / "whole"), "x")}
    if origin == "KFOPS_PYTHON":
        monkeypatch.setenv("KFOPS_PYTHON", bare)
    with pytest.raises(WorkerError) as caught:
        await finder(kernels, python=bare if origin == "KfopsServer.python" else "").find()
    assert origin in caught.value.message
    assert caught.value.why == f"{bare} has no kfp."
    assert caught.value.details["install_command"] == f"{bare} -m pip install 'kfops-lab[kernel]'"


async def test_an_interpreter_that_is_not_there_is_named(tmp_path):
    with pytest.raises(WorkerError, match="No such file"):
        await finder(python=str(tmp_path / "gone" / "python")).find()


async def test_a_program_that_is_no_python_is_named():
    with pytest.raises(WorkerError, match="not a Python interpreter that works"):
        await finder(python="/bin/false").find()


async def test_a_usable_one_is_asked_once(tmp_path):
    search = finder(python=as_interpreter(tmp_path))
    await search.find()
    await search.find()
    assert asked(tmp_path) == 1


async def test_one_that_lacked_kfp_is_asked_again_once_something_was_installed(tmp_path):
    python = as_interpreter(tmp_path, kfp="")
    packages = tmp_path / "lib" / "python3.11" / "site-packages"
    packages.mkdir(parents=True)
    search = finder(python=python)
    for _ in range(2):
        with pytest.raises(WorkerError):
            await search.find()
    assert asked(tmp_path) == 1
    before = os.stat(python)
    as_interpreter(tmp_path)
    os.utime(python, ns=(before.st_atime_ns, before.st_mtime_ns))
    (packages / "kfp").mkdir()
    os.utime(packages, (1, 1))
    assert (await search.find()).usable
    assert asked(tmp_path) == 2


async def test_one_that_lacked_kfp_is_asked_again_after_a_while(tmp_path, monkeypatch):
    search = finder(python=as_interpreter(tmp_path, kfp=""))
    monkeypatch.setattr(environment, "RECHECK", 0.0)
    for _ in range(2):
        with pytest.raises(WorkerError):
            await search.find()
    assert asked(tmp_path) == 2


async def test_kernels_that_cannot_be_listed_do_not_hide_the_remedy():
    with pytest.raises(WorkerError) as caught:
        await EnvironmentFinder("", BrokenKernels(), logging.getLogger("test")).find()
    assert caught.value.details["install_command"]


def test_the_link_that_makes_a_virtual_environment_is_kept(tmp_path):
    link = tmp_path / "python3.11"
    link.symlink_to(sys.executable)
    assert kernel_interpreters(Kernels({"k": (str(link), "k")}).get_all_specs()) == [str(link)]


def test_a_bare_python_is_the_servers_own_and_other_languages_are_none():
    specs = Kernels({"a": ("python", "a"), "b": ("python3", "b"), "r": ("/usr/bin/R", "R")}).get_all_specs()
    specs["empty"] = {"spec": {"argv": []}}
    assert kernel_interpreters(specs) == [sys.executable]


def test_a_real_interpreter_is_asked_without_importing_kfp():
    found = ask(sys.executable)
    assert found.problem == ""
    assert found.python == "{}.{}.{}".format(*sys.version_info[:3])


def test_relative_entries_of_the_module_path_stay_what_they_are_for_a_process_elsewhere(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([".", "server_ext", "/abs"]))
    here = os.getcwd()
    assert environment_variables()["PYTHONPATH"].split(os.pathsep) == [here, os.path.join(here, "server_ext"), "/abs"]


def test_the_servers_own_libraries_are_not_passed_on_to_another_interpreter(monkeypatch, tmp_path):
    own = sysconfig.get_path("purelib")
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join([own, str(tmp_path), sysconfig.get_path("stdlib") + "/lib-dynload"])
    )
    assert environment_variables()["PYTHONPATH"] == str(tmp_path)


class TestStatus:
    """What the panel gets to see of it."""

    @pytest.fixture
    def worker_python(self, tmp_path):
        return as_interpreter(tmp_path / "environment", kfp="")

    async def test_a_missing_environment_is_a_state_with_a_command(self, api, worker_python):
        status, answer = await api("GET", "status")
        assert status == 200
        found = answer["environment"]
        assert found["state"] == "missing"
        assert found["install_command"] == f"{worker_python} -m pip install 'kfops-lab[kernel]'"
        assert found["error"]["code"] == "worker_error"
        assert answer["connection"] is None

    async def test_what_needs_it_is_refused_with_the_command(self, api):
        status, error = await api("GET", "runs")
        assert (status, error["code"]) == (503, "worker_error")
        assert "pip install" in error["remedy"]

    async def test_it_is_ready_as_soon_as_it_was_installed(self, api, tmp_path):
        await api("GET", "status")
        as_interpreter(tmp_path / "environment")
        os.utime(tmp_path / "environment" / "bin" / "python", (1, 1))
        _, answer = await api("GET", "status", wait="1")
        assert answer["environment"]["state"] == "ready"


class TestKernels:
    """Without a setting the registered kernels are looked at."""

    @pytest.fixture
    def extension_config(self):
        return {}

    async def test_a_registered_kernel_is_found(self, api, tmp_path, jp_data_dir):
        python = as_interpreter(tmp_path / "environment")
        folder = jp_data_dir / "kernels" / "kfops"
        folder.mkdir(parents=True)
        spec = {"argv": [python, "-m", "ipykernel_launcher"], "display_name": "Python (kfp 1.7)", "language": "python"}
        (folder / "kernel.json").write_text(json.dumps(spec))
        _, answer = await api("GET", "status", wait="1")
        assert answer["environment"]["state"] == "ready"
        assert answer["environment"]["python"] == python
