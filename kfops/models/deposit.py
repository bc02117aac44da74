"""Puts a folder or a file into a model store, whole or not at all.

This file is also the program of the materialize step: its text goes into the workflow as it stands, so it needs
nothing but Python 3.6 and, for S3, the ``minio`` package, and it must not contain two braces in a row.
"""

import datetime
import hashlib
import json
import os
import random
import shutil
import stat
import subprocess
import sys
import time

MANIFEST = "kfops-model.json"
SCHEMA = "kfops.dev/model/v1"
DEFAULT_BUCKET = "trained-models"
DEFAULT_ENDPOINT = "minio-service.kubeflow:9000"
#: Says who is writing a model to S3; the last to come wins.
CLAIM = ".kfops-writing"
_CHUNK = 1 << 20
_DAY = 86400


class DepositProblem(Exception):
    """The folder cannot be a model, or the store does not take it; says why in one line."""


def scan(path):
    """Return [(path in the model, path on disk)] of a folder or a file, in order."""
    if not os.path.lexists(path):
        raise DepositProblem("There is no " + path + ".")
    if os.path.isfile(path):
        name = os.path.basename(path)
        return [("model" if name == "data" else name, path)]
    if not os.path.isdir(path):
        raise DepositProblem(path + " is neither a folder nor a file")
    root = os.path.realpath(path)
    found = []
    _scan_folder(root, "", root, (root,), found)
    found = sorted(entry for entry in found if entry[0] != MANIFEST)
    if not found:
        raise DepositProblem(path + " holds no files.")
    return found


def _scan_folder(folder, prefix, root, above, found):
    for name in sorted(os.listdir(folder)):
        full = os.path.join(folder, name)
        inside = prefix + name
        real = os.path.realpath(full)
        if os.path.islink(full) and os.path.commonprefix([real + os.sep, root + os.sep]) != root + os.sep:
            raise DepositProblem(inside + " is a link that leaves the folder, to " + real + ".")
        if os.path.isdir(full):
            if real in above:
                raise DepositProblem(inside + " is a link to a folder it stands in.")
            _scan_folder(full, inside + "/", root, above + (real,), found)
        elif not os.path.exists(full):
            raise DepositProblem(inside + " is a link to nothing.")
        elif not stat.S_ISREG(os.stat(full).st_mode):
            raise DepositProblem(inside + " is not a regular file.")
        else:
            found.append((inside, full))


def describe(key, files, facts):
    """Return the manifest of a model whose ``files`` are [(path, size, sha256)]."""
    lines = "".join(digest + "  " + path + "\n" for path, _, digest in files)
    manifest = {
        "schema": SCHEMA,
        "key": key,
        "created_at": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "size": sum(size for _, size, _ in files),
        "sha256": hashlib.sha256(lines.encode("utf-8")).hexdigest(),
        "files": [dict(path=path, size=size, sha256=digest) for path, size, digest in files],
    }
    manifest.update(facts)
    return manifest


def put_in_folder(path, store, key, facts):
    """Copy ``path`` to ``<store>/<key>/`` and return its manifest; it appears there whole, by a rename."""
    entries = scan(path)
    os.makedirs(store, exist_ok=True)
    target = os.path.join(store, key)
    _remove_leftovers(store, key)
    building = os.path.join(store, ".%s.%s" % (key, _token()))
    os.mkdir(building)
    try:
        files = []
        for inside, source in entries:
            copy = os.path.join(building, *inside.split("/"))
            os.makedirs(os.path.dirname(copy), exist_ok=True)
            files.append((inside,) + _copy(source, copy))
        manifest = describe(key, files, facts)
        with open(os.path.join(building, MANIFEST), "w") as file:
            json.dump(manifest, file, indent=2, sort_keys=True)
            file.flush()
            os.fsync(file.fileno())
        _move_into_place(building, target)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return manifest


def _copy(source, target):
    digest = hashlib.sha256()
    size = 0
    with open(source, "rb") as old, open(target, "wb") as new:
        for data in iter(lambda: old.read(_CHUNK), b""):
            digest.update(data)
            new.write(data)
            size += len(data)
        new.flush()
        os.fsync(new.fileno())
    return size, digest.hexdigest()


def _move_into_place(building, target):
    for _ in range(100):
        try:
            os.rename(building, target)
            return
        except OSError:
            if not os.path.isdir(target):
                raise
        aside = building + ".old"
        try:
            os.rename(target, aside)
        except OSError:
            continue  # another writer was quicker; its model is replaced in turn
        shutil.rmtree(aside, ignore_errors=True)
    raise DepositProblem("Other writers keep replacing " + target + ".")


def _remove_leftovers(store, key):
    """Remove what writers left that died a day ago or more; younger ones may still be at work."""
    for name in os.listdir(store):
        full = os.path.join(store, name)
        if name.startswith(".%s." % key) and time.time() - os.stat(full).st_mtime > _DAY:
            shutil.rmtree(full, ignore_errors=True)


def put_in_s3(path, client, bucket, prefix, key, facts):
    """Copy ``path`` to ``<bucket>/<prefix><key>/`` and return its manifest, which is written last.

    A model that is there already is none from the first change on until the new one is whole.
    """
    entries = scan(path)
    if not client.bucket_exists(bucket):
        client.make_bucket(bucket)
    base = prefix + key + "/"
    token = _token()
    client.remove_object(bucket, base + MANIFEST)
    _put_text(client, bucket, base + CLAIM, token)
    files = []
    written = {}
    for inside, source in entries:
        _check_claim(client, bucket, base, token)
        files.append((inside,) + _measure(source))
        written[base + inside] = (source, client.fput_object(bucket, base + inside, source).etag)
    _replace_strangers(client, bucket, base, token, written)
    manifest = describe(key, files, facts)
    _check_claim(client, bucket, base, token)
    _put_text(client, bucket, base + MANIFEST, json.dumps(manifest, indent=2, sort_keys=True))
    client.remove_object(bucket, base + CLAIM)
    return manifest


def _replace_strangers(client, bucket, base, token, written):
    """Remove what an earlier writer left, and put back what it overwrote while it noticed that it had lost."""
    for _ in range(10):
        found = dict((o.object_name, o.etag) for o in client.list_objects(bucket, prefix=base, recursive=True))
        for name in set(found) - set(written) - set([base + CLAIM]):
            client.remove_object(bucket, name)
        wrong = [name for name in written if found.get(name) != written[name][1]]
        if not wrong:
            return
        _check_claim(client, bucket, base, token)
        for name in wrong:
            source = written[name][0]
            written[name] = (source, client.fput_object(bucket, name, source).etag)
    raise DepositProblem("Another writer keeps changing " + bucket + "/" + base + ".")


def _check_claim(client, bucket, base, token):
    try:
        response = client.get_object(bucket, base + CLAIM)
    except Exception as error:
        if getattr(error, "code", "") != "NoSuchKey":
            raise
        raise DepositProblem("Another writer has finished " + bucket + "/" + base + " meanwhile.")
    try:
        claimed = response.read().decode("ascii")
    finally:
        response.close()
        response.release_conn()
    if claimed != token:
        raise DepositProblem("Another writer has taken over " + bucket + "/" + base + ".")


def _put_text(client, bucket, name, text):
    import io

    data = text.encode("utf-8")
    client.put_object(bucket, name, io.BytesIO(data), len(data))


def _measure(path):
    digest = hashlib.sha256()
    size = 0
    with open(path, "rb") as file:
        for data in iter(lambda: file.read(_CHUNK), b""):
            digest.update(data)
            size += len(data)
    return size, digest.hexdigest()


def _token():
    return "%012x" % random.SystemRandom().getrandbits(48)


def split_s3(store):
    """Return (bucket, prefix) of ``s3://bucket[/prefix]``."""
    bucket, _, prefix = store[len("s3://") :].partition("/")
    return bucket or DEFAULT_BUCKET, prefix.strip("/") + "/" if prefix.strip("/") else ""


def main(path, environment):
    """Be the materialize step: put the model at ``path`` where ``environment`` says."""
    key = environment.get("KFOPS_RUN_ID", "")
    if not key or "workflow.uid" in key:
        raise DepositProblem("KFOPS_RUN_ID is not set; the backend gives it to every run.")
    version = environment.get("KFOPS_VERSION_ID", "")
    facts = {
        "name": environment.get("KFOPS_MODEL_NAME") or environment.get("KFOPS_PIPELINE") or "model",
        "run_id": key,
        "version_id": "" if "workflow.parameters" in version else version,
        "pipeline_name": environment.get("KFOPS_PIPELINE", ""),
        "notebook": "",
    }
    store = environment.get("KFOPS_MODEL_STORE") or "s3://" + DEFAULT_BUCKET
    if store.startswith("s3://"):
        bucket, prefix = split_s3(store)
        manifest = put_in_s3(path, _client(environment), bucket, prefix, key, facts)
        location = "s3://%s/%s%s/" % (bucket, prefix, key)
    else:
        manifest = put_in_folder(path, store, key, facts)
        location = os.path.join(store, key)
    count = len(manifest["files"])
    print("model at %s: %d %s, %d bytes" % (location, count, "file" if count == 1 else "files", manifest["size"]))


def _client(environment):
    try:
        import minio
    except ImportError:
        print("installing minio")
        subprocess.check_call([sys.executable, "-m", "pip", "install", "--quiet", "minio>=7.1,<8"])
        import minio
    keys = []
    for kind in ("ACCESS", "SECRET"):
        named = environment.get("KFOPS_S3_%s_KEY_ENV" % kind, "")
        keys.append(environment.get("MINIO_%s_KEY" % kind) or environment.get(named, ""))
    if not all(keys):
        raise DepositProblem(
            "There are no keys for the model store: the step needs MINIO_ACCESS_KEY and MINIO_SECRET_KEY, "
            "which come from the Secret " + environment.get("KFOPS_S3_SECRET", "mlpipeline-minio-artifact") + "."
        )
    return minio.Minio(
        environment.get("KFOPS_S3_ENDPOINT") or DEFAULT_ENDPOINT,
        access_key=keys[0],
        secret_key=keys[1],
        secure=environment.get("KFOPS_S3_SECURE", "") == "true",
    )
