"""Packages that the server fetches itself, from a URL in a request.

Only ``http`` and ``https`` are followed, also where a server redirects to: ``file`` would show what this user's files
hold. Addresses of this machine and of private networks are not refused. Whoever has the backend's token may run any
program here, so there is nothing that refusing them would protect, and a company's packages are on such a network.
"""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request
from typing import Optional
from urllib.parse import unquote, urlsplit

from ..problems import Invalid
from .package import MAX_SIZE

#: Seconds for each wait on the network, and for the whole download.
PATIENCE = 10.0
DEADLINE = 30.0
_CHUNK = 64 * 1024


class _Redirects(urllib.request.HTTPRedirectHandler):
    max_redirections = 5
    max_repeats = 2


def check_url(url: str) -> None:
    """Refuse what cannot be a package's URL; raises Invalid."""
    if not url:
        raise Invalid("Pipeline URL is empty. Please specify a valid URL.")
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and url.isascii() and url.isprintable()
    except ValueError:
        valid = False
    if not valid or " " in url:
        raise Invalid(f"Invalid Pipeline URL {url[:200]!r}. Please specify a valid URL that begins with http or https.")


def file_name(url: str) -> str:
    """Return the name of the file that a URL leads to."""
    return unquote(urlsplit(url).path.rstrip("/").rpartition("/")[2])


def download(url: str) -> bytes:
    """Return what is at a URL; raises Invalid with the cause when it cannot be had."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler,
        urllib.request.UnknownHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPErrorProcessor,
        _Redirects,
    ):
        opener.add_handler(handler())
    end = time.monotonic() + DEADLINE
    request = urllib.request.Request(url, headers={"User-Agent": "kfops-local"})  # noqa: S310 - check_url has seen it
    try:
        with opener.open(request, timeout=PATIENCE) as answer:
            content = bytearray()
            while len(content) <= MAX_SIZE:
                if time.monotonic() > end:
                    raise TimeoutError(f"it takes longer than {DEADLINE:.0f} seconds")
                chunk = answer.read1(_CHUNK)
                if not chunk:
                    return _whole(bytes(content), answer.headers.get("Content-Length"))
                content += chunk
    except urllib.error.HTTPError as error:
        raise _failed(url, f"The server answered {error.code} {error.reason}.") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise _failed(url, f"{type(error).__name__}: {reason}.") from None
    raise Invalid("File size too large. Maximum supported file size is 32 MiB.")


def _whole(content: bytes, announced: Optional[str]) -> bytes:
    """Return what has been read unless it is only a part, which may well be YAML by itself."""
    if announced is not None and announced.isdigit() and len(content) < int(announced):
        raise http.client.IncompleteRead(content, int(announced) - len(content))
    return content


def _failed(url: str, why: str) -> Invalid:
    return Invalid(
        f"Failed to download the pipeline from {url.partition('?')[0]}. "
        f"Please double check the URL is valid and can be accessed by the pipeline system. {why}"
    )
