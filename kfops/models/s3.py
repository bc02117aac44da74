"""Models in S3: ``<bucket>/[<prefix>/]<key>/`` with the files and the manifest, through the ``minio`` client."""

from __future__ import annotations

import builtins
import os
from pathlib import Path
from typing import Any, Callable, Mapping, Sequence, TypeVar

from kfops.errors import ModelError, NotFound
from kfops.models import deposit
from kfops.models.store import ModelStore, checked_key, model_of, read_manifest
from kfops.types import ModelFile, ModelVersion

T = TypeVar("T")


class S3Store(ModelStore):
    """A store in a bucket, which is made when the first model is put.

    Parameters
    ----------
    location
        ``s3://bucket`` or ``s3://bucket/prefix``.
    endpoint
        ``host:port``, with or without ``http://`` or ``https://`` before it.
    access_key, secret_key
        The keys; they are shown nowhere.
    secure
        Whether to use TLS, when the endpoint does not say.
    """

    def __init__(self, location: str, *, endpoint: str, access_key: str, secret_key: str, secure: bool = False) -> None:
        import minio
        import urllib3

        self.bucket, self.prefix = deposit.split_s3(location)
        self.location = f"s3://{self.bucket}/{self.prefix}".rstrip("/")
        if "://" in endpoint:
            scheme, _, endpoint = endpoint.partition("://")
            secure = scheme == "https"
        self.endpoint = endpoint.rstrip("/")
        self._client = minio.Minio(
            self.endpoint,
            access_key=access_key,
            secret_key=secret_key,
            secure=secure,
            http_client=urllib3.PoolManager(
                maxsize=8,
                timeout=urllib3.Timeout(connect=3, read=60),
                retries=urllib3.Retry(total=2, backoff_factor=0.2),
            ),
        )

    def __repr__(self) -> str:
        return f"S3Store({self.location!r}, endpoint={self.endpoint!r})"

    def put(self, folder: str | os.PathLike[str], key: str, facts: Mapping[str, str]) -> ModelVersion:
        """Copy a folder or file into the bucket, the manifest last."""
        checked_key(key)
        try:
            deposit.scan(Path(folder))
            manifest = self._ask(
                lambda: deposit.put_in_s3(Path(folder), self._client, self.bucket, self.prefix, key, facts)
            )
        except deposit.DepositError as problem:
            raise ModelError(f"{os.fspath(folder)} cannot be materialized.", why=str(problem)) from None
        return model_of(manifest, self.location)

    def list(self) -> Sequence[ModelVersion]:
        """Return the model versions, the newest first."""
        keys = self._ask(self._keys)
        manifests = [(key, self.manifest(key)) for key in keys]
        found = [model_of(manifest, self.location) for _, manifest in manifests if manifest is not None]
        return sorted(found, key=lambda model: (model.created_at, model.key), reverse=True)

    def manifest(self, key: str) -> dict[str, Any] | None:
        """Return the manifest of a model, None when there is no such model."""
        name = f"{self.prefix}{key}/{deposit.MANIFEST}"
        text = self._ask(lambda: self._read(name), absent=None)
        return None if text is None else read_manifest(text, f"s3://{self.bucket}/{name}")

    def delete(self, key: str) -> None:
        """Remove a model, its manifest first."""
        if self.manifest(checked_key(key)) is None:
            raise NotFound(f"There is no model {key}.", why=f"Nothing is there at {self.location}/{key}.")
        self._ask(lambda: self._remove(f"{self.prefix}{key}/"))

    def _copy(self, key: str, file: ModelFile, to: Path) -> None:
        name = f"{self.prefix}{key}/{file.path}"
        if self._ask(lambda: self._client.fget_object(self.bucket, name, str(to)), absent=None) is None:
            raise ModelError(f"The model {key} is damaged.", why=f"{file.path} is missing.", path=file.path)

    def _keys(self) -> builtins.list[str]:
        if not self._client.bucket_exists(self.bucket):
            return []
        found = self._client.list_objects(self.bucket, prefix=self.prefix)
        return [entry.object_name[len(self.prefix) :].rstrip("/") for entry in found if entry.is_dir]

    def _read(self, name: str) -> bytes:
        response = self._client.get_object(self.bucket, name)
        try:
            return bytes(response.read())
        finally:
            response.close()
            response.release_conn()

    def _remove(self, base: str) -> None:
        self._client.remove_object(self.bucket, base + deposit.MANIFEST)
        for entry in self._client.list_objects(self.bucket, prefix=base, recursive=True):
            self._client.remove_object(self.bucket, entry.object_name)

    def _ask(self, call: Callable[[], T], **absent: Any) -> T:
        """Return what ``call`` returns, its failures named; ``absent`` in place of what is not there."""
        import urllib3
        from minio.error import MinioException, S3Error

        try:
            return call()
        except S3Error as error:
            if "absent" in absent and error.code in ("NoSuchKey", "NoSuchBucket"):
                return absent["absent"]  # type: ignore[no-any-return]
            raise self._refused(error.code or "") from None
        except urllib3.exceptions.HTTPError as error:
            raise ModelError(
                f"The model store at {self.endpoint} does not answer.",
                why=f"{type(getattr(error, 'reason', None) or error).__name__}.",
                remedy="Check models.endpoint in config.yaml, and whether the store runs.",
            ) from None
        except MinioException as error:
            raise ModelError(f"The model store at {self.endpoint} refuses.", why=f"{error}.") from None

    def _refused(self, code: str) -> ModelError:
        wrong_keys = code in ("InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied")
        return ModelError(
            f"The model store at {self.endpoint} refuses.",
            why=f"{code}.",
            remedy="Check the keys: models.access_key_env and secret_key_env, or models.secret, in config.yaml."
            if wrong_keys
            else "",
        )
