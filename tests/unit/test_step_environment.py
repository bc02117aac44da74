"""A step's environment, its pip lines, its cache key and its paths."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kfops.local.execution.caching import cache_key, iso_seconds, max_age
from kfops.local.execution.environment import (
    Pod,
    SecretValues,
    StepError,
    container_environment,
    expand,
    inherited,
)
from kfops.local.execution.paths import Rewriting, on_host, opened_folders
from kfops.local.execution.preamble import split
from kfops.local.workflow.inputs import Inputs

POD = Pod("wf-1", "kubeflow", {"pipeline/runid": "r1"}, {"note": "x"})
PIP = "PIP_DISABLE_PIP_VERSION_CHECK=1 python3 -m pip install --quiet                 --no-warn-script-location "


def preamble(requirements: str) -> str:
    return f'({PIP}{requirements} || {PIP}{requirements} --user) && "$0" "$@"'


def installed(name: str) -> str | None:
    return {"kfp": "1.7.0", "pandas": "1.5.3"}.get(name)


@pytest.mark.parametrize(
    "requirements",
    [
        "'kfp==1.7.0'",
        "'pandas' 'kfp==1.7.0'",
        "'pandas>=1.0,<2' 'kfp==1.7.0'",
        "'pandas'",
        "'kfp==1.7.0; python_version > \"3\"'",
    ],
)
def test_installing_what_is_there_is_left_out(requirements: str) -> None:
    assert split(["sh", "-c", preamble(requirements)], installed) == (["sh", "-c", '"$0" "$@"'], [])


@pytest.mark.parametrize(
    ("requirements", "missing"),
    [
        ("'kfp==1.8.0'", "kfp==1.8.0"),
        ("'sklearn' 'kfp==1.7.0'", "sklearn"),
        ("'pandas>=2'", "pandas>=2"),
        ("'pandas[all]' 'pandas'", "pandas[all]"),
    ],
)
def test_only_what_is_missing_is_wanted(requirements: str, missing: str) -> None:
    assert split([preamble(requirements)], installed) == (['"$0" "$@"'], [missing])


@pytest.mark.parametrize("changing", ["git+https://example.org/x", "./x-1.0.whl", "x@file:///x", "x-1.0.tar.gz"])
def test_what_may_be_another_thing_tomorrow_is_left_to_pip(changing: str) -> None:
    [text], missing = split([preamble(f"'{changing}' 'sklearn' 'pandas'")], installed)
    assert text == f'python3 -m pip install --quiet --disable-pip-version-check {changing} sklearn && "$0" "$@"'
    assert missing == []


@pytest.mark.parametrize(
    "text",
    [
        preamble("-r requirements.txt"),
        preamble("$WHAT"),
        "python3 -m pip install 'kfp==1.7.0'; echo pip install done",
        f"({PIP}'kfp==1.7.0' || {PIP}'pandas' --user) && \"$0\" \"$@\"",
    ],
)
def test_any_other_installation_is_left_to_pip(text: str) -> None:
    assert split([text], installed) == ([text], [])


def test_a_long_line_that_is_no_preamble_is_read_in_no_time() -> None:
    text = "(python3 -m pip install " + "a " * 5000 + "&"
    assert split([text], installed) == ([text], [])


def environment(folder: Path, *env: dict[str, Any], **container: Any) -> dict[str, str]:
    return container_environment({"env": list(env), **container}, POD, SecretValues(folder / "secrets.yaml"))


def field(path: str) -> dict[str, Any]:
    return {"valueFrom": {"fieldRef": {"fieldPath": path}}}


def test_fields_of_the_pod(tmp_path: Path) -> None:
    found = environment(
        tmp_path,
        {"name": "A", **field("metadata.name")},
        {"name": "B", **field("metadata.labels['pipeline/runid']")},
        {"name": "C", **field("metadata.annotations['note']")},
        {"name": "D", **field("metadata.namespace")},
        {"name": "E", **field("metadata.labels['none']")},
    )
    assert found == {"A": "wf-1", "B": "r1", "C": "x", "D": "kubeflow", "E": ""}


def test_an_unknown_field_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StepError, match=r"metadata\.nothing"):
        environment(tmp_path, {"name": "A", **field("metadata.nothing")})


def test_variables_refer_to_those_before_them() -> None:
    assert expand("$(A)/$(B)/$$(A)/$HOME", {"A": "1"}) == "1/$(B)/$(A)/$HOME"


def test_earlier_variables_are_expanded(tmp_path: Path) -> None:
    found = environment(
        tmp_path, {"name": "A", "value": "1"}, {"name": "B", "value": "$(A)$(C)"}, {"name": "C", "value": "3"}
    )
    assert found["B"] == "1$(C)"


def test_secrets_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "secrets.yaml").write_text("minio: {accesskey: me, secretkey: 42}\n")
    reference = {"valueFrom": {"secretKeyRef": {"name": "minio", "key": "secretkey"}}}
    assert environment(tmp_path, {"name": "K", **reference}) == {"K": "42"}
    assert environment(tmp_path, envFrom=[{"prefix": "P_", "secretRef": {"name": "minio"}}]) == {
        "P_accesskey": "me",
        "P_secretkey": "42",
    }


@pytest.mark.parametrize("kind", ["secretKeyRef", "configMapKeyRef"])
def test_a_missing_secret_is_an_error_that_says_where_to_write_it(tmp_path: Path, kind: str) -> None:
    with pytest.raises(StepError) as missing:
        environment(tmp_path, {"name": "K", "valueFrom": {kind: {"name": "s", "key": "k"}}})
    assert "secrets.yaml" in str(missing.value)
    assert '"k"' in str(missing.value)


def test_a_missing_optional_secret_sets_nothing(tmp_path: Path) -> None:
    reference = {"valueFrom": {"secretKeyRef": {"name": "s", "key": "k", "optional": True}}}
    assert (
        environment(tmp_path, {"name": "K", **reference}, envFrom=[{"configMapRef": {"name": "c", "optional": True}}])
        == {}
    )


def test_a_secret_may_be_a_number_true_nothing_or_bytes(tmp_path: Path) -> None:
    (tmp_path / "secrets.yaml").write_text(
        "s: {number: 1.50, truth: true, nothing: , text: '007', key: !!binary AP8=}\n"
    )
    held = SecretValues(tmp_path / "secrets.yaml").of("s")
    assert held is not None
    assert held.pop("key").encode("utf-8", "surrogateescape") == b"\x00\xff"
    assert held == {"number": "1.5", "truth": "true", "nothing": "", "text": "007"}


@pytest.mark.parametrize("content", [b"a: [", b"\xff\xfe\x00", b"s: text"])
def test_a_secrets_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "secrets.yaml").write_bytes(content)
    with pytest.raises(StepError, match=r"cannot be read|is not a map"):
        SecretValues(tmp_path / "secrets.yaml").of("s")


def test_steps_inherit_no_tokens() -> None:
    given = {
        "PATH": "/bin",
        "HOME": "/root",
        "LC_ALL": "C",
        "https_proxy": "http://p",
        "KF_PIPELINES_SA_TOKEN_PATH": "/token",
        "KFOPS_LOCAL_DIR": "/data",
        "JUPYTERHUB_API_TOKEN": "secret",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "PYTHONPATH": "/x",
    }
    assert set(inherited(given)) == {"PATH", "HOME", "LC_ALL", "https_proxy", "KUBECONFIG"}


def test_steps_do_not_reach_the_cluster_that_the_user_works_with() -> None:
    assert inherited({"PATH": "/bin", "KUBECONFIG": "/home/me/.kube/config"})["KUBECONFIG"] == "/dev/null"


def cached_template(**changes: Any) -> dict[str, Any]:
    return {
        "container": {"image": "i", "command": ["sh", "-c", "true"], **changes.pop("container", {})},
        "metadata": {
            "labels": {"pipelines.kubeflow.org/enable_caching": changes.pop("enabled", "true")},
            "annotations": {"pipelines.kubeflow.org/max_cache_staleness": changes.pop("staleness", "")},
        },
        **changes,
    }


def test_the_same_template_and_inputs_have_the_same_key() -> None:
    assert cache_key(cached_template(), Inputs({"a": "1"}), "py") == cache_key(
        cached_template(), Inputs({"a": "1"}), "py"
    )


@pytest.mark.parametrize(
    ("template", "inputs", "python"),
    [
        (cached_template(), Inputs({"a": "2"}), "py"),
        (cached_template(), Inputs({"a": "1"}, {"d": {"name": "d", "s3": {"key": "k"}}}), "py"),
        (cached_template(container={"image": "j"}), Inputs({"a": "1"}), "py"),
        (cached_template(container={"args": ["x"]}), Inputs({"a": "1"}), "py"),
        (cached_template(outputs={"parameters": []}), Inputs({"a": "1"}), "py"),
        (cached_template(), Inputs({"a": "1"}), "another"),
    ],
)
def test_anything_that_changes_the_result_changes_the_key(
    template: dict[str, Any], inputs: Inputs, python: str
) -> None:
    assert cache_key(template, inputs, python) != cache_key(cached_template(), Inputs({"a": "1"}), "py")


@pytest.mark.parametrize("template", [cached_template(enabled="false"), {"container": {}}])
def test_a_step_that_must_not_be_cached_has_no_key(template: dict[str, Any]) -> None:
    assert cache_key(template, Inputs(), "py") is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        *[("P0D", 0), ("P1D", 86400), ("PT1H30M", 5400), ("P1W", 604800), ("P30D", 2592000)],
        *[("soon", None), ("", None), ("P", None), ("P1DT", None), (" P1D", None)],
    ],
)
def test_staleness_is_an_iso_duration(text: str, seconds: float | None) -> None:
    assert iso_seconds(text) == seconds


def test_a_step_that_takes_nothing_from_the_cache_renews_it() -> None:
    renewing = cached_template(staleness="P0D")
    assert max_age(renewing) == 0
    assert cache_key(renewing, Inputs(), "py") == cache_key(cached_template(), Inputs(), "py")


def test_links_lead_to_where_the_step_saw_them_lead(tmp_path: Path) -> None:
    (tmp_path / "tmp" / "real").mkdir(parents=True)
    (tmp_path / "tmp" / "real" / "out").write_text("x")
    (tmp_path / "tmp" / "absolute").symlink_to("/tmp/real")
    (tmp_path / "tmp" / "relative").symlink_to("real/out")
    (tmp_path / "tmp" / "round").symlink_to("/tmp/round")
    assert on_host(tmp_path, "/tmp/absolute/out") == tmp_path / "tmp" / "real" / "out"
    assert on_host(tmp_path, "/tmp/relative") == tmp_path / "tmp" / "real" / "out"
    assert on_host(tmp_path, "/../../etc") == tmp_path / "etc"
    with pytest.raises(OSError, match="symbolic"):
        on_host(tmp_path, "/tmp/round")


def test_declared_paths_at_unusual_places_are_opened() -> None:
    template = {"outputs": {"artifacts": [{"name": "a", "path": "/opt/out/a"}, {"name": "b", "path": "/tmp/x/b"}]}}
    assert opened_folders(template, ["/tmp"]) == ["/opt/out"]


def test_private_paths_are_rewritten_where_there_are_no_mounts() -> None:
    rewriting = Rewriting(Path("/data/root"), ["/tmp", "/minio"])
    assert rewriting.words(
        ["--out", "/tmp/outputs/x/data", "open('/tmp/a'); p = \"/minio/b\"", "/tmp", "/var/tmp/x", "/tmpfile"]
    ) == [
        "--out",
        "/data/root/tmp/outputs/x/data",
        "open('/data/root/tmp/a'); p = \"/data/root/minio/b\"",
        "/data/root/tmp",
        "/var/tmp/x",
        "/tmpfile",
    ]
