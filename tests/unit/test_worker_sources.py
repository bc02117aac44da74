"""Package files are read without running anything, and what is none is named."""

from __future__ import annotations

import base64
import gzip
import io
import tarfile
import zipfile

import pytest

from kfops.errors import InvalidInput
from kfops.serving import sources
from kfops.serving.sources import config_of, path_of, read_package

WORKFLOW = """\
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata:
  generateName: churn-
  annotations:
    pipelines.kubeflow.org/pipeline_spec: '{"name": "churn", "inputs": [{"name": "rate", "type": "Float"}]}'
spec:
  entrypoint: churn
  arguments: {parameters: [{name: rate, value: "0.1"}]}
  templates:
  - name: churn
    dag: {tasks: [{name: train, template: train}]}
  - name: train
    container: {image: "registry/trainer:{{workflow.parameters.version_id}}", command: [python]}
"""


def zipped(**files):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "."), text)
    return base64.encodebytes(data.getvalue()).decode()


def tarred(name, text):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(text)
        archive.addfile(member, io.BytesIO(text.encode()))
    return base64.encodebytes(data.getvalue()).decode()


@pytest.mark.parametrize(
    ("path", "content", "encoding"),
    [
        ("churn.yaml", WORKFLOW, "text"),
        ("churn.zip", zipped(pipeline__yaml=WORKFLOW, other__yaml="a: 1"), "base64"),
        ("churn.zip", zipped(churn__yml=WORKFLOW, README__md="x"), "base64"),
        ("churn.TAR.GZ", tarred("pipeline.yaml", WORKFLOW), "base64"),
    ],
)
def test_a_package_is_read(path, content, encoding):
    package = read_package(path, content, encoding)
    assert package.name == "churn"
    assert [(p.name, p.type, p.default) for p in package.parameters if p.name == "rate"] == [("rate", "float", 0.1)]
    assert package.images == ["trainer"]
    assert package.mode == "V1_LEGACY"
    assert (package.source.kind, package.source.path) == ("package", path)


def test_a_package_of_the_second_mode_is_known_as_such():
    text = WORKFLOW.replace("  annotations:\n", '  annotations:\n    pipelines.kubeflow.org/v2_pipeline: "true"\n')
    assert read_package("churn.yaml", text, "text").mode == "V2_COMPATIBLE"


@pytest.mark.parametrize(
    ("path", "content", "encoding", "why"),
    [
        ("a.yaml", "a: [", "text", "ParserError"),
        ("a.yaml", "a: 1", "text", "Argo workflow"),
        ("a.yaml", "", "text", "Argo workflow"),
        ("a.yaml", "!!python/object/apply:os.system [exit]", "text", "ConstructorError"),
        ("a.zip", base64.b64encode(b"no zip").decode(), "base64", "BadZipFile"),
        ("a.zip", zipped(a__yaml="", b__yaml=""), "base64", "2 YAML files"),
        ("a.tar.gz", base64.b64encode(b"no tar").decode(), "base64", "BadGzipFile"),
        ("a.tar.gz", base64.b64encode(gzip.compress(b"no tar" * 200)).decode(), "base64", "ReadError"),
        ("a.tar.gz", tarred("a.txt", "x"), "base64", "0 YAML files"),
    ],
)
def test_what_is_no_package_is_named(path, content, encoding, why):
    with pytest.raises(InvalidInput) as caught:
        read_package(path, content, encoding)
    assert path in caught.value.message
    assert why in caught.value.why


def test_a_package_that_unpacks_to_too_much_is_refused(monkeypatch):
    monkeypatch.setattr(sources, "LARGEST", 1000)
    with pytest.raises(InvalidInput, match="larger than 1000 bytes"):
        read_package("a.zip", zipped(pipeline__yaml="x" * 2000), "base64")


def test_the_configuration_is_looked_for_from_the_source_up(tmp_path):
    (tmp_path / "config.yaml").write_text("pipeline: {name: outer}\n")
    (tmp_path / "below" / "deep").mkdir(parents=True)
    (tmp_path / "below" / "config.yaml").write_text("pipeline: {name: inner}\n")
    source = {"path": "below/deep/a.py", "os_path": str(tmp_path / "below" / "deep" / "a.py")}
    assert config_of(str(tmp_path), source).pipeline.name == "inner"
    assert config_of(str(tmp_path)).pipeline.name == "outer"


def test_a_source_that_is_kept_in_no_folder_counts_as_in_the_servers():
    assert path_of("/root", {"path": "a/b.py", "os_path": ""}) == "/root/a/b.py"
