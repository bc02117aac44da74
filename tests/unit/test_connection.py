"""Which backend is taken, as whom; what is sent to it; and how its refusals read."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kfops.connection import connect
from kfops.errors import BackendError, ConnectionFailed, InvalidInput, NotFound
from tests.fakes.faulty_server import HEALTHY, Answer, answering, answering_json, by_path, serving

MULTI_USER = {**HEALTHY, "multi_user": True}


def jwt(name: str, **claims: object) -> str:
    payload = json.dumps({"sub": f"system:serviceaccount:ann:{name}", "exp": 4102444800, **claims}).encode()
    return ".".join(["aGVhZA", base64.urlsafe_b64encode(payload).decode().rstrip("="), "c2VjcmV0LXNpZw"])


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text(jwt("default-editor") + "\n", encoding="ascii")
    return path


def cluster(health: object = HEALTHY, **answers: Answer) -> Answer:
    paths = {f"/apis/v1beta1/{name}": answer for name, answer in answers.items()}
    return by_path({"/apis/v1beta1/healthz": answering_json(health), **paths}, answering_json({}))


def test_a_host_gets_the_token_of_the_environment(token_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", str(token_file))
    with serving(cluster()) as server:
        connection = connect(host=server.url)
        assert connection.identity == "system:serviceaccount:ann:default-editor"
        assert server.asked[0].headers["authorization"] == f"Bearer {token_file.read_text().strip()}"


def test_kfp_client_sends_the_token_and_takes_up_a_new_one(token_file: Path) -> None:
    with serving(cluster()) as server:
        client = connect(host=server.url, token_path=str(token_file)).client
        client.list_experiments()
        first = server.asked[-1].headers["authorization"]
        token_file.write_text(jwt("renewed"), encoding="ascii")
        client.list_experiments()
        second = server.asked[-1].headers["authorization"]
    assert first != second
    assert second == f"Bearer {jwt('renewed')}"


def test_our_own_requests_take_up_a_new_token(token_file: Path) -> None:
    with serving(cluster()) as server:
        connection = connect(host=server.url, token_path=str(token_file))
        token_file.write_text(jwt("renewed"), encoding="ascii")
        connection.get_json("/apis/v1beta1/runs")
        assert server.asked[-1].headers["authorization"] == f"Bearer {jwt('renewed')}"
        assert connection.identity.endswith(":renewed")


def test_the_client_is_made_without_a_request_and_without_a_file_in_the_home(
    token_file: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with serving(cluster(MULTI_USER)) as server:
        connection = connect(host=server.url, token_path=str(token_file), namespace="ann")
        before = len(server.asked)
        client = connection.client
        assert len(server.asked) == before
        client.set_user_namespace("bob")
        assert client.get_user_namespace() == "bob"
    assert not (Path.home() / ".config" / "kfp").exists()
    assert capfd.readouterr() == ("", "")


def test_the_client_ignores_the_namespace_that_another_project_left(token_file: Path) -> None:
    import kfp

    with pytest.MonkeyPatch.context() as patch, serving(cluster()) as server:
        left = token_file.parent / "context.json"
        left.write_text(json.dumps({"namespace": "somebody-else"}), encoding="utf-8")
        patch.setattr(kfp.Client, "LOCAL_KFP_CONTEXT", str(left))
        connect(host=server.url, token_path=str(token_file), namespace="ann").client.list_experiments()
        assert "somebody-else" not in server.asked[-1].target
        # A single-user installation answers 400 to any namespace, ours too.
        assert "ann" not in server.asked[-1].target


def test_a_multi_user_cluster_is_asked_in_our_namespace(token_file: Path) -> None:
    with serving(cluster(MULTI_USER)) as server:
        connection = connect(host=server.url, token_path=str(token_file))
        assert connection.namespace == "ann"
        assert "resource_reference_key.id=ann" in server.asked[-1].target
        connection.client.list_experiments()
        assert "resource_reference_key.id=ann" in server.asked[-1].target


def test_a_multi_user_cluster_without_a_namespace_says_where_to_set_it() -> None:
    with serving(cluster(MULTI_USER)) as server:
        connection = connect(host=server.url)
        with pytest.raises(InvalidInput, match="namespace"):
            connection.required_namespace()


@pytest.mark.parametrize("place", ["argument", "config", "endpoint"])
def test_arguments_go_before_the_config_and_that_before_the_environment(
    place: str, nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(cluster()) as right, serving(answering(500)) as wrong:
        monkeypatch.setenv("KF_PIPELINES_ENDPOINT", right.url if place == "endpoint" else wrong.url)
        if place != "endpoint":
            host = right.url if place == "config" else wrong.url
            (nowhere / "config.yaml").write_text(f"connection:\n  host: {host}\n", encoding="utf-8")
        connection = connect(host=right.url) if place == "argument" else connect()
        assert connection.host == right.url
        assert not wrong.asked


@pytest.mark.parametrize(
    ("variable", "value"), [("NB_PREFIX", "/notebook/team-a/my-server"), ("KF_PIPELINES_NAMESPACE", "team-a")]
)
def test_the_namespace_is_that_of_the_notebook_server(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with serving(cluster(MULTI_USER)) as server:
        assert connect(host=server.url).namespace == "team-a"


def test_a_cluster_that_is_named_and_broken_is_not_replaced_by_the_embedded_backend(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("kfops.embedded.start", lambda *_: pytest.fail("fell back"))
    monkeypatch.setenv("KF_PIPELINES_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ConnectionFailed) as caught:
        connect()
    assert caught.value.details["kind"] == "refused"


def test_a_pod_default_whose_token_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", str(tmp_path / "gone"))
    with pytest.raises(ConnectionFailed) as caught:
        connect()
    assert caught.value.details["kind"] == "no_token"
    assert str(tmp_path / "gone") in caught.value.message


@pytest.mark.parametrize("content", [b"", b"two words", b"\xff\xfe\x00"])
def test_a_token_file_without_one_token_is_named_and_not_shown(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_bytes(content)
    with serving(cluster()) as server:
        with pytest.raises(ConnectionFailed) as caught:
            connect(host=server.url, token_path=str(path))
    assert caught.value.details["kind"] == "no_token"
    assert "words" not in str(caught.value)


def test_a_token_that_disappears_in_a_session_is_named_by_the_next_request(token_file: Path) -> None:
    with serving(cluster()) as server:
        connection = connect(host=server.url, token_path=str(token_file))
        token_file.unlink()
        for ask in (lambda: connection.get("/x"), lambda: connection.client.list_experiments()):
            with pytest.raises(ConnectionFailed) as caught:
                ask()
            assert caught.value.details["kind"] == "no_token"


def test_what_the_server_says_of_a_bad_request_is_passed_on() -> None:
    refusal = {"error": "Invalid input error: page size -1", "code": 3, "message": "Invalid input error"}
    with serving(cluster(runs=answering_json(refusal, 400))) as server:
        connection = connect(host=server.url)
        for ask in (
            lambda: connection.get_json("/apis/v1beta1/runs", what="list runs"),
            lambda: connection.call("list runs", lambda client: client.list_runs()),
        ):
            with pytest.raises(BackendError, match="page size -1") as caught:
                ask()
            assert caught.value.details["status"] == 400
            assert "could not list runs" in caught.value.message


def test_what_is_not_there_is_not_found() -> None:
    refusal = {"error": "ResourceNotFoundError: Run X not found.", "code": 5}
    with serving(cluster(runs=answering_json(refusal, 404))) as server:
        connection = connect(host=server.url)
        with pytest.raises(NotFound, match="Run X"):
            connection.get_json("/apis/v1beta1/runs/X", what="read run X")
        with pytest.raises(NotFound, match="Run X"):
            connection.call("read run X", lambda client: client.get_run("X"))


def test_a_session_that_ends_in_a_login_page_is_named(token_file: Path) -> None:
    page = answering(200, "<html><title>Dex</title><form>Log in</form></html>", kind="text/html")
    with serving(cluster(runs=page)) as server:
        connection = connect(host=server.url, token_path=str(token_file))
        with pytest.raises(ConnectionFailed) as caught:
            connection.get_json("/apis/v1beta1/runs")
    assert caught.value.details["kind"] == "login_page"


def test_an_html_artifact_is_an_answer_where_bytes_are_asked_for() -> None:
    log = answering(200, "<html> is what the step printed", kind="text/plain")
    with serving(by_path({"/apis/v1beta1/healthz": answering_json(HEALTHY)}, log)) as server:
        connection = connect(host=server.url)
        assert connection.get("/apis/v1alpha1/log").startswith(b"<html>")


def test_an_answer_that_breaks_off_is_not_taken_for_a_whole_one() -> None:
    def cut(connection, asked, closing) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1000\r\n\r\nhalf a log")

    with serving(cluster(cut=cut)) as server:
        connection = connect(host=server.url)
        with pytest.raises(BackendError, match="in the middle"):
            connection.get("/apis/v1beta1/cut")


def test_the_token_is_in_no_text_about_the_connection(token_file: Path) -> None:
    secret = token_file.read_text().strip()
    echo = answering(403, f"denied for Bearer {secret}")
    with serving(cluster(runs=echo)) as server:
        connection = connect(host=server.url, token_path=str(token_file))
        texts = [repr(connection), repr(vars(connection)), json.dumps(connection.status().to_dict())]
        for ask in (
            lambda: connection.get("/apis/v1beta1/runs"),
            lambda: connection.call("list", lambda client: client.list_runs()),
        ):
            with pytest.raises(ConnectionFailed) as caught:
                ask()
            texts.extend([str(caught.value), repr(caught.value), json.dumps(caught.value.to_dict())])
            texts.append(repr(caught.value.__context__ if not caught.value.__suppress_context__ else ""))
    assert not any(secret in text or secret.split(".")[2] in text for text in texts)


def test_status_says_who_where_and_until_when(token_file: Path) -> None:
    with serving(cluster(MULTI_USER)) as server:
        status = connect(host=server.url, token_path=str(token_file)).status()
    assert (status.kind, status.namespace, status.multi_user) == ("cluster", "ann", True)
    assert status.token_expires_at == "2100-01-01T00:00:00Z"
    assert status.versions["backend"] == "1.7.0"
    assert status.versions["kfp"] == "1.7.0"
    assert status.error is None


def test_status_names_what_has_broken_since(token_file: Path) -> None:
    with serving(cluster()) as server:
        connection = connect(host=server.url, token_path=str(token_file))
    error = connection.status().error
    assert error is not None
    assert error["details"]["kind"] == "refused"


def test_connecting_imports_neither_kfp_nor_kubernetes_nor_minio() -> None:
    with serving(cluster()) as server:
        code = (
            "import sys, kfops.connection as c\n"
            f"c.connect(host={server.url!r}).status()\n"
            "print([m for m in ('kfp', 'kubernetes', 'minio') if m in sys.modules])"
        )
        begin = time.monotonic()
        ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=_root())
    assert ran.stdout.strip() == "[]"
    assert time.monotonic() - begin < 30


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(InvalidInput, match="'clutser'"):
        connect(kind="clutser")


def _root() -> Path:
    return Path(__file__).resolve().parents[2]
