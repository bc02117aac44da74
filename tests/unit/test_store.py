"""Model stores: a folder and S3 are held to the same tests."""

from __future__ import annotations

import contextlib
import hashlib
import os
import pwd
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any, Iterator

import pytest

from kfops.errors import ModelError, NotFound
from kfops.models import FolderStore, ModelStore, S3Store, deposit, open_store

FACTS = {"name": "churn", "run_id": "run-1", "version_id": "v-1", "pipeline_name": "churn", "notebook": ""}
KEYS = ("kfops-test", "kfops-test-secret")


def minio_program() -> str | None:
    """Return MinIO's server: on the PATH, or as built from its Go module into the user's cache."""
    cached = Path(pwd.getpwuid(os.getuid()).pw_dir) / ".cache" / "kfops-minio" / "minio"
    return shutil.which("minio") or (str(cached) if os.access(cached, os.X_OK) else None)


MINIO = minio_program()
MOTO = Path(__file__).parents[2] / ".venvs" / "s3" / "bin" / "moto_server"


@pytest.fixture(scope="session")
def s3_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return where an S3 answers: MinIO's, else moto's, which takes any keys."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data = tmp_path_factory.mktemp("minio")
    if MINIO:
        command = [MINIO, "server", "--address", f"127.0.0.1:{port}", "--console-address", "127.0.0.1:0", "--quiet"]
        command, health = [*command, str(data)], "minio/health/ready"
    else:
        assert MOTO.exists(), "there is neither MinIO nor moto: run `python3 scripts/setup.py test`"
        command, health = [str(MOTO), "-H", "127.0.0.1", "-p", str(port)], "moto-api/"
    process = subprocess.Popen(
        command,
        env={**os.environ, "MINIO_ROOT_USER": KEYS[0], "MINIO_ROOT_PASSWORD": KEYS[1], "HOME": str(data)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + 30
        while time.monotonic() < until:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/{health}", timeout=1).close()
                break
            time.sleep(0.1)
        yield f"127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ModelStore:
    if request.param == "folder":
        return FolderStore(tmp_path / "store")
    return s3_store(request.getfixturevalue("s3_endpoint"), f"models-{time.monotonic_ns()}")


def s3_store(endpoint: str, bucket: str, keys: tuple[str, str] = KEYS) -> S3Store:
    return S3Store(f"s3://{bucket}/some/prefix", endpoint=endpoint, access_key=keys[0], secret_key=keys[1])


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    (folder / "weights" / "deep").mkdir(parents=True)
    (folder / "model.bin").write_bytes(b"abc" * 1000)
    (folder / "weights" / "deep" / "w 1 ü.txt").write_text("ü")
    (folder / "empty").touch()
    return folder


def break_manifest(store: ModelStore, key: str) -> None:
    if isinstance(store, FolderStore):
        (store.folder / key / deposit.MANIFEST).unlink()
    else:
        assert isinstance(store, S3Store)
        store._client.remove_object(store.bucket, f"{store.prefix}{key}/{deposit.MANIFEST}")


def overwrite(store: ModelStore, key: str, path: str, data: bytes) -> None:
    if isinstance(store, FolderStore):
        (store.folder / key / path).write_bytes(data)
    else:
        import io

        assert isinstance(store, S3Store)
        store._client.put_object(store.bucket, f"{store.prefix}{key}/{path}", io.BytesIO(data), len(data))


def test_what_is_put_is_listed_found_and_fetched(store: ModelStore, model: Path, tmp_path: Path) -> None:
    put = store.put(model, "run-1", FACTS)

    assert store.list() == [put]
    assert store.get("run-1") == put
    assert put.location == f"{store.location}/run-1"
    assert (put.name, put.run_id, put.version_id, put.pipeline_name) == ("churn", "run-1", "v-1", "churn")
    assert [f.path for f in put.files] == ["empty", "model.bin", "weights/deep/w 1 ü.txt"]
    assert put.size == sum(f.size for f in put.files) == 3002
    assert put.files[1].sha256 == hashlib.sha256(b"abc" * 1000).hexdigest()
    lines = "".join(f"{file.sha256}  {file.path}\n" for file in sorted(put.files, key=lambda file: file.path))
    assert put.sha256 == hashlib.sha256(lines.encode()).hexdigest()
    fetched = store.fetch("run-1", tmp_path / "fetched")
    assert {p.relative_to(fetched).as_posix(): p.read_bytes() for p in fetched.rglob("*") if p.is_file()} == {
        "empty": b"",
        "model.bin": b"abc" * 1000,
        "weights/deep/w 1 ü.txt": "ü".encode(),
    }


def test_a_single_file_is_a_model_too(store: ModelStore, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("x")

    assert [f.path for f in store.put(tmp_path / "data", "a", FACTS).files] == ["model"]


def test_an_empty_store_lists_nothing_and_finds_nothing(store: ModelStore) -> None:
    assert store.list() == []
    with pytest.raises(NotFound, match="There is no model run-9"):
        store.get("run-9")
    with pytest.raises(NotFound):
        store.fetch("run-9")


def test_a_model_without_manifest_is_none(store: ModelStore, model: Path) -> None:
    store.put(model, "run-1", FACTS)
    store.put(model, "run-2", FACTS)
    break_manifest(store, "run-1")

    assert [found.key for found in store.list()] == ["run-2"]
    with pytest.raises(NotFound):
        store.get("run-1")


def test_putting_again_replaces_the_model_whole(store: ModelStore, model: Path, tmp_path: Path) -> None:
    store.put(model, "run-1", FACTS)
    overwrite(store, "run-1", "left-over", b"from an attempt that died")
    (model / "model.bin").write_bytes(b"new")
    (model / "empty").unlink()
    store.put(model, "run-1", FACTS)

    assert [f.path for f in store.list()[0].files] == ["model.bin", "weights/deep/w 1 ü.txt"]
    fetched = store.fetch("run-1", tmp_path / "fetched")
    assert (fetched / "model.bin").read_bytes() == b"new"
    names = stored_names(store, "run-1")
    assert names == {"model.bin", "weights/deep/w 1 ü.txt", deposit.MANIFEST}


def stored_names(store: ModelStore, key: str) -> set[str]:
    if isinstance(store, FolderStore):
        folder = store.folder / key
        return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert isinstance(store, S3Store)
    base = f"{store.prefix}{key}/"
    found = store._client.list_objects(store.bucket, prefix=base, recursive=True)
    return {entry.object_name[len(base) :] for entry in found}


def test_two_writers_of_one_key_leave_one_whole_model(store: ModelStore, tmp_path: Path) -> None:
    for writer in "ab":
        for number in range(30):
            path = tmp_path / writer / f"{number}"
            path.parent.mkdir(exist_ok=True)
            path.write_text(writer * 1000)
    problems: list[BaseException] = []

    def put(writer: str) -> None:
        try:
            store.put(tmp_path / writer, "run-1", {**FACTS, "name": writer})
        except ModelError as error:
            problems.append(error)

    threads = [threading.Thread(target=put, args=(writer,)) for writer in "abab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    winner = store.get("run-1").name
    fetched = store.fetch("run-1", tmp_path / "fetched")
    assert {path.read_text() for path in fetched.iterdir() if path.name != deposit.MANIFEST} == {winner * 1000}
    assert all("nother writer" in str(problem) for problem in problems)


def test_writers_that_replace_each_other_in_a_folder_all_succeed(model: Path, tmp_path: Path) -> None:
    problems: list[Exception] = []

    def put() -> None:
        for _ in range(60):
            try:
                deposit.put_in_folder(model, tmp_path / "store", "run-1", FACTS)
            except Exception as error:
                problems.append(error)

    threads = [threading.Thread(target=put) for _ in range(4)]
    earlier = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)  # so that they do get in each other's way
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(earlier)

    assert problems == []
    assert [entry.name for entry in (tmp_path / "store").iterdir()] == ["run-1"]


def test_a_damaged_model_is_not_handed_out(store: ModelStore, model: Path, tmp_path: Path) -> None:
    store.put(model, "run-1", FACTS)
    overwrite(store, "run-1", "model.bin", b"abd" * 1000)

    with pytest.raises(ModelError, match="damaged") as caught:
        store.fetch("run-1", tmp_path / "fetched")
    assert "model.bin" in caught.value.why
    assert not (tmp_path / "fetched").exists()


def test_fetching_into_a_folder_with_other_files_is_refused(store: ModelStore, model: Path, tmp_path: Path) -> None:
    store.put(model, "run-1", FACTS)
    target = tmp_path / "target"
    target.mkdir()
    (target / "mine").write_text("precious")

    with pytest.raises(ModelError, match="not empty"):
        store.fetch("run-1", target)
    assert (target / "mine").read_text() == "precious"


def test_fetching_twice_into_the_same_folder_keeps_it(store: ModelStore, model: Path, tmp_path: Path) -> None:
    store.put(model, "run-1", FACTS)
    target = store.fetch("run-1", tmp_path / "target")
    before = (target / "model.bin").stat().st_ino

    assert store.fetch("run-1", target) == target
    assert (target / "model.bin").stat().st_ino == before


def test_deleting_removes_the_model_alone(store: ModelStore, model: Path) -> None:
    store.put(model, "run-1", FACTS)
    store.put(model, "run-10", FACTS)
    store.delete("run-1")

    assert [found.key for found in store.list()] == ["run-10"]
    assert stored_names(store, "run-1") == set()
    with pytest.raises(NotFound):
        store.delete("run-1")


@pytest.mark.parametrize("key", ["../x", "a/b", "", ".hidden", "a" * 300])
def test_a_key_cannot_leave_the_store(store: ModelStore, model: Path, key: str) -> None:
    with pytest.raises(ModelError, match="cannot be the key"):
        store.put(model, key, FACTS)
    with pytest.raises(ModelError, match="cannot be the key"):
        store.get(key)


def test_a_manifest_that_leaves_the_model_is_refused(store: ModelStore, model: Path, tmp_path: Path) -> None:
    store.put(model, "run-1", FACTS)
    manifest = store.manifest("run-1")
    assert manifest is not None
    manifest["files"][0]["path"] = "../../escaped"
    import json

    overwrite(store, "run-1", deposit.MANIFEST, json.dumps(manifest).encode())

    with pytest.raises(ModelError, match="cannot be read"):
        store.fetch("run-1", tmp_path / "fetched")


REFUSED = {
    "nothing there": (lambda folder: folder.rmdir(), "There is no"),
    "an empty folder": (lambda folder: None, "holds no files"),
    "only empty folders": (lambda folder: (folder / "a" / "b").mkdir(parents=True), "holds no files"),
    "a link that leaves": (lambda folder: (folder / "l").symlink_to("/etc/hostname"), "leaves the folder"),
    "a folder link that leaves": (lambda folder: (folder / "l").symlink_to("/etc"), "leaves the folder"),
    "a link to nothing": (lambda folder: (folder / "l").symlink_to(folder / "gone"), "link to nothing"),
    "a circle": (lambda folder: (folder / "l").symlink_to(folder), "stands in"),
    "a pipe": (lambda folder: os.mkfifo(folder / "p"), "no regular file"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_a_model_is_refused_and_leaves_nothing(store: ModelStore, tmp_path: Path, case: Any) -> None:
    make, why = case
    folder = tmp_path / "bad"
    folder.mkdir()
    make(folder)

    with pytest.raises(ModelError, match="cannot be materialized") as caught:
        store.put(folder, "run-1", FACTS)
    assert why in caught.value.why
    assert store.list() == []


def test_links_inside_the_folder_become_files(store: ModelStore, model: Path, tmp_path: Path) -> None:
    (model / "latest").symlink_to("model.bin")
    (model / "also").symlink_to("weights")
    store.put(model, "run-1", FACTS)

    fetched = store.fetch("run-1", tmp_path / "fetched")
    assert (fetched / "latest").read_bytes() == b"abc" * 1000
    assert not (fetched / "latest").is_symlink()
    assert (fetched / "also" / "deep" / "w 1 ü.txt").read_text() == "ü"


def test_a_folder_store_leaves_no_half_model_when_copying_fails(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FolderStore(tmp_path / "store")
    store.put(model, "run-1", FACTS)
    real = deposit.measure

    def fail(path: Path, copy: Path | None = None) -> tuple[int, str]:
        if path.name == "model.bin":
            raise OSError(28, "No space left on device")
        return real(path, copy)

    monkeypatch.setattr(deposit, "measure", fail)
    with pytest.raises(ModelError, match="cannot be written") as caught:
        store.put(model, "run-2", FACTS)
    assert "No space left" in caught.value.why
    assert sorted(os.listdir(store.folder)) == ["run-1"]


def test_a_folder_stores_model_is_used_where_it_is(model: Path, tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")
    store.put(model, "run-1", FACTS)

    assert store.fetch("run-1") == tmp_path / "store" / "run-1"
    (tmp_path / "store" / "run-1" / "model.bin").write_text("damaged")
    with pytest.raises(ModelError, match="damaged"):
        store.fetch("run-1")


class TestS3:
    # Moto asks nobody for keys. Without MinIO this is listed at the end of the run as not tested here.
    @pytest.mark.needs(*(() if MINIO else ("minio",)))
    def test_wrong_keys_are_refused_without_being_shown(self, s3_endpoint: str, model: Path) -> None:
        store = s3_store(s3_endpoint, "models", ("somebody", "not-the-secret"))
        with pytest.raises(ModelError, match="refuses") as caught:
            store.put(model, "run-1", FACTS)
        assert "keys" in caught.value.remedy
        assert "not-the-secret" not in str(caught.value) + repr(store) + repr(caught.value.details)

    def test_the_materialize_step_writes_what_the_store_reads(
        self, s3_endpoint: str, model: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        environment = {
            "KFOPS_RUN_ID": "run-7",
            "KFOPS_VERSION_ID": "v-7",
            "KFOPS_PIPELINE": "churn",
            "KFOPS_MODEL_STORE": "s3://from-a-step/some/prefix",
            "KFOPS_S3_ENDPOINT": f"http://{s3_endpoint}",
            "MINIO_ACCESS_KEY": KEYS[0],
            "MINIO_SECRET_KEY": KEYS[1],
        }
        deposit.main(str(model), environment)

        version = s3_store(s3_endpoint, "from-a-step").get("run-7")
        assert (version.version_id, version.pipeline_name, version.size) == ("v-7", "churn", 3002)
        assert capsys.readouterr().out == "3 files, 3002 bytes, to s3://from-a-step/some/prefix/run-7\n"

    def test_a_model_is_fetched_to_a_cache_once(
        self, s3_endpoint: str, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        store = s3_store(s3_endpoint, "cached-models")
        store.put(model, "run-1", FACTS)
        folder = store.fetch("run-1")
        inode = (folder / "model.bin").stat().st_ino

        assert folder.is_relative_to(tmp_path / "cache")
        assert (store.fetch("run-1") / "model.bin").stat().st_ino == inode
        (folder / "model.bin").write_text("damaged")
        assert (store.fetch("run-1") / "model.bin").read_bytes() == b"abc" * 1000

    def test_an_upload_that_dies_leaves_no_model(
        self, s3_endpoint: str, model: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store = s3_store(s3_endpoint, "dying")
        store.put(model, "run-1", FACTS)
        real = store._client.fput_object

        def fail(bucket: str, name: str, path: str) -> Any:
            if name.endswith("model.bin"):
                raise KeyboardInterrupt
            return real(bucket, name, path)

        monkeypatch.setattr(store._client, "fput_object", fail)
        with pytest.raises(KeyboardInterrupt):
            store.put(model, "run-1", FACTS)
        assert store.list() == []
        monkeypatch.undo()
        store.put(model, "run-1", FACTS)
        assert stored_names(store, "run-1") == {"empty", "model.bin", "weights/deep/w 1 ü.txt", deposit.MANIFEST}


def test_a_store_that_does_not_answer_is_named_within_seconds(model: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        endpoint = f"127.0.0.1:{free.getsockname()[1]}"
    store = S3Store("s3://models", endpoint=endpoint, access_key="a", secret_key="b")
    begun = time.monotonic()

    with pytest.raises(ModelError, match="does not answer"):
        store.list()
    assert time.monotonic() - begun < 5


class _Connection:
    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.namespace = "kubeflow-jane"


def test_config_yaml_decides_before_the_connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from kfops import config

    (tmp_path / "config.yaml").write_text("models:\n  store: my-models\n")
    settings = config.load(tmp_path / "config.yaml")

    assert open_store(settings, _Connection("cluster")).location == str(tmp_path / "my-models")
    assert open_store(settings, location=str(tmp_path / "x")).location == str(tmp_path / "x")


def test_the_embedded_backends_models_are_beside_its_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from kfops import config

    monkeypatch.setenv("KFOPS_LOCAL_DIR", str(tmp_path / "local"))
    settings = config.load(start=tmp_path)

    assert open_store(settings, _Connection("embedded")).location == str(tmp_path / "local" / "models")


def test_a_clusters_models_are_in_its_bucket_with_keys_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kfops import config

    monkeypatch.setenv("MINIO_ACCESS_KEY", "a")
    monkeypatch.setenv("MINIO_SECRET_KEY", "hidden-key")
    store = open_store(config.load(start=tmp_path), _Connection("cluster"))

    assert isinstance(store, S3Store)
    assert (store.location, store.endpoint) == ("s3://trained-models", "minio-service.kubeflow:9000")
    assert "hidden-key" not in repr(store)


def test_without_keys_and_without_a_cluster_the_remedy_is_named(tmp_path: Path, monkeypatch) -> None:
    from kfops import config

    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.delenv("MINIO_ACCESS_KEY", raising=False)
    with pytest.raises(ModelError, match="keys of the model store") as caught:
        open_store(config.load(start=tmp_path), _Connection("cluster"))
    assert "models.secret" in caught.value.remedy


def test_keys_that_config_yaml_names_must_be_in_the_environment(tmp_path: Path) -> None:
    from kfops import config

    (tmp_path / "config.yaml").write_text(
        "models:\n  store: s3://m\n  access_key_env: MY_KEY\n  secret_key_env: MY_SECRET\n"
    )
    with pytest.raises(ModelError) as caught:
        open_store(config.load(tmp_path / "config.yaml"), _Connection("cluster"))
    assert "MY_KEY and MY_SECRET" in caught.value.why
