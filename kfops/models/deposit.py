"""Puts a folder or a file into a model store, whole or not at all.

This file is also the program of the materialize step: its text goes into the workflow as it stands. So it needs nothing
but Python 3.8 and, for S3, the ``minio`` package; and it must not hold two braces in a row, which Argo would replace.
"""

from __future__ import annotations

import datetime
import errno
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any, Mapping, NamedTuple

MANIFEST = "kfops-model.json"
SCHEMA = "kfops.dev/model/v1"
DEFAULT_BUCKET = "trained-models"
DEFAULT_ENDPOINT = "minio-service.kubeflow:9000"
#: Says who is writing a model to S3; the last to come wins.
CLAIM = ".kfops-writing"
_CHUNK = 1 << 20
_DAY = 86400


class DepositError(Exception):
    """The folder cannot be a model, or the store does not take it; says why in one sentence."""


class Entry(NamedTuple):
    """A file of a model: its path below the model, with slashes, and where it is now."""

    path: str
    source: Path


def scan(path: Path) -> list[Entry]:
    """Return the files of a folder, or the one file that ``path`` is, in order of path."""
    if path.is_file():
        # Argo and kfp call every artifact "data".
        return [Entry("model" if path.name == "data" else path.name, path)]
    if not path.is_dir():
        raise DepositError(f"There is no {path}." if not path.exists() else f"{path} is no folder or regular file.")
    root = path.resolve()
    found: list[Entry] = []
    _scan_folder(root, "", (root,), found)
    found = sorted(entry for entry in found if entry.path != MANIFEST)
    if not found:
        raise DepositError(f"{path} holds no files.")
    return found


def _scan_folder(folder: Path, prefix: str, above: tuple[Path, ...], found: list[Entry]) -> None:
    for entry in sorted(folder.iterdir()):
        inside = prefix + entry.name
        if entry.is_symlink():
            target = Path(os.path.realpath(entry))
            if above[0] not in target.parents and target != above[0]:
                raise DepositError(f"{inside} is a link that leaves the folder, to {target}.")
            if target in above:
                raise DepositError(f"{inside} is a link to a folder that it stands in.")
        if entry.is_dir():
            _scan_folder(entry, inside + "/", (*above, entry.resolve()), found)
        elif entry.is_file():
            found.append(Entry(inside, entry))
        else:
            raise DepositError(f"{inside} is a link to nothing, or no regular file.")


def measure(path: Path, copy: Path | None = None) -> tuple[int, str]:
    """Return the size and sha256 of a file; with ``copy``, make a durable copy of it on the way."""
    digest = hashlib.sha256()
    size = 0
    with path.open("rb") as file, open(copy or os.devnull, "wb") as target:
        for data in iter(lambda: file.read(_CHUNK), b""):
            digest.update(data)
            size += target.write(data)
        target.flush()
        if copy is not None:
            os.fsync(target.fileno())
    return size, digest.hexdigest()


def describe(key: str, files: list[tuple[str, int, str]], facts: Mapping[str, str]) -> dict[str, Any]:
    """Return the manifest of a model whose ``files`` are (path, size, sha256)."""
    lines = "".join(f"{digest}  {path}\n" for path, _, digest in files)
    return {
        "schema": SCHEMA,
        "key": key,
        "created_at": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "size": sum(size for _, size, _ in files),
        "sha256": hashlib.sha256(lines.encode("utf-8")).hexdigest(),
        "files": [{"path": path, "size": size, "sha256": digest} for path, size, digest in files],
        **facts,
    }


def put_in_folder(path: Path, store: Path, key: str, facts: Mapping[str, str]) -> dict[str, Any]:
    """Copy ``path`` to ``<store>/<key>/`` and return its manifest; it appears there whole, by a rename."""
    entries = scan(path)
    store.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(store, key)
    building = store / f".{key}.{_token()}"
    building.mkdir()
    try:
        files = []
        for entry in entries:
            copy = building / entry.path
            copy.parent.mkdir(parents=True, exist_ok=True)
            files.append((entry.path, *measure(entry.source, copy)))
        manifest = describe(key, files, facts)
        with (building / MANIFEST).open("w", encoding="utf-8") as file:
            json.dump(manifest, file, indent=2, sort_keys=True)
            file.flush()
            os.fsync(file.fileno())
        _move_into_place(building, store / key)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return manifest


def _move_into_place(building: Path, target: Path) -> None:
    aside = building.with_name(building.name + ".old")
    for _ in range(100):
        try:
            building.rename(target)
            return
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
        try:
            target.rename(aside)
        except OSError:
            continue  # another writer was quicker; its model is replaced in turn
        shutil.rmtree(aside, ignore_errors=True)
    raise DepositError(f"Other writers keep replacing {target}.")


def _remove_leftovers(store: Path, key: str) -> None:
    """Remove what writers left that died a day ago or more; younger ones may still be at work."""
    for entry in store.glob(f".{key}.*"):
        try:
            old = time.time() - entry.stat().st_mtime > _DAY
        except FileNotFoundError:
            continue
        if old:
            shutil.rmtree(entry, ignore_errors=True)


def put_in_s3(path: Path, client: Any, bucket: str, prefix: str, key: str, facts: Mapping[str, str]) -> dict[str, Any]:
    """Copy ``path`` to ``<bucket>/<prefix><key>/`` and return its manifest, which is written last.

    A model that is there already is none from the first change on until the new one is whole.
    """
    entries = scan(path)
    _make_bucket(client, bucket)
    base = f"{prefix}{key}/"
    token = _token()
    _put_text(client, bucket, base + CLAIM, token)
    client.remove_object(bucket, base + MANIFEST)
    files = []
    written = {}
    for entry in entries:
        _check_claim(client, bucket, base, token)
        files.append((entry.path, *measure(entry.source)))
        written[base + entry.path] = client.fput_object(bucket, base + entry.path, str(entry.source)).etag
    sources = {base + entry.path: entry.source for entry in entries}
    _replace_strangers(client, bucket, base, token, written, sources)
    manifest = describe(key, files, facts)
    text = json.dumps(manifest, indent=2, sort_keys=True)
    _check_claim(client, bucket, base, token)
    _put_text(client, bucket, base + MANIFEST, text)
    try:
        _check_claim(client, bucket, base, token)
    except DepositError:
        # Another writer began in between: its files are on their way, and this manifest does not describe them.
        if _get_text(client, bucket, base + MANIFEST) == text:
            client.remove_object(bucket, base + MANIFEST)
        raise
    client.remove_object(bucket, base + CLAIM)
    return manifest


def _make_bucket(client: Any, bucket: str) -> None:
    if client.bucket_exists(bucket):
        return
    try:
        client.make_bucket(bucket)
    except Exception as error:
        if getattr(error, "code", "") not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
            raise


def _replace_strangers(
    client: Any, bucket: str, base: str, token: str, written: dict[str, str], sources: Mapping[str, Path]
) -> None:
    """Remove what an earlier writer left, and put back what it overwrote before it noticed that it had lost."""
    for _ in range(10):
        found = {entry.object_name: entry.etag for entry in client.list_objects(bucket, prefix=base, recursive=True)}
        for name in found:
            if name not in written and name != base + CLAIM:
                client.remove_object(bucket, name)
        wrong = [name for name, etag in written.items() if found.get(name) != etag]
        if not wrong:
            return
        for name in wrong:
            _check_claim(client, bucket, base, token)
            written[name] = client.fput_object(bucket, name, str(sources[name])).etag
    raise DepositError(f"Another writer keeps changing {bucket}/{base}.")


def _check_claim(client: Any, bucket: str, base: str, token: str) -> None:
    if _get_text(client, bucket, base + CLAIM) != token:
        raise DepositError(f"Another writer has taken over {bucket}/{base}.")


def _get_text(client: Any, bucket: str, name: str) -> str | None:
    try:
        response = client.get_object(bucket, name)
    except Exception as error:
        if getattr(error, "code", "") != "NoSuchKey":
            raise
        return None
    try:
        return str(response.read().decode("utf-8"))
    finally:
        response.close()
        response.release_conn()


def _put_text(client: Any, bucket: str, name: str, text: str) -> None:
    data = text.encode("utf-8")
    client.put_object(bucket, name, io.BytesIO(data), len(data))


def _token() -> str:
    return uuid.uuid4().hex[:12]


def split_s3(store: str) -> tuple[str, str]:
    """Return (bucket, prefix) of ``s3://bucket[/prefix]``; the prefix is empty or ends in a slash."""
    bucket, _, prefix = store[len("s3://") :].partition("/")
    prefix = prefix.strip("/")
    return bucket or DEFAULT_BUCKET, f"{prefix}/" if prefix else ""


def main(path: str, environment: Mapping[str, str]) -> None:
    """Be the materialize step: put the model at ``path`` where ``environment`` says."""
    key = environment.get("KFOPS_RUN_ID", "")
    if not key or "workflow.uid" in key:
        raise DepositError("KFOPS_RUN_ID is not set; the backend gives it to every run.")
    version = environment.get("KFOPS_VERSION_ID", "")
    pipeline = environment.get("KFOPS_PIPELINE", "")
    facts = {
        "name": pipeline or "model",
        "run_id": key,
        "version_id": "" if "workflow.parameters" in version else version,
        "pipeline_name": pipeline,
        "notebook": "",
    }
    store = environment.get("KFOPS_MODEL_STORE") or f"s3://{DEFAULT_BUCKET}"
    if store.startswith("s3://"):
        bucket, prefix = split_s3(store)
        manifest = put_in_s3(Path(path), _client(environment), bucket, prefix, key, facts)
        location = f"s3://{bucket}/{prefix}{key}"
    else:
        manifest = put_in_folder(Path(path), Path(store), key, facts)
        location = f"{store}/{key}"
    count = len(manifest["files"])
    print(f"{count} file{'' if count == 1 else 's'}, {manifest['size']} bytes, to {location}")


def _client(environment: Mapping[str, str]) -> Any:
    keys = []
    for kind in ("ACCESS", "SECRET"):
        named = environment.get(f"KFOPS_S3_{kind}_KEY_ENV", "")
        keys.append(environment.get(f"MINIO_{kind}_KEY") or environment.get(named, ""))
    if not all(keys):
        secret = environment.get("KFOPS_S3_SECRET", "mlpipeline-minio-artifact")
        raise DepositError(f"The step has no keys for the model store; the Secret {secret} should give them.")
    try:
        import minio
    except ImportError:
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "minio>=7.1,<8"], check=True)
        import minio
    endpoint = environment.get("KFOPS_S3_ENDPOINT") or DEFAULT_ENDPOINT
    secure = environment.get("KFOPS_S3_SECURE", "") == "true"
    if "://" in endpoint:
        scheme, _, endpoint = endpoint.partition("://")
        secure = scheme == "https"
    return minio.Minio(endpoint.rstrip("/"), access_key=keys[0], secret_key=keys[1], secure=secure)
