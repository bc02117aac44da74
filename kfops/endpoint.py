"""An API at an address: requests with the token of the moment, and answers that are checked."""

from __future__ import annotations

from typing import Any, Dict, Optional
from urllib.parse import urlencode

from kfops.credentials import Claims, TokenFile, claims_of
from kfops.errors import BackendError, ConnectionFailed
from kfops.refusals import explain, is_page
from kfops.streaming import ByteStream
from kfops.transport import Response, request


class Endpoint:
    """Asks a backend without kfp; errors are ours, with the server's own words.

    Parameters
    ----------
    host
        Its address, without a slash at the end.
    token
        Where the token is, None where none is needed. It is read anew for each request, as it may be replaced.
    """

    def __init__(self, host: str, token: Optional[TokenFile]) -> None:
        self.host = host
        self._token = token
        self._headers: Dict[str, str] = {}

    def get(self, path: str, *, timeout: float = 60.0, what: str = "answer") -> bytes:
        """Return what the backend has at ``path`` below the host.

        Raises
        ------
        NotFound, BackendError, ConnectionFailed
            With the server's own words.
        """
        return self._ask("GET", path, None, timeout, what).body

    def get_json(self, path: str, query: Optional[Dict[str, Any]] = None, *, what: str = "answer") -> Dict[str, Any]:
        """Return the object that the backend has at ``path``; ``query`` is without its empty values."""
        given = {name: value for name, value in (query or {}).items() if value not in (None, "")}
        return self._object(self._ask("GET", path + (f"?{urlencode(given)}" if given else ""), None, 30.0, what), what)

    def post_json(self, path: str, body: Dict[str, Any], *, what: str = "answer") -> Dict[str, Any]:
        """Send an object and return the one that comes back."""
        return self._object(self._ask("POST", path, body, 30.0, what), what)

    def delete(self, path: str, *, what: str = "answer") -> None:
        """Delete what is at ``path``."""
        self._ask("DELETE", path, None, 30.0, what)

    def read(self, path: str, *, part: str = "", what: str = "answer") -> ByteStream:
        """Return the bytes at ``path`` as they come.

        ``part`` is the range that is asked for, as ``0-99`` or ``-100``. Of a backend that knows ranges the status is
        then 206, or 416 where there is nothing in it; of any other 200, and the bytes are all there are.

        Raises
        ------
        NotFound, BackendError, ConnectionFailed
            With the server's own words.
        """
        token = self._read_token()
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        stream = ByteStream(self.host + path, {**headers, **({"Range": f"bytes={part}"} if part else {})})
        if stream.status < 300 or stream.status == 416:
            return stream
        text = stream.read().decode("utf-8", errors="replace")
        stream.close()
        claims = claims_of(token) if token else None
        raise explain(stream.status, text, host=self.host, what=what, location="", token=token, claims=claims)

    def _ask(self, method: str, path: str, body: Optional[Any], timeout: float, what: str) -> Response:
        token = self._read_token()
        answer = request(method, self.host + path, token=token, body=body, timeout=timeout, headers=self._headers)
        page = is_page(answer.text()[:200]) and "html" in answer.headers.get("content-type", "html")
        if answer.status >= 300 or page:
            raise explain(
                answer.status,
                answer.text(),
                host=self.host,
                what=what,
                location=answer.headers.get("location", ""),
                token=token,
                claims=claims_of(token) if token else None,
            )
        if not answer.complete:
            raise BackendError(
                f"The backend could not {what}.",
                why="The connection broke in the middle of the answer.",
                remedy="Try again in a moment.",
                status=answer.status,
            )
        return answer

    def _object(self, answer: Response, what: str) -> Dict[str, Any]:
        data = answer.json()
        if not isinstance(data, dict):
            raise BackendError(
                f"The backend could not {what}.",
                why="Its answer is not the JSON object that Kubeflow Pipelines sends.",
                remedy=f"Check that {self.host} is Kubeflow Pipelines: kfops status",
                status=answer.status,
            )
        return data

    def _read_token(self) -> str:
        return self._token.read() if self._token is not None else ""

    def _claims(self) -> Claims:
        try:
            return claims_of(self._read_token())
        except ConnectionFailed:
            return Claims()
