"""Is an image in its registry? Asked over the OCI distribution API, in seconds, without a container program."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from kfops.errors import InvalidInput
from kfops.images.credentials import Login, login_for
from kfops.images.reference import Reference, parse
from kfops.types import ImageVersion

if TYPE_CHECKING:
    import requests

#: Seconds that one request may take.
TIMEOUT = 3.0

#: The forms of an image's description; an index stands for one image per architecture.
_MANIFESTS = (
    "application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json"
)


class _RefusedError(Exception):
    """The registry does not let us look."""


def look_up(name: str, reference: str, *, insecure: bool = False, timeout: float = TIMEOUT) -> ImageVersion:
    """Return whether an image is in its registry.

    Parameters
    ----------
    name
        What the pipeline calls the image.
    reference
        ``<registry>/<name>:<tag>``.
    insecure
        The registry may speak plain HTTP; one on this machine always may.
    timeout
        Seconds for each request.

    Returns
    -------
    ImageVersion
        ``ready`` with its digest, ``missing``, or ``unknown`` with a message that says why. Nothing is raised for a
        registry that does not answer.
    """
    import requests

    image = ImageVersion(name=name, reference=reference)
    try:
        target = parse(reference)
    except InvalidInput as error:
        return replace(image, message=f"{error.message} {error.remedy}")
    try:
        with requests.Session() as session:
            # A proxy cannot reach this machine's own registry, and ~/.netrc is no registry's log-in.
            session.trust_env = not target.loopback
            answer = _ask(session, target, insecure=insecure or target.loopback, timeout=timeout)
            return _judged(image, target, answer)
    except _RefusedError as error:
        return replace(image, message=str(error))
    except requests.exceptions.RequestException as error:
        return replace(image, message=_unreachable(target, error))


def _ask(session: requests.Session, target: Reference, *, insecure: bool, timeout: float) -> requests.Response:
    import requests

    try:
        return _manifest(session, f"https://{target.api_host}", target, timeout)
    except requests.exceptions.ConnectTimeout:
        raise
    except (requests.exceptions.SSLError, requests.exceptions.ConnectionError):
        if not insecure:
            raise
    return _manifest(session, f"http://{target.api_host}", target, timeout)


def _manifest(session: requests.Session, base: str, target: Reference, timeout: float) -> requests.Response:
    url = f"{base}/v2/{target.repository}/manifests/{target.tag}"
    headers = {"Accept": _MANIFESTS, "User-Agent": "kfops"}
    answer = session.head(url, headers=headers, auth=_AsGiven(), timeout=timeout, allow_redirects=True)
    if answer.status_code == 401:
        login = login_for(target.host)
        authorization = _authorization(session, answer, target, login, timeout)
        if authorization:
            headers["Authorization"] = authorization
            answer = session.head(url, headers=headers, auth=_AsGiven(), timeout=timeout, allow_redirects=True)
    if answer.status_code in (400, 405) or (answer.ok and "Docker-Content-Digest" not in answer.headers):
        # Some registries know only GET, or say the digest in no header.
        answer = session.get(url, headers=headers, auth=_AsGiven(), timeout=timeout, allow_redirects=True)
    return answer


class _AsGiven:
    """Leaves the Authorization header alone, where requests would put in what ~/.netrc says."""

    def __call__(self, request: Any) -> Any:
        return request


def _authorization(
    session: requests.Session, challenge: requests.Response, target: Reference, login: Login | None, timeout: float
) -> str:
    """Return the Authorization header that a 401 asks for, "" when we have nothing to answer it with."""
    scheme, fields = _challenge(challenge.headers.get("WWW-Authenticate", ""))
    if scheme == "basic" and login is not None and login.username:
        from requests.auth import _basic_auth_str

        return _basic_auth_str(login.username, login.password)
    if scheme != "bearer" or not fields.get("realm"):
        return ""
    realm = urlsplit(fields["realm"])
    if realm.scheme != "https" and urlsplit(challenge.url).scheme == "https":
        raise _RefusedError(f"{target.host} sends its log-ins to {realm.netloc} without encryption; not followed.")
    query = {"scope": fields.get("scope") or f"repository:{target.repository}:pull"}
    if fields.get("service"):
        query["service"] = fields["service"]
    if login is not None and login.identity_token:
        form = {**query, "grant_type": "refresh_token", "refresh_token": login.identity_token, "client_id": "kfops"}
        answer = session.post(fields["realm"], data=form, auth=_AsGiven(), timeout=timeout)
    else:
        known: Any = (login.username, login.password) if login is not None and login.username else _AsGiven()
        answer = session.get(fields["realm"], params=query, auth=known, timeout=timeout)
    if answer.status_code in (401, 403):
        raise _RefusedError(
            f"{target.host} does not accept the log-in kept for it. Log in again: docker login {target.host}"
        )
    if not answer.ok:
        raise _RefusedError(f"{target.host}: its log-in service {realm.netloc} answered {answer.status_code}.")
    try:
        body = answer.json()
    except ValueError:
        body = None
    token = (body.get("token") or body.get("access_token")) if isinstance(body, dict) else None
    if not token:
        raise _RefusedError(f"{target.host}: its log-in service {realm.netloc} sent no token.")
    return f"Bearer {token}"


def _challenge(header: str) -> tuple[str, dict[str, str]]:
    scheme, _, rest = header.partition(" ")
    fields = {key.lower(): value for key, value in re.findall(r'(\w+)="([^"]*)"', rest)}
    return scheme.lower(), fields


def _judged(image: ImageVersion, target: Reference, answer: requests.Response) -> ImageVersion:
    status = answer.status_code
    if status == 200:
        digest = answer.headers.get("Docker-Content-Digest", "")
        kind = answer.headers.get("Content-Type", "")
        if "manifest" not in kind and "index" not in kind and "json" not in kind:
            return replace(image, message=f"{target.host} is not a container registry: it answers with {kind or '?'}.")
        if not digest:
            digest = f"sha256:{hashlib.sha256(answer.content).hexdigest()}"
        return replace(image, state="ready", digest=digest)
    if status == 404:
        # Any web server has a 404; a registry says which version of its API it speaks, or answers in JSON.
        kind = answer.headers.get("Content-Type", "")
        if "Docker-Distribution-Api-Version" in answer.headers or "json" in kind:
            return replace(image, state="missing", message="Not built yet.")
        return replace(image, message=f"{target.host} is not a container registry: it answers 404 with {kind or '?'}.")
    if status in (401, 403):
        advice = f"Log in: docker login {target.host}"
        return replace(image, message=f"{target.host} does not let us see {target.repository}. {advice}")
    return replace(image, message=f"{target.host} answered {status}.")


def _unreachable(target: Reference, error: Exception) -> str:
    import requests

    text = str(error)
    if isinstance(error, requests.exceptions.Timeout):
        return f"{target.host} does not answer within {TIMEOUT:.0f} s."
    if re.search(r"Name or service not known|name resolution|nodename nor servname|getaddrinfo|NameResolution", text):
        return f"There is no host {target.host}. Check image_builder.container_registry_uri in config.yaml."
    if "Connection refused" in text:
        return f"Nothing answers at {target.host}: the connection was refused. Is the registry running?"
    if isinstance(error, requests.exceptions.SSLError):
        if "WRONG_VERSION_NUMBER" in text or "record layer failure" in text:
            return f"{target.host} speaks plain HTTP. Set image_builder.insecure: true in config.yaml."
        return f"The certificate of {target.host} is not trusted here."
    return f"{target.host} cannot be reached ({type(error).__name__})."
