"""Nobody uses a route without being logged in, nor by a page of somebody else's."""

from __future__ import annotations

import json
import re

import pytest
from jupyter_server.auth import Authorizer
from kfops_server.routes import ROUTES
from tornado.httpclient import HTTPClientError

VERBS = ("get", "post", "put", "patch", "delete")
XSRF = "0123456789abcdef0123456789abcdef"


def verbs_of(handler):
    """The verbs that a route has: those that its class, or a base of ours, defines."""
    ours = [kind for kind in handler.__mro__ if kind.__module__.startswith("kfops_server")]
    return [verb.upper() for verb in VERBS if any(verb in vars(kind) for kind in ours)]


ALL = [
    (verb, re.sub(r"\(.*?\)", "x1", pattern).lstrip("/")) for pattern, handler in ROUTES for verb in verbs_of(handler)
]
CHANGING = [(verb, path) for verb, path in ALL if verb != "GET"]


class ReadOnly(Authorizer):
    """Lets everybody read and nobody change what belongs to kfops."""

    def is_authorized(self, handler, user, action, resource):
        return resource != "kfops" or action == "read"


@pytest.fixture
def send(http_server_client, jp_base_url):
    """Send a request with the headers given and no other; return the response whatever its status."""

    async def request(method, path, headers=None):
        body = b"{}" if method in ("POST", "PATCH", "PUT") else None
        try:
            return await http_server_client.fetch(
                jp_base_url + path, method=method, headers=headers or {}, body=body, follow_redirects=False
            )
        except HTTPClientError as error:
            return error.response

    return request


@pytest.fixture
def log_in(send, jp_auth_header):
    """Return the login cookie that a browser has after its first visit."""

    async def visit():
        answer = await send("GET", "api/status", jp_auth_header)
        return next(c.split(";")[0] for c in answer.headers.get_list("Set-Cookie") if c.startswith("username-"))

    return visit


def test_there_are_routes_to_be_tried():
    assert len(ALL) >= 30
    assert len(CHANGING) >= 12


@pytest.mark.parametrize(("method", "path"), ALL)
async def test_a_route_refuses_who_is_not_logged_in(send, services, method, path):
    # With the XSRF header and cookie, so that it is the login that is missing.
    response = await send(method, path, {"Cookie": f"_xsrf={XSRF}", "X-XSRFToken": XSRF})
    assert response.code == 403
    assert json.loads(response.body)["code"] == "forbidden"
    assert services.worker._starting is None
    assert not services.worker.alive


@pytest.mark.parametrize(("method", "path"), CHANGING)
async def test_a_route_refuses_a_logged_in_browser_without_the_xsrf_header(send, log_in, services, method, path):
    login = await log_in()
    response = await send(method, path, {"Cookie": f"{login}; _xsrf={XSRF}"})
    assert response.code == 403
    assert "_xsrf" in json.loads(response.body)["message"]
    assert services.worker._starting is None
    assert services.operations.list() == []


async def test_a_logged_in_browser_with_the_xsrf_header_is_let_in(send, log_in):
    login = await log_in()
    headers = {"Cookie": f"{login}; _xsrf={XSRF}", "X-XSRFToken": XSRF}
    assert (await send("POST", "kfops/versions/v1/images", headers)).code == 202


class TestRoutesAlone:
    """Jupyter Servers before 2.13, and those configured so, leave it to each route to ask who is there."""

    @pytest.fixture
    def jp_server_config(self, extension_config):
        return {
            "ServerApp": {"jpserver_extensions": {"kfops_server": True}, "allow_unauthenticated_access": True},
            "KfopsServer": extension_config,
        }

    @pytest.mark.parametrize(("method", "path"), ALL)
    async def test_a_route_refuses_who_is_not_logged_in(self, send, services, method, path):
        response = await send(method, path, {"Cookie": f"_xsrf={XSRF}", "X-XSRFToken": XSRF})
        assert response.code == 403
        assert services.worker._starting is None
        assert not services.worker.alive


class TestAuthorizer:
    """An authorizer of the server's may let somebody look only."""

    @pytest.fixture
    def jp_server_config(self, extension_config):
        return {
            "ServerApp": {"jpserver_extensions": {"kfops_server": True}, "authorizer_class": ReadOnly},
            "KfopsServer": extension_config,
        }

    @pytest.mark.parametrize(("method", "path"), CHANGING)
    async def test_changing_is_refused(self, send, jp_auth_header, method, path):
        assert (await send(method, path, jp_auth_header)).code == 403

    async def test_reading_is_not(self, send, jp_auth_header):
        assert (await send("GET", "kfops/runs", jp_auth_header)).code == 200
