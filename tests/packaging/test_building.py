"""What goes into the wheel and the source distribution, and when there is none to be had."""

from __future__ import annotations

import json
import shutil
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.packaging.conftest import ROOT, run_uv

PANEL = "share/jupyter/labextensions/kfops-lab"


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def metadata(wheel: Path):
    with zipfile.ZipFile(wheel) as archive:
        path = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return Parser().parsestr(archive.read(path).decode())


def copy_of_the_project(folder: Path) -> Path:
    """Copy what a build reads."""
    files = (
        "pyproject.toml",
        "hatch_build.py",
        "LICENSE",
        "README.md",
        "kfops",
        "kfops_lab",
        "server_ext",
        "labextension",
    )
    ignore = shutil.ignore_patterns("__pycache__", "lib", "node_modules")
    for name in files:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=ignore)
        elif source.exists():
            folder.mkdir(exist_ok=True)
            shutil.copy(source, folder / name)
    return folder


def test_the_wheel_holds_the_packages_the_panel_and_the_server_configuration(wheel):
    found = names(wheel)
    data = next(name.split("/")[0] for name in found if ".data/" in name)
    assert {
        "kfops/errors.py",
        "kfops_lab/__init__.py",
        "kfops_lab/locale/de_DE/LC_MESSAGES/kfops_lab.json",
        "kfops_server/__init__.py",
        "kfops_server/openapi.yaml",
    } <= found
    assert f"{data}/data/{PANEL}/package.json" in found
    assert f"{data}/data/{PANEL}/install.json" in found
    assert f"{data}/data/etc/jupyter/jupyter_server_config.d/kfops_server.json" in found
    assert {name.split("/")[0].split("-")[0] for name in found} == {
        "kfops",
        "kfops_lab",
        "kfops_server",
        data.split("-")[0],
    }
    assert not [name for name in found if "labextension" in name and PANEL not in name], "the panel is in there twice"


def test_the_wheel_states_its_licence_and_both_jupyterlabs(wheel):
    stated = metadata(wheel)
    assert stated["License-Expression"] == "Apache-2.0"
    assert {"Framework :: Jupyter :: JupyterLab :: 3", "Framework :: Jupyter :: JupyterLab :: 4"} <= set(
        stated.get_all("Classifier")
    )


def test_the_panel_and_the_wheel_have_one_version(wheel):
    assert metadata(wheel)["Version"] == json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["version"]


def test_a_wheel_without_the_panel_is_refused_with_what_to_type(tmp_path):
    project = copy_of_the_project(tmp_path / "project")
    shutil.rmtree(project / "kfops_lab" / "labextension")
    done = run_uv("build", "--wheel", "--out-dir", tmp_path / "out", project, environment=None)
    assert done.returncode != 0
    assert "the panel is not built" in done.stdout
    assert "make panel" in done.stdout
    assert not list((tmp_path / "out").glob("*.whl"))


def test_the_source_distribution_becomes_the_same_wheel_without_node(wheel, without_node, tmp_path):
    project = copy_of_the_project(tmp_path / "project")
    done = run_uv(
        "build", "--out-dir", tmp_path / "out", project, environment=without_node
    )  # sdist, then wheel from it
    assert done.returncode == 0, done.stdout
    with tarfile.open(next((tmp_path / "out").glob("*.tar.gz"))) as archive:
        assert any(name.endswith("/kfops_lab/labextension/package.json") for name in archive.getnames())
    assert names(next((tmp_path / "out").glob("*.whl"))) == names(wheel)


@pytest.mark.parametrize(
    ("pins", "extras"),
    [("lab", {"lab", "test-lab", "test"}), ("kernel", {"kernel", "examples", "test"}), ("one", {"lab", "kernel"})],
)
def test_the_pins_cover_what_the_project_declares(wheel, pins, extras):
    pinned: dict[str, list[Requirement]] = {}
    for line in (ROOT / "constraints" / f"{pins}.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            assert "://" not in line, "a pin names an address"
            pin = Requirement(line)
            pinned.setdefault(canonicalize_name(pin.name), []).append(pin)
    for text in metadata(wheel).get_all("Requires-Dist"):
        wanted = Requirement(text)
        if wanted.name == "kfops-lab" or not any(wanted.marker.evaluate({"extra": extra}) for extra in extras):
            continue
        here = [
            pin for pin in pinned.get(canonicalize_name(wanted.name), []) if not pin.marker or pin.marker.evaluate()
        ]
        assert here, f"{wanted} is not in constraints/{pins}.txt: run `make constraints`"
        version = next(iter(here[0].specifier)).version
        assert wanted.specifier.contains(version), f"{here[0]} does not satisfy {wanted}: run `make constraints`"
