"""PodDefault.yaml gives a notebook server the token that kfops looks for."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict

import pytest
import yaml

from kfops.credentials import TOKEN_PATH_VARIABLE


@pytest.fixture
def pod_default() -> Dict[str, Any]:
    text = (Path(__file__).resolve().parents[2] / "PodDefault.yaml").read_text(encoding="utf-8")
    (only,) = yaml.safe_load_all(text)
    return only


def test_it_is_a_pod_default_for_any_namespace(pod_default: Dict[str, Any]) -> None:
    assert (pod_default["apiVersion"], pod_default["kind"]) == ("kubeflow.org/v1alpha1", "PodDefault")
    assert "namespace" not in pod_default["metadata"]
    assert pod_default["spec"]["selector"]["matchLabels"]


def test_the_token_is_for_kubeflow_pipelines_and_lives_two_hours(pod_default: Dict[str, Any]) -> None:
    (volume,) = pod_default["spec"]["volumes"]
    (source,) = volume["projected"]["sources"]
    assert source["serviceAccountToken"] == {
        "path": "token",
        "expirationSeconds": 7200,
        "audience": "pipelines.kubeflow.org",
    }


def test_the_variable_leads_to_the_mounted_file(pod_default: Dict[str, Any]) -> None:
    spec = pod_default["spec"]
    (mount,) = spec["volumeMounts"]
    (volume,) = spec["volumes"]
    assert mount["name"] == volume["name"]
    assert mount["readOnly"] is True
    path = volume["projected"]["sources"][0]["serviceAccountToken"]["path"]
    assert {e["name"]: e["value"] for e in spec["env"]} == {TOKEN_PATH_VARIABLE: f"{mount['mountPath']}/{path}"}
    assert mount["mountPath"] == "/var/run/secrets/kubeflow/pipelines"


def test_it_is_the_place_where_kfops_and_kfp_look_when_nothing_is_said(pod_default: Dict[str, Any]) -> None:
    from kfp import auth

    assert pod_default["spec"]["env"][0]["value"] == auth.KF_PIPELINES_SA_TOKEN_PATH
    assert pod_default["spec"]["env"][0]["name"] == auth.KF_PIPELINES_SA_TOKEN_ENV
