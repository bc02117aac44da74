"""Requests to the KFP v1beta1 API that are nearly right: generated from the client's own models, then spoilt."""

from __future__ import annotations

import base64
import gzip
import io
import json
import math
import re
import tarfile
import zipfile
from dataclasses import dataclass, field
from typing import Any, Dict, List, Tuple
from urllib.parse import quote, urlencode

import kfp_server_api
from hypothesis import strategies as st

#: The 36 operations: verb, path, what the body is made of, and the names of the query.
LISTING = ["page_token", "page_size", "sort_by", "filter", "resource_reference_key.type", "resource_reference_key.id"]
OPERATIONS: List[Tuple[str, str, str, List[str]]] = [
    ("GET", "/apis/v1beta1/healthz", "", []),
    ("POST", "/apis/v1beta1/experiments", "ApiExperiment", []),
    ("GET", "/apis/v1beta1/experiments", "", LISTING),
    ("GET", "/apis/v1beta1/experiments/{experiment}", "", []),
    ("DELETE", "/apis/v1beta1/experiments/{any}", "", []),
    ("POST", "/apis/v1beta1/experiments/{experiment}:archive", "", []),
    ("POST", "/apis/v1beta1/experiments/{experiment}:unarchive", "", []),
    ("POST", "/apis/v1beta1/pipelines", "ApiPipeline", []),
    ("GET", "/apis/v1beta1/pipelines", "", LISTING),
    ("GET", "/apis/v1beta1/pipelines/{pipeline}", "", []),
    ("DELETE", "/apis/v1beta1/pipelines/{any}", "", []),
    ("GET", "/apis/v1beta1/pipelines/{pipeline}/templates", "", []),
    ("POST", "/apis/v1beta1/pipelines/{pipeline}/default_version/{version}", "", []),
    ("POST", "/apis/v1beta1/pipelines/upload", "form", ["name", "description"]),
    ("POST", "/apis/v1beta1/pipelines/upload_version", "form", ["name", "pipelineid", "description"]),
    ("POST", "/apis/v1beta1/pipeline_versions", "ApiPipelineVersion", []),
    ("GET", "/apis/v1beta1/pipeline_versions", "", [*LISTING[:4], "resource_key.type", "resource_key.id"]),
    ("GET", "/apis/v1beta1/pipeline_versions/{version}", "", []),
    ("DELETE", "/apis/v1beta1/pipeline_versions/{any}", "", []),
    ("GET", "/apis/v1beta1/pipeline_versions/{version}/templates", "", []),
    ("POST", "/apis/v1beta1/runs", "ApiRun", []),
    ("GET", "/apis/v1beta1/runs", "", LISTING),
    ("GET", "/apis/v1beta1/runs/{run}", "", []),
    ("DELETE", "/apis/v1beta1/runs/{any}", "", []),
    ("POST", "/apis/v1beta1/runs/{run}:archive", "", []),
    ("POST", "/apis/v1beta1/runs/{run}:unarchive", "", []),
    ("POST", "/apis/v1beta1/runs/{run}/terminate", "", []),
    ("POST", "/apis/v1beta1/runs/{run}/retry", "", []),
    ("POST", "/apis/v1beta1/runs/{run}:reportMetrics", "ApiReportRunMetricsRequest", []),
    ("GET", "/apis/v1beta1/runs/{run}/nodes/{node}/artifacts/{any}:read", "", []),
    ("POST", "/apis/v1beta1/jobs", "ApiJob", []),
    ("GET", "/apis/v1beta1/jobs", "", LISTING),
    ("GET", "/apis/v1beta1/jobs/{any}", "", []),
    ("DELETE", "/apis/v1beta1/jobs/{any}", "", []),
    ("POST", "/apis/v1beta1/jobs/{any}/enable", "", []),
    ("POST", "/apis/v1beta1/jobs/{any}/disable", "", []),
    ("GET", "/apis/v1alpha1/runs/{run}/nodes/{node}/log", "", []),
]
VERBS = ["GET", "POST", "DELETE", "PUT", "PATCH", "HEAD", "OPTIONS", "TRACE", "get", "FETCH"]
TEXTS = ["", " ", "x", "a" * 300, "\0", "é😀\u202e", "../../etc/passwd", "{{workflow.uid}}", "{{", "[[CurrentTime.%Q]]"]
TEXTS += ["'\";--"]
ODD: List[Any] = [
    None,
    True,
    0,
    -1,
    2**31,
    2**70,
    0.5,
    1e400,
    -math.inf,
    math.nan,
    [],
    {},
    [None],
    [[]],
    {"": {}},
    *TEXTS,
]
DEEP = "[" * 5000
IDS = ["x", "%00", "%ff%fe", "..%2f..", "a/b", "%2f", "'", "1" * 300, "%F0%9F%98%80", "a:b", "%", "%zz", ";", "a b", ""]
TYPES = [
    "application/json",
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "é",
    "",
    'a/b; c="',
    None,
]
TIMES = ["2026-01-02T03:04:05Z", "2026-13-45T99:99:99Z", "1970-01-01T00:00:00Z", "99999-01-01T00:00:00Z", "now", ""]
CRONS = ["0 0 * * * *", "0 0 0 30 2 *", "* * * * *", "@daily", "99 * * * * *", "0 0 0 1 1 ? 2099", "*/0 * * * * *"]
OPERATORS = ["EQUALS", "IN", "IS_SUBSTRING", "GREATER_THAN", 1, 4, 9, 99, "x", None]
KEYS = ["name", "id", "created_at", "status", "storage_state", "metric:accuracy", "description", "x", "", None]
SORTS = [
    "name",
    "created_at desc",
    "NAME DESC",
    "metric:a b desc",
    "x",
    "name; drop",
    "name asc asc",
    "id",
    "metric:",
    " ",
]


#: What stands in a generated request for the ids of what the backend has.
KNOWN = {name: f"KNOWN{name}" for name in ("experiment", "pipeline", "version", "run", "node")}


@dataclass
class Sent:
    """A request as it goes over the wire; ``path`` is already quoted, or badly so."""

    method: str
    path: str
    body: bytes = b""
    headers: Dict[str, str] = field(default_factory=dict)

    def raw(self, ids: Dict[str, str], host: str, token: str) -> bytes:
        """Return the bytes of the request, with the ids that there really are."""
        path, body = self.path, self.body
        for name, known in KNOWN.items():
            path, body = path.replace(known, ids[name]), body.replace(known.encode(), ids[name].encode())
        headers = {"Host": host, "Authorization": f"Bearer {token}", "Connection": "close", **self.headers}
        if body or self.method == "POST":
            headers.setdefault("Content-Length", str(len(body)))
        lines = [f"{self.method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join(lines).encode("utf-8", errors="replace") + b"\r\n\r\n" + body

    def __repr__(self) -> str:
        return f"{self.method} {self.path} {self.headers} {self.body[:600]!r}"


def echo(command: str = "true") -> Dict[str, Any]:
    """Return a workflow of one short step with one parameter."""
    given = {"parameters": [{"name": "word", "value": "{{inputs.parameters.word}}"}]}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"generateName": "echo-"},
        "spec": {
            "entrypoint": "main",
            "arguments": {"parameters": [{"name": "word", "value": "hello"}]},
            "templates": [
                {
                    "name": "main",
                    "inputs": {"parameters": [{"name": "word"}]},
                    "dag": {"tasks": [{"name": "echo", "template": "echo", "arguments": given}]},
                },
                {
                    "name": "echo",
                    "inputs": {"parameters": [{"name": "word"}]},
                    "outputs": {"parameters": [{"name": "o", "valueFrom": {"path": "/tmp/o", "default": "d"}}]},
                    "retryStrategy": {"limit": 1},
                    "container": {
                        "image": "any",
                        "command": ["sh", "-c", command],
                        "env": [{"name": "A", "value": "b"}],
                    },
                },
            ],
        },
    }


class Spoiling:
    """Draws one request."""

    def __init__(self, draw: Any) -> None:
        self._draw = draw

    def pick(self, values: List[Any]) -> Any:
        return self._draw(st.sampled_from(values))

    def chance(self, percent: int) -> bool:
        return bool(self._draw(st.integers(0, 99)) < percent)

    def request(self) -> Sent:
        method, template, kind, names = self.pick(OPERATIONS)
        sent = Sent(method, self._path(template))
        if names:
            query = {name: self._query(name) for name in names if self.chance(45)}
            sent.path += "?" + urlencode(query) if query else ""
        if kind == "form":
            sent.body, sent.headers["Content-Type"] = self._form()
        elif kind:
            sent.body = self._json(self.spoilt(self.model(kind, 4), 6 if self.chance(70) else 25))
            sent.headers["Content-Type"] = "application/json"
        self._disturb(sent)
        return sent

    def _disturb(self, sent: Sent) -> None:
        if self.chance(4):
            sent.method = self.pick(VERBS)
        if self.chance(4):
            sent.path += self.pick(["/", "//", "?x", "%00", ":archive", "?page_size=1&page_size=x", "#a", "/../.."])
        if self.chance(5):
            sent.headers["Content-Type"] = self.pick([kind for kind in TYPES if kind is not None])
        if self.chance(3):
            sent.headers["Content-Encoding"] = self.pick(["gzip", "br", "x"])
            sent.body = gzip.compress(sent.body) if self.chance(50) else sent.body
        if self.chance(4) and sent.body:
            sent.body = sent.body[: self._draw(st.integers(0, len(sent.body) - 1))]
        if self.chance(3):
            sent.body = self.pick(
                [b"\xff\xfe", b"null", b"[]", b"1", b'"x"', DEEP.encode(), b'{"name":"\\ud800"}', b"{"]
            )

    def _path(self, template: str) -> str:
        def one(match: re.Match[str]) -> str:
            known = KNOWN.get(match.group(1))
            return known if known and not self.chance(25) else self.pick([*IDS, quote(self.pick(TEXTS), safe="")])

        return re.sub(r"\{(\w+)\}", one, template)

    def _query(self, name: str) -> str:
        if self.chance(10):
            return str(self.pick(ODD))
        if name == "filter":
            predicates = [self._predicate() for _ in range(self.pick([0, 1, 1, 2]))]
            return self._json(self.spoilt({"predicates": predicates}, 5)).decode("utf-8", errors="replace")
        if name == "page_token":
            facts = {"SortByFieldName": "name", "SortByFieldValue": "x", "KeyFieldName": "UUID", "KeyFieldValue": "y"}
            token = base64.b64encode(self._json(self.spoilt({**facts, "IsDesc": False}, 20)))
            return self.pick([token.decode(), "x", "e30=", "bnVsbA==", "W10=", base64.b64encode(b"\xff\xff").decode()])
        if name == "page_size":
            return str(self.pick([1, 0, -1, 50, 2**40, "x", "1.5", ""]))
        if name == "sort_by":
            return str(self.pick(SORTS))
        if name.endswith(".type"):
            return str(self.pick(["EXPERIMENT", "PIPELINE", "NAMESPACE", "JOB", "PIPELINE_VERSION", "1", "77", "x"]))
        if name.endswith(".id") or name == "pipelineid":
            return str(self.pick([*KNOWN.values(), *TEXTS]))
        return str(self.pick([*TEXTS, "%25", "a+b", f"name-{self._draw(st.integers(0, 10**9))}"]))

    def _predicate(self) -> Dict[str, Any]:
        value = self.pick(
            [
                {"stringValue": "x"},
                {"string_value": "%"},
                {"int_value": 1},
                {"long_value": "99999999999"},
                {"timestamp_value": self.pick(TIMES)},
                {"string_values": {"values": ["a", "b"]}},
                {"int_values": {"values": [1]}},
                {},
            ]
        )
        return {"op": self.pick(OPERATORS), "key": self.pick(KEYS), **value}

    def model(self, name: str, depth: int) -> Any:
        """Return an object of one of the client's models, as it is on the wire."""
        cls = getattr(kfp_server_api, name)
        if not cls.openapi_types:
            return self.pick([*cls.allowable_values, 0, 1])
        made = {}
        for attribute, kind in cls.openapi_types.items():
            if self.chance(75 if depth > 2 else 55):
                made[attribute] = self._value(attribute, kind, depth - 1)
        if name == "ApiPipelineSpec" and self.chance(70):
            made["workflow_manifest"] = self.manifest()
            if not self.chance(10):
                made.pop("pipeline_id", None)
        return made

    def _value(self, attribute: str, kind: str, depth: int) -> Any:
        listed = re.fullmatch(r"list\[(\w+)\]", kind)
        if listed:
            return [self._value(attribute, listed.group(1), depth) for _ in range(self.pick([0, 1, 1, 2]))]
        mapped = re.fullmatch(r"dict\(str, (\w+)\)", kind)
        if mapped:
            return {"a": self._value(attribute, mapped.group(1), depth)}
        if hasattr(kfp_server_api, kind):
            return self.model(kind, depth) if depth > 0 else {}
        if kind == "datetime":
            return self.pick(TIMES)
        if kind in ("int", "float"):
            return self.pick([1, 0.5, -3, "7"])
        if kind == "bool":
            return self.pick([True, False])
        if attribute == "cron":
            return self.pick(CRONS)
        if attribute in ("interval_second", "max_concurrency"):
            return self.pick(["1", "3600", 10, "0", "x", 2**63])
        if attribute.endswith("id"):
            return self.pick([*KNOWN.values(), "x"])
        if attribute == "pipeline_url":
            return self.pick(["file:///etc/passwd", "http://127.0.0.1:1/x.yaml", "x", "gs://a/b", "http://[", ""])
        return self.pick(["word", "accuracy", *TEXTS, f"name-{self._draw(st.integers(0, 10**9))}"])

    def manifest(self) -> str:
        """Return the text of a workflow, a little spoilt."""
        return self._json(self.spoilt(echo(), self.pick([0, 2, 6]))).decode("utf-8", errors="replace")

    def spoilt(self, value: Any, percent: int) -> Any:
        """Return ``value`` with some of what is in it replaced, left out, or named otherwise."""
        if percent and self.chance(percent):
            return self.pick(ODD)
        if isinstance(value, dict):
            made = {key: self.spoilt(item, percent) for key, item in value.items() if not self.chance(percent // 3)}
            return {**made, self.pick(TEXTS): self.pick(ODD)} if percent and self.chance(percent) else made
        if isinstance(value, list):
            return [self.spoilt(item, percent) for item in value]
        return value

    def _json(self, value: Any) -> bytes:
        return json.dumps(value, ensure_ascii=self.chance(50)).encode("utf-8", errors="surrogatepass")

    def _form(self) -> Tuple[bytes, str]:
        content = self._package()
        boundary = self.pick(["a1b2c3", "a" * 200, "é", ""])
        disposition = self.pick(
            [
                'form-data; name="uploadfile"; filename="p.yaml"',
                'form-data; name="uploadfile"; filename=""',
                'form-data; name="uploadfile"',
                'form-data; name="other"; filename="p.yaml"',
                'form-data; name="uploadfile"; filename="../../p.yaml"',
                "form-data; name=\"uploadfile\"; filename*=UTF-8''%ff",
                "form-data",
                "",
            ]
        )
        head = f"--{boundary}\r\nContent-Disposition: {disposition}\r\n\r\n".encode()
        tail = self.pick([f"\r\n--{boundary}--\r\n".encode(), f"\r\n--{boundary}".encode(), b""])
        return head + content + tail, f"multipart/form-data; boundary={boundary}".encode().decode("latin-1")

    def _package(self) -> bytes:
        text = self.manifest().encode("utf-8", errors="replace")
        kind = self.pick(["yaml", "yaml", "zip", "tar", "gzip", "odd"])
        if kind == "yaml":
            return text
        if kind == "gzip":
            return gzip.compress(text)
        if kind == "odd":
            return self.pick(
                [b"", b"\0" * 100, b"a: &a [*a, *a]", b"PK\x03\x04", b"\x1f\x8b\x08", b"{{{", DEEP.encode()]
            )
        stream = io.BytesIO()
        name = self.pick(["pipeline.yaml", "x.yaml", "../pipeline.yaml", "/pipeline.yaml", "d/"])
        if kind == "zip":
            with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr(name, text)
        else:
            with tarfile.open(fileobj=stream, mode="w:gz") as tar:
                member = tarfile.TarInfo(name)
                member.size = len(text)
                tar.addfile(member, io.BytesIO(text))
        return stream.getvalue()


@st.composite
def requests(draw: Any) -> Sent:
    """Return a request, with ``KNOWN`` in the place of ids."""
    return Spoiling(draw).request()
