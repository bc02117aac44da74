"""What a backend's answer means when it is not the one we asked for: pure functions from answer to error.

Every refusal passes here, whether our own requests met it or ``kfp.Client`` did, so that the same answer has the same
words everywhere.
"""

from __future__ import annotations

import html
import json
import re
from typing import Any, Dict, Optional
from urllib.parse import urlsplit

from kfops.credentials import Claims
from kfops.errors import BackendError, ConnectionFailed, KfopsError, NotFound

_POD_DEFAULT = (
    "Apply PodDefault.yaml to your namespace and restart the notebook server with it chosen under Configurations, "
    "or name a token file: connection.token_path in config.yaml."
)


def explain(
    status: int,
    body: str,
    *,
    host: str,
    what: str = "answer",
    location: str = "",
    token: str = "",
    claims: Optional[Claims] = None,
) -> KfopsError:
    """Return the error that an answer of ``status`` with ``body`` from ``host`` is.

    Parameters
    ----------
    what
        What we wanted, a verb with its object: ``read run 123``.
    location
        Where a redirect pointed.
    token
        The token that was sent, only to keep it out of the error should the server repeat it.
    claims
        What that token says about itself, None where none was sent.
    """
    # Before anything is cut off: half of a token would not be found any more.
    said = servers_words(body.replace(token, "(token)") if token else body)
    instead = 300 <= status < 400 or (status < 300 and is_page(body))
    if claims is not None and claims.expired and (instead or status in (401, 403)):
        return ConnectionFailed(
            f"The token expired at {claims.expires_at}.",
            why=f"{host} refused it ({status}).",
            remedy="A projected token renews itself; restart the notebook server if its file has not changed since, "
            "or put a new token into the file.",
            kind="expired_token",
            host=host,
            status=status,
        )
    if instead:
        return _page(said, body, host, location, claims)
    if status == 401:
        return _unauthenticated(said, host, claims)
    if status == 403:
        return _forbidden(said, host, claims)
    if status == 404:
        return NotFound(f"The backend could not {what}: there is no such thing.", why=said, status=404)
    return BackendError(
        f"The backend could not {what}.",
        why=said or f"It answered {status} without a word.",
        remedy="Try again in a moment." if status >= 500 else "",
        status=status,
    )


def no_api(status: int, body: str, *, host: str) -> ConnectionFailed:
    """Return the error for a host that answers, but not as Kubeflow Pipelines does at its ``healthz``."""
    path = urlsplit(host).path.rstrip("/")
    said = servers_words(body)
    if status >= 500:
        return ConnectionFailed(
            f"{host} answers with an error of its own ({status}).",
            why=said or "It gave no reason.",
            remedy="Kubeflow Pipelines may be starting; if it stays so, look at the pods ml-pipeline and its gateway.",
            kind="server_error",
            host=host,
            status=status,
        )
    missing = not path.endswith("/pipeline")
    why = f"Its API is not found below that address ({status})."
    if status != 404:
        why = f"It answers {status}" + (f": {said[:200]}" if said else " with nothing readable.")
    hint = f"Add /pipeline to it: {host.rstrip('/')}/pipeline" if missing else "Check the address before /pipeline."
    return ConnectionFailed(
        f"There is no Kubeflow Pipelines at {host}.",
        why=why,
        remedy=f"{hint} (through Kubeflow's gateway), or use the API's own port 8888.",
        kind="not_found" if status == 404 else "not_kfp",
        host=host,
        status=status,
    )


def of_api_exception(
    error: Any, *, host: str, what: str, token: str = "", claims: Optional[Claims] = None
) -> KfopsError:
    """Return the error for an ``ApiException`` of the generated client."""
    body = error.body or b""
    text = body.decode("utf-8", errors="replace") if isinstance(body, bytes) else str(body)
    headers: Dict[str, str] = dict(error.headers or {})
    location = headers.get("Location") or headers.get("location") or ""
    status = int(error.status or 0)
    return explain(status, text, host=host, what=what, location=location, token=token, claims=claims)


def is_page(body: str) -> bool:
    """Return whether a body is an HTML page."""
    start = body.lstrip()[:200].lower()
    return start.startswith(("<!doctype html", "<html", "<head", "<body"))


def servers_words(body: str) -> str:
    """Return what a server says in the body of a refusal, in one line of at most 500 characters."""
    text = body.strip()
    try:
        data = json.loads(text)
    except ValueError:
        data = None
    if isinstance(data, dict):
        for key in ("error", "error_message", "message", "detail"):
            if isinstance(data.get(key), str) and data[key]:
                text = data[key]
                break
    elif is_page(body):
        title = re.search(r"<title[^>]*>(.*?)</title>", body, re.IGNORECASE | re.DOTALL)
        without_code = re.sub(r"(?is)<(script|style)\b.*?</\1>", " ", body)
        text = title.group(1) if title else re.sub(r"<[^>]*>", " ", without_code)
        text = html.unescape(text)
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= 500 else line[:499] + "…"


def _page(said: str, body: str, host: str, location: str, claims: Optional[Claims]) -> ConnectionFailed:
    place = f"{location} {body[:20000]}".lower()
    if re.search(r"\bdex\b|oauth|log ?-?in\b|sign ?-?in\b|/auth\b|type=.?password|openid|keycloak", place):
        shown = urlsplit(location).path if location else said
        return ConnectionFailed(
            f"{host} shows a login page instead of answering.",
            why=f"The gateway does not accept {'this token' if claims is not None else 'a request without a token'} "
            f"and sends browsers to log in ({shown or 'no title'}).",
            remedy="Inside the cluster use http://ml-pipeline.kubeflow.svc.cluster.local:8888 with the token of "
            "PodDefault.yaml; from outside use kubectl port-forward.",
            kind="login_page",
            host=host,
        )
    if location.startswith("https://") and host.startswith("http://"):
        return ConnectionFailed(
            f"{host} wants a secure connection.",
            why="It redirects to https://.",
            remedy=f"Use {host.replace('http://', 'https://', 1)}",
            kind="not_kfp",
            host=host,
        )
    return no_api(200, said, host=host)


def _unauthenticated(said: str, host: str, claims: Optional[Claims]) -> ConnectionFailed:
    if claims is None:
        why, remedy = "It wants a token and none was sent.", _POD_DEFAULT
    else:
        why = "It does not accept the token."
        remedy = (
            "The token must be of this cluster and made for the audience pipelines.kubeflow.org, as PodDefault.yaml "
            "makes it."
        )
    return ConnectionFailed(
        f"{host} does not know who asks (401).",
        why=f"{why} {said}".strip(),
        remedy=remedy,
        kind="unauthenticated",
        host=host,
        status=401,
    )


def _forbidden(said: str, host: str, claims: Optional[Claims]) -> ConnectionFailed:
    who = claims.subject if claims is not None and claims.subject else "this caller"
    if "rbac: access denied" in said.lower():
        message = "The service mesh denies access (RBAC: access denied)."
        if claims is None:
            remedy = "No token was sent. " + _POD_DEFAULT
        else:
            remedy = f"An AuthorizationPolicy on ml-pipeline in namespace kubeflow must let {who} in: ask your admin."
        why = said
    else:
        message = f"{who[:1].upper()}{who[1:]} may not do this."
        why = said or "403 Forbidden, without a reason."
        remedy = _missing_rule(said, who)
    return ConnectionFailed(message, why=why, remedy=remedy, kind="forbidden", host=host, status=403)


def _missing_rule(said: str, who: str) -> str:
    """Name the RBAC rule that KFP's own refusal says it looked for."""
    asked = dict(re.findall(r"\b(Namespace|Verb|Group|Resource)\s*:\s*\"?([\w.\-*]+)", said))
    if "Verb" in asked and "Resource" in asked:
        group = asked.get("Group", "pipelines.kubeflow.org")
        place = f" in namespace {asked['Namespace']}" if asked.get("Namespace") else ""
        return f"{who} lacks a Role{place}: apiGroup {group}, resource {asked['Resource']}, verb {asked['Verb']}."
    return f"Check that the namespace is yours; {who} needs the role kubeflow-edit in it."
