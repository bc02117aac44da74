"""Uploads: every form of a package is read, everything that is none is refused and nothing of it is stored."""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
import uuid
import zipfile

import pytest
import yaml

V1 = "/apis/v1beta1"
MIB = 1024 * 1024


def zipped(members, compression=zipfile.ZIP_DEFLATED):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", compression) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return packed.getvalue()


def tarred(members):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in members:
            member = tarfile.TarInfo(name)
            if isinstance(content, bytes):
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
            else:
                member.type, member.linkname = content
                archive.addfile(member)
    return packed.getvalue()


def upload(caller, content, name=None, filename="p.yaml"):
    return caller.upload(f"{V1}/pipelines/upload?name={name or uuid.uuid4().hex}", content, filename)


def bomb():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    return "\n".join(lines).encode()


def test_yaml_zip_and_tar_are_read_alike(caller, workflow):
    text = yaml.safe_dump(workflow).encode()
    packages = [
        text,
        b"\xef\xbb\xbf" + text,
        json.dumps(workflow).encode(),
        zipped([("pipeline.yaml", text)]),
        zipped([("other.txt", b"x"), ("pipeline.yaml", text)], zipfile.ZIP_STORED),
        zipped([("mine.yaml", text)]),
        tarred([("pipeline.yaml", text)]),
        tarred([("folder", (tarfile.DIRTYPE, "")), ("readme", b"x"), ("pipeline.yaml", text)]),
        tarred([("mine.yaml", text)]),
    ]
    for package in packages:
        answer = upload(caller, package)
        assert answer.status == 200, answer.content
        assert answer.body["parameters"] == [{"name": "word", "value": "hello"}, {"name": "unset"}]


def test_the_name_is_the_files_when_none_is_given(caller, workflow):
    answer = caller.upload(f"{V1}/pipelines/upload", json.dumps(workflow).encode(), "by-file.yaml")
    assert answer.body["name"] == "by-file.yaml"


def test_yaml_is_read_as_kubernetes_reads_it(caller, workflow):
    words = ("2021-01-01", "12:30:45", "0x1F", "1_000")
    text = yaml.safe_dump(workflow).replace("value: hello", "value: WORD")
    found = []
    for word in words:
        pipeline = upload(caller, text.replace("WORD", word).encode()).body
        found.append(pipeline["parameters"][0]["value"])
    assert found == ["2021-01-01", "12:30:45", "31", "1000"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not a workflow"),
        (b"hello", "not a workflow"),
        (b"a: b: c", "not YAML"),
        (b"a: \x00", "not YAML"),
        (b"\xff\xfe\x00", "UTF-8"),
        (b"!!python/object/apply:os.system ['true']", "not YAML"),
        (b"kind: Pod\napiVersion: v1\nspec: {}", "not an Argo Workflow"),
        (b"kind: Workflow\napiVersion: argoproj.io/v1alpha1", "no spec"),
        (b"kind: Workflow\napiVersion: argoproj.io/v1alpha1\nspec: {arguments: {parameters: 3}}", "parameters"),
        (b"a: &a [*a]", "holds itself"),
        (b"a: .nan", "JSON"),
        (b"? [1, 2]\n: 3", "not YAML"),
        (b"[" * 50_000, "nested too deeply"),
        (bomb(), "too large"),
        (b"PK\x03\x04 broken", "zip file is broken"),
        (zipped([]), "not"),
        (zipped([("folder/", b"")]), "zip file is empty"),
        (b"\x1f\x8b broken", "tar.gz file is broken"),
        (gzip.compress(b"plain text"), "tar.gz file is broken"),
        (tarred([]), "tar.gz file is empty"),
        (tarred([("pipeline.yaml", (tarfile.SYMTYPE, "/etc/passwd"))]), "not an ordinary file"),
        (tarred([("pipeline.yaml", (tarfile.LNKTYPE, "/etc/passwd"))]), "not an ordinary file"),
        (tarred([("pipeline.yaml", (tarfile.FIFOTYPE, ""))]), "not an ordinary file"),
        (zipped([("pipeline.yaml", b"#" * (40 * MIB))]), "too large"),
        (tarred([("pipeline.yaml", b"#" * (40 * MIB))]), "too large"),
        (tarred([(f"{n}", b"#" * (16 * MIB)) for n in range(8)]), "too large"),
        (gzip.compress(b"\x00" * (200 * MIB)), "too large"),
        (os.urandom(33 * MIB), "Maximum supported file size is 32 MiB"),
    ],
    ids=lambda value: value.replace(" ", "-") if isinstance(value, str) else "",
)
def test_what_is_not_a_package_is_refused_and_not_stored(caller, content, words):
    before = caller.get(f"{V1}/pipelines").get("total_size", 0)
    answer = upload(caller, content)
    assert answer.status == 400, answer.content
    assert words in answer.body["error_message"]
    assert set(answer.body) == {"error_message", "error_details"}
    assert caller.get(f"{V1}/pipelines").get("total_size", 0) == before


def test_a_zip_with_a_link_is_refused(caller):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        link = zipfile.ZipInfo("pipeline.yaml")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    answer = upload(caller, packed.getvalue())
    assert (answer.status, "symbolic link" in answer.body["error_message"]) == (400, True)


def test_paths_that_lead_out_of_an_archive_lead_nowhere(caller, workflow, tmp_path):
    text = json.dumps(workflow).encode()
    outside = tmp_path / "outside.yaml"
    for package in (zipped([(f"../../..{outside}", text)]), tarred([(str(outside), text)])):
        assert upload(caller, package).status == 200
    assert not outside.exists()


def test_an_upload_needs_a_file_a_short_name_and_a_known_pipeline(caller, workflow):
    content = json.dumps(workflow).encode()
    assert caller.ask("POST", f"{V1}/pipelines/upload", b"").status == 400
    assert "too long" in upload(caller, content, name="x" * 101).body["error_message"]
    assert "pipeline id" in caller.upload(f"{V1}/pipelines/upload_version?name=v", content).body["error_message"]
    missing = caller.upload(f"{V1}/pipelines/upload_version?name=v&pipelineid=nobody", content)
    assert (missing.status, "nobody" in missing.body["error_message"]) == (404, True)


@pytest.mark.alone
def test_others_are_answered_while_a_large_package_is_read(caller, workflow):
    """The YAML of a large pipeline takes seconds to read; a request meanwhile must not wait for it."""
    import threading
    import time

    template = workflow["spec"]["templates"][1]
    workflow["spec"]["templates"] += [{**template, "name": f"echo-{n}"} for n in range(3000)]
    text = yaml.safe_dump(workflow).encode()
    done = []
    thread = threading.Thread(target=lambda: done.append((upload(caller, text).status, time.monotonic())))
    thread.start()
    longest = 0.0
    while thread.is_alive():
        start = time.monotonic()
        caller.get(f"{V1}/healthz")
        longest = max(longest, time.monotonic() - start)
    thread.join()
    assert done[0][0] == 200
    assert longest < 0.5


@pytest.mark.parametrize("size", [60, 150])
def test_a_file_of_any_size_gets_an_answer_and_not_a_broken_pipe(caller, size):
    answer = upload(caller, b"#" * (size * MIB))
    assert answer.status == 400
    assert "Maximum supported file size is 32 MiB" in answer.body["error_message"]


def test_a_name_has_a_hundred_bytes_at_most(caller, workflow):
    content = json.dumps(workflow).encode()
    longest = uuid.uuid4().hex + "%C3%A9" * 34
    assert upload(caller, content, name=longest).status == 200
    assert "too long" in upload(caller, content, name=longest + "a").body["error_message"]
