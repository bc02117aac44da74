"""`pip install kfops_lab-*.whl[...]` gives each side what it promises, on a machine without Node."""

from __future__ import annotations


def test_lab_gives_jupyterlab_4_with_the_panel_and_without_kfp(installed):
    fresh = installed("lab", "lab")
    assert fresh.run("jupyter-lab", "--version").startswith("4.")
    assert fresh.python("import importlib.util as i; print(i.find_spec('kfp'))") == "None"
    listed(fresh)


def test_kernel_gives_a_kfp_that_imports_and_the_kfops_command(installed):
    fresh = installed("kernel", "kernel")
    assert fresh.python("import kfp, kfops, kfops_lab; print(kfp.__version__)") == "1.7.0"
    assert fresh.python("import importlib.util as i; print(i.find_spec('jupyterlab'))") == "None"
    assert "compile" in fresh.run("kfops", "--help")


def test_both_together_give_jupyterlab_3_5_beside_kfp_by_plain_pip(installed_by_pip):
    fresh = installed_by_pip("lab,kernel")
    assert fresh.run("jupyter-lab", "--version").startswith("3.5.")
    assert fresh.python("import kfp, kfops, kfops_lab, kfops_server; print(kfp.__version__)") == "1.7.0"
    listed(fresh)


def listed(fresh):
    panel = [line for line in fresh.run("jupyter-labextension", "list").splitlines() if "kfops-lab v" in line]
    assert panel, "the panel is not in `jupyter labextension list`"
    assert "enabled" in panel[0], panel
    assert "OK" in panel[0], panel
    extensions = fresh.run("jupyter-server", "extension", "list")
    assert any("kfops_server" in line and "OK" in line for line in extensions.splitlines()), extensions
