"""What a step wants installed is installed once, for all steps that want the same, and never seen half made."""

from __future__ import annotations

import asyncio
import http.server
import shutil
import tempfile
import threading
import zipfile
from pathlib import Path
from typing import Any, Callable, Iterator, List

import pytest

from kfops.local.execution.packages import HalfMade, Layer, Layers
from kfops.local.executors.base import Ended
from kfops.local.settings import Settings, stamp
from tests.fakes.engine import dag, engine_in, executed, shell, task, workflow

PARCEL = "kfops-test-parcel"
USE = "python3 -c 'import kfops_test_parcel, kfp_server_api; print(kfops_test_parcel.WORD)'"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that steps can see: not below /tmp, of which each has its own."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        yield Path(name)


@pytest.fixture
def wheels(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """All that pip finds: a folder with one small package."""
    found = folder / "wheels"
    found.mkdir()
    wheel(found, "kfops_test_parcel", {"kfops_test_parcel.py": "WORD = 'unpacked'\n"})
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(found))
    return found


def wheel(folder: Path, name: str, files: dict[str, str]) -> Path:
    path = folder / f"{name}-1.0-py3-none-any.whl"
    account = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        for inside, content in files.items():
            archive.writestr(inside, content)
        archive.writestr(f"{account}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{account}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{account}/entry_points.txt", f"[console_scripts]\n{name} = {name}:main\n")
        archive.writestr(f"{account}/RECORD", "")
    return path


def preamble(*requirements: str) -> str:
    """The shell line that kfp 1.7.0 writes for packages_to_install."""
    pip = "python3 -m pip install --quiet --no-warn-script-location " + " ".join(f"'{one}'" for one in requirements)
    return f"(PIP_DISABLE_PIP_VERSION_CHECK=1 {pip} || PIP_DISABLE_PIP_VERSION_CHECK=1 {pip} --user) && "


def layers_in(data: Path) -> List[str]:
    return sorted(path.name for path in (data / "packages").glob("*")) if (data / "packages").exists() else []


def test_the_second_use_runs_no_pip(folder: Path, wheels: Path) -> None:
    data = folder / "data"
    made = workflow(dag("main", task("a")), shell("a", preamble(PARCEL, "kfp==1.7.0") + USE))
    first = executed(made, data)
    assert first.log("a") == f"kfops: installing {PARCEL}\nunpacked\n"
    shutil.rmtree(str(wheels))
    second = executed(made, data)
    assert second.log("a").endswith("unpacked\nunpacked\n")  # the run has the same id, so the log goes on
    assert second.log("a").count("installing") == 1


def test_steps_that_want_the_same_at_the_same_time_wait_for_the_one_that_installs(folder: Path, wheels: Path) -> None:
    wide = dag("main", task("a", withItems=list(range(4))))
    ended = executed(workflow(wide, shell("a", preamble(PARCEL) + USE)), folder / "data")
    assert ended.phase == "Succeeded"
    logs = [ended.log(f"a({number}:{number})") for number in range(4)]
    assert all("unpacked" in log for log in logs)
    assert sum("installing" in log for log in logs) == 1
    assert len(layers_in(folder / "data")) == 1


def test_packages_are_there_for_the_steps_that_want_them_and_cannot_be_changed(folder: Path, wheels: Path) -> None:
    spoil = "import kfops_test_parcel as p; open(p.__file__, 'w')"
    made = workflow(
        dag("main", task("a"), task("b", after=("a",))),
        shell("a", preamble(PARCEL) + f'{USE} && kfops_test_parcel; test $? = 1 && ! python3 -c "{spoil}"'),
        shell("b", "! python3 -c 'import kfops_test_parcel' 2>/dev/null"),
    )
    ended = executed(made, folder / "data")
    assert ended.phase == "Succeeded", ended.log("a") + ended.log("b")
    assert "cannot import name 'main'" in ended.log("a")  # its command is found
    assert "Read-only file system" in ended.log("a")


def test_what_cannot_be_installed_fails_the_step_with_what_pip_says(folder: Path, wheels: Path) -> None:
    ended = executed(workflow(dag("main", task("a")), shell("a", preamble("no-such-parcel") + USE)), folder / "data")
    assert (ended.nodes["a"]["phase"], ended.nodes["a"]["message"]) == ("Failed", "Error (exit code 1)")
    assert "No matching distribution found for no-such-parcel" in ended.log("a")
    assert "unpacked" not in ended.log("a")


def test_a_part_of_a_package_that_the_interpreter_has_too_is_joined_with_it(folder: Path, wheels: Path) -> None:
    join = (
        "import sys, types, os; p = os.path.join(sys._getframe(1).f_locals['sitedir'], 'google');"
        " m = sys.modules.setdefault('google', types.ModuleType('google'));"
        " mp = m.__dict__.setdefault('__path__', []); (p not in mp) and mp.append(p)\n"
    )
    wheel(wheels, "google_part", {"google/kfops_part.py": "WORD = 'joined'\n", "google_part-nspkg.pth": join})
    use = "python3 -c 'import google.auth, google.kfops_part as part; print(part.WORD)'"
    ended = executed(workflow(dag("main", task("a")), shell("a", preamble("google-part") + use)), folder / "data")
    assert "joined" in ended.log("a")


def test_without_namespaces_packages_are_found_too(folder: Path, wheels: Path) -> None:
    from kfops.local.executors.process import ProcessExecutor

    made = workflow(dag("main", task("a")), shell("a", preamble(PARCEL) + USE))
    ended = executed(made, folder / "data", executor=ProcessExecutor(namespaces=False))
    assert "unpacked" in ended.log("a")


@pytest.mark.parametrize(
    ("mode", "executor"), [("V1_LEGACY", "process"), ("V2_COMPATIBLE", "process"), ("V2_COMPATIBLE", "warm")]
)
def test_packages_to_install_of_a_component(
    mode: str, executor: str, folder: Path, wheels: Path, tmp_path: Path
) -> None:
    made = compiled(mode, tmp_path)
    stamp(made, Settings(executor=executor))
    ended = executed(made, folder / "data")
    assert ended.phase == "Succeeded", [ended.log(name) for name in ended.nodes if name]
    assert any("unpacked by a component" in ended.log(name) for name in ended.nodes if name)
    assert len(layers_in(folder / "data")) == 1


def compiled(mode: str, folder: Path) -> Any:
    import yaml
    from kfp import dsl
    from kfp.compiler import Compiler
    from kfp.components import create_component_from_func
    from kfp.dsl import PipelineExecutionMode
    from kfp.v2.dsl import component

    def use() -> None:
        import kfops_test_parcel

        print(kfops_test_parcel.WORD, "by a component")

    make = component if mode == "V2_COMPATIBLE" else create_component_from_func
    step = make(use, packages_to_install=[PARCEL])

    @dsl.pipeline(name="packages")
    def pipeline() -> None:
        step()

    target = folder / "package.yaml"
    Compiler(mode=PipelineExecutionMode[mode]).compile(pipeline, str(target))
    found = yaml.safe_load(target.read_text())
    for parameter in found["spec"].get("arguments", {}).get("parameters", []):
        parameter.setdefault("value", "")
    return found


class _Index(http.server.BaseHTTPRequestHandler):
    """An index with one package, which answers nobody until it may."""

    wheel: Path
    asked: threading.Event
    may_answer: threading.Event

    def do_GET(self) -> None:
        self.asked.set()
        self.may_answer.wait(60)
        link = f'<a href="/{self.wheel.name}">{self.wheel.name}</a>'.encode()
        body = self.wheel.read_bytes() if self.path.endswith(".whl") else link
        self.send_response(200)
        self.send_header("Content-Type", "application/zip" if self.path.endswith(".whl") else "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def index(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[_Index]]:
    handler = type("Handler", (_Index,), {"asked": threading.Event(), "may_answer": threading.Event()})
    handler.wheel = wheel(folder, "kfops_test_parcel", {"kfops_test_parcel.py": "WORD = 'unpacked'\n"})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_port}/simple")
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_NO_INDEX", "PIP_FIND_LINKS", "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    yield handler
    handler.may_answer.set()
    server.shutdown()
    server.server_close()


def test_a_run_that_is_stopped_while_it_installs_leaves_nothing_and_the_next_installs(
    folder: Path, index: type[_Index]
) -> None:
    data = folder / "data"
    made = workflow(dag("main", task("a")), shell("a", preamble(PARCEL) + USE))

    async def run() -> Any:
        async with engine_in(data) as runs:
            runs.submit(made, "stopped")
            runs.submit(made, "waiting")
            await runs.until(index.asked.is_set)
            installing = next(one for one in ("stopped", "waiting") if list((data / "runs" / one).glob("*/main.log")))
            runs.records.stopping.add(installing)
            runs.engine.terminate(installing)
            ended = await runs.ended(installing)
            assert (ended.phase, ended.status["message"]) == ("Failed", "terminated")
            index.may_answer.set()
            return await runs.ended("waiting" if installing == "stopped" else "stopped")

    ended = asyncio.run(run())
    assert ended.phase == "Succeeded", ended.log("a")
    assert "installing" in ended.log("a")
    assert len(layers_in(data)) == 1


def layer_with(data: Path, install: Callable[[HalfMade], Any]) -> Any:
    layers = Layers(data)
    layer = layers.layer([PARCEL], shutil.which("python3") or "", {})

    async def run() -> Any:
        return await layers.ready(layer, install)

    return layer, asyncio.run(run())


def test_a_layer_that_a_killed_backend_left_half_made_is_not_used_and_goes(tmp_path: Path) -> None:
    (tmp_path / "packages" / ".making-abc" / "site").mkdir(parents=True)

    async def install(half_made: HalfMade) -> Ended:
        (half_made.folder / "site").mkdir()
        return Ended(0)

    layer, refused = layer_with(tmp_path, install)
    assert refused is None
    assert layer.made
    Layers(tmp_path).tidy()
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join(10)
    assert layers_in(tmp_path) == [layer.folder.name]


def test_another_interpreter_or_another_configuration_of_pip_has_another_layer(tmp_path: Path) -> None:
    layers, python = Layers(tmp_path), shutil.which("python3") or ""
    home = {"HOME": str(tmp_path / "home")}
    same = layers.layer(["b", "a"], python, home)
    assert layers.layer(["a", "b", "a"], python, {**home, "WORD": "x"}) == same
    other = tmp_path / "python3"
    other.write_bytes(b"")
    found: List[Layer] = [
        layers.layer(["a"], python, home),
        layers.layer(["a", "b"], str(other), home),
        layers.layer(["a", "b"], python, {**home, "PIP_INDEX_URL": "https://ann:hush@example.org/simple"}),
    ]
    (tmp_path / "home" / ".pip").mkdir(parents=True)
    (tmp_path / "home" / ".pip" / "pip.conf").write_text("[global]\nprefer-binary = true\n")
    found.append(layers.layer(["a", "b"], python, home))
    assert len({layer.folder for layer in [same, *found]}) == 5
