"""The probe names what is wrong with a backend, at once where it answers and within three seconds where it does not."""

from __future__ import annotations

import base64
import json
import socket
import time

import pytest

from kfops.errors import ConnectionFailed, InvalidInput
from kfops.probe import address, probe
from tests.fakes.faulty_server import (
    HEALTHY,
    Answer,
    answering,
    answering_json,
    by_path,
    closing_at_once,
    dripping,
    dripping_body,
    garbage,
    serving,
    silent,
)

SUBJECT = "system:serviceaccount:ann:default-editor"


def token(expires: float = 4102444800.0) -> str:
    claims = json.dumps({"sub": SUBJECT, "exp": expires}).encode()
    return ".".join(["eyJhbGciOiJSUzI1NiJ9", base64.urlsafe_b64encode(claims).decode().rstrip("="), "c2VjcmV0c2ln"])


def failure(answer: Answer, sent: str = "", path: str = "", **options: str) -> ConnectionFailed:
    """Return the error that probing a server with this behaviour raises, having checked that it hides the token."""
    with serving(answer) as server:
        with pytest.raises(ConnectionFailed) as caught:
            probe(server.url + path, sent, **options)
    error = caught.value
    assert error.why
    assert error.remedy
    assert not sent or sent not in str(error) + repr(error) + json.dumps(error.to_dict())
    return error


DEX = "<!DOCTYPE html><html><head><title>dex</title></head><body><form>Log in to Your Account</form></body></html>"

ANSWERS = {
    "unauthenticated": answering(401, "Jwt is missing"),
    "forbidden": answering(403, "RBAC: access denied"),
    "not_found": answering(404, "default backend - 404"),
    "login_page": answering(200, DEX, kind="text/html"),
    "not_kfp": answering(200, "it works!"),
    "server_error": answering(503, "no healthy upstream"),
}


@pytest.mark.alone
@pytest.mark.parametrize("kind", ANSWERS)
def test_an_answer_is_named_within_a_tenth_of_a_second(kind: str) -> None:
    with serving(ANSWERS[kind]) as server:
        begin = time.monotonic()
        with pytest.raises(ConnectionFailed) as caught:
            probe(server.url)
        took = time.monotonic() - begin
    assert caught.value.details["kind"] == kind
    assert took < 0.1


@pytest.mark.alone
@pytest.mark.parametrize("behaviour", [silent, dripping, dripping_body])
def test_silence_ends_within_three_seconds(behaviour: Answer) -> None:
    with serving(behaviour) as server:
        begin = time.monotonic()
        with pytest.raises(ConnectionFailed) as caught:
            probe(server.url)
        took = time.monotonic() - begin
    assert caught.value.details["kind"] == "timeout"
    assert 2 < took < 3


@pytest.mark.alone
def test_a_port_that_accepts_and_is_never_served_is_silence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        begin = time.monotonic()
        with pytest.raises(ConnectionFailed) as caught:
            probe(f"http://127.0.0.1:{listener.getsockname()[1]}")
    assert caught.value.details["kind"] == "timeout"
    assert time.monotonic() - begin < 3


@pytest.mark.alone
def test_both_requests_of_a_multi_user_cluster_share_the_three_seconds() -> None:
    def slowly(connection, asked, closing) -> None:
        closing.wait(2)
        answering_json({**HEALTHY, "multi_user": True})(connection, asked, closing)

    with serving(by_path({"/apis/v1beta1/healthz": slowly}, silent)) as server:
        begin = time.monotonic()
        with pytest.raises(ConnectionFailed, match="does not answer"):
            probe(server.url, token(), namespace="ann")
    assert time.monotonic() - begin < 3


def test_garbage_is_not_kubeflow_pipelines() -> None:
    assert failure(garbage).details["kind"] == "not_kfp"


def test_a_connection_closed_without_an_answer_is_named() -> None:
    error = failure(closing_at_once)
    assert error.details["kind"] == "refused"
    assert "closed the connection" in error.message


def test_a_port_where_nothing_listens_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ConnectionFailed) as caught:
        probe(f"http://127.0.0.1:{port}")
    assert caught.value.details["kind"] == "refused"


def test_a_name_that_does_not_exist_is_unknown() -> None:
    with pytest.raises(ConnectionFailed) as caught:
        probe("http://no-such-host.invalid:8888")
    # A machine without any name server waits for one: silence is then the true answer.
    assert caught.value.details["kind"] in ("unknown_host", "timeout")
    assert "no-such-host.invalid" in caught.value.message


def test_a_plain_server_behind_https_is_a_tls_problem() -> None:
    with serving(answering_json(HEALTHY)) as server:
        with pytest.raises(ConnectionFailed) as caught:
            probe(server.url.replace("http://", "https://"))
    assert caught.value.details["kind"] == "tls"


def test_a_redirect_to_dex_is_a_login_page() -> None:
    error = failure(answering(302, headers="Location: /dex/auth?client_id=x&state=MTYzNz\r\n"))
    assert error.details["kind"] == "login_page"
    assert "8888" in error.remedy
    assert "state=" not in str(error)


def test_the_page_of_a_dashboard_is_told_from_the_api() -> None:
    page = "<!doctype html><html><head><title>Kubeflow Central Dashboard</title></head><body></body></html>"
    error = failure(answering(200, page, kind="text/html"))
    assert error.details["kind"] == "not_kfp"
    assert "Kubeflow Central Dashboard" in error.why
    assert "/pipeline" in error.remedy


def test_a_redirect_to_https_says_to_use_https() -> None:
    with serving(answering(301, headers="Location: https://kubeflow.example.org/\r\n")) as server:
        with pytest.raises(ConnectionFailed) as caught:
            probe(server.url)
    assert "https://" in caught.value.remedy


def test_an_endpoint_without_pipeline_is_told_to_add_it() -> None:
    assert "/pipeline" in failure(answering(404)).remedy
    assert "Add /pipeline" not in failure(answering(404), path="/pipeline").remedy


def test_no_token_and_403_leads_to_the_pod_default() -> None:
    error = failure(ANSWERS["forbidden"])
    assert "No token was sent" in error.remedy
    assert "PodDefault.yaml" in error.remedy


def test_a_token_and_403_of_the_mesh_names_the_policy_and_the_caller() -> None:
    error = failure(ANSWERS["forbidden"], token())
    assert "AuthorizationPolicy" in error.remedy
    assert SUBJECT in error.remedy


def test_the_missing_rule_is_named_as_kubeflow_pipelines_names_it() -> None:
    refusal = {
        "error": "Failed to authorize with API resource references: PermissionDenied: User 'x' is not authorized with "
        "reason:  (request: &ResourceAttributes{Namespace:bob,Verb:list,Group:pipelines.kubeflow.org,Version:v1beta1,"
        "Resource:experiments,Subresource:,Name:,}): Unauthorized access",
        "code": 7,
    }
    answers = {
        "/apis/v1beta1/healthz": answering_json({**HEALTHY, "multi_user": True}),
        "/apis/v1beta1/experiments": answering_json(refusal, 403),
    }
    error = failure(by_path(answers), token(), namespace="bob")
    assert error.details["kind"] == "forbidden"
    for part in (SUBJECT, "namespace bob", "resource experiments", "verb list"):
        assert part in error.remedy


def test_an_expired_token_is_named_with_its_time() -> None:
    login = answering(302, headers="Location: /dex/auth\r\n")
    for answer in (ANSWERS["unauthenticated"], ANSWERS["forbidden"], login):
        error = failure(answer, token(expires=1000000000.0))
        assert error.details["kind"] == "expired_token"
        assert "2001-09-09T01:46:40Z" in error.message


def test_a_server_that_repeats_the_token_does_not_make_us_repeat_it() -> None:
    secret = token()
    for status in (200, 401, 403, 418, 500):
        failure(answering(status, f"Jwt verification failed for Bearer {secret}"), secret)


def test_an_error_page_that_is_cut_short_still_says_its_status() -> None:
    def cut(connection, asked, closing) -> None:
        connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 1000\r\n\r\nRBAC: access denied")

    assert failure(cut).details["kind"] == "forbidden"


def test_health_tells_the_embedded_backend_from_a_cluster() -> None:
    with serving(answering_json(HEALTHY)) as server:
        assert not probe(server.url).embedded
    with serving(answering_json({**HEALTHY, "tag_name": "kfops-local 0.1"})) as server:
        assert probe(server.url).embedded


def test_a_multi_user_cluster_without_a_known_namespace_lets_us_in() -> None:
    answers = {
        "/apis/v1beta1/healthz": answering_json({**HEALTHY, "multi_user": True}),
        "/apis/v1beta1/experiments": answering_json({"error": "Invalid input error", "code": 3}, 400),
    }
    with serving(by_path(answers)) as server:
        assert probe(server.url, token()).multi_user


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("localhost:8080/pipeline/", "http://localhost:8080/pipeline"),
        ("ml-pipeline.kubeflow.svc.cluster.local:8888", "http://ml-pipeline.kubeflow.svc.cluster.local:8888"),
        ("kubeflow.example.org/pipeline", "https://kubeflow.example.org/pipeline"),
        (" http://10.0.0.1:8888 ", "http://10.0.0.1:8888"),
    ],
)
def test_an_address_gets_the_scheme_that_is_meant(given: str, meant: str) -> None:
    assert address(given) == meant


@pytest.mark.parametrize("given", ["ftp://x", "http://", "http://a b", "http://x:99999", "http://ann:pass@x", "x?y=1"])
def test_what_is_no_bare_address_is_refused_without_being_repeated(given: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        address(given)
    assert "pass" not in caught.value.message + caught.value.remedy
