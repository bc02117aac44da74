"""openapi.yaml is held to the routes, to the wire types, and to what is really answered."""

from __future__ import annotations

import dataclasses
import re
import typing
from pathlib import Path

import jsonschema
import kfops_server
import pytest
import yaml
from kfops_server.operations import Operation
from kfops_server.routes import ROUTES
from kfops_server.routes import compile as compile_routes
from openapi_spec_validator import validate

from kfops import types

from .test_access import verbs_of

DOCUMENT = yaml.safe_load((Path(kfops_server.__file__).parent / "openapi.yaml").read_text())
SCHEMAS = DOCUMENT["components"]["schemas"]

WIRE_TYPES = sorted(
    (kind for kind in vars(types).values() if dataclasses.is_dataclass(kind) and issubclass(kind, types.Wire)),
    key=lambda kind: kind.__name__,
)


def verbs_in(item):
    return {verb.upper() for verb in item if verb in ("get", "post", "put", "patch", "delete")}


def shape(path):
    return re.sub(r"\{.*?\}", "{}", path)


def test_the_document_is_valid_openapi():
    validate(DOCUMENT)


def test_the_document_and_the_routes_have_the_same_paths_and_verbs():
    described = {shape(path): verbs_in(item) for path, item in DOCUMENT["paths"].items()}
    served = {re.sub(r"\(.*?\)", "{}", pattern): set(verbs_of(handler)) for pattern, handler in ROUTES}
    assert served == described


@pytest.mark.parametrize("kind", WIRE_TYPES, ids=lambda kind: kind.__name__)
def test_a_schema_has_the_fields_of_its_type(kind):
    fields = {field.name for field in dataclasses.fields(kind)}
    if kind is types.Package:
        fields -= {"workflow", "text"}
    assert set(SCHEMAS[kind.__name__]["properties"]) == fields


@pytest.mark.parametrize("kind", WIRE_TYPES, ids=lambda kind: kind.__name__)
def test_a_schema_has_the_types_of_its_fields(kind):
    names = {str: "string", int: "integer", float: "number", bool: "boolean"}
    hints = typing.get_type_hints(kind)
    for name, schema in SCHEMAS[kind.__name__]["properties"].items():
        if "$ref" in schema and hints[name] is str:
            schema = SCHEMAS[schema["$ref"].rsplit("/", 1)[1]]
        if hints[name] in names:
            assert schema.get("type") == names[hints[name]], name
        elif typing.get_origin(hints[name]) is list:
            assert schema["type"] == "array", name


def test_the_states_are_the_ones_used_everywhere():
    assert tuple(SCHEMAS["State"]["enum"]) == types.STATES


def test_an_operation_has_the_fields_that_are_described():
    assert {field.name for field in dataclasses.fields(Operation)} == set(SCHEMAS["Operation"]["properties"])


@pytest.mark.parametrize(("schema", "more"), [("CompileRequest", set()), ("UploadRequest", {"build", "description"})])
def test_a_request_body_has_the_fields_that_are_read(schema, more):
    described = set(SCHEMAS[schema]["properties"])
    assert {field.name for field in compile_routes._SOURCE} <= described
    assert more <= described
    required = {field.name for field in compile_routes._SOURCE if field.required}
    assert set(SCHEMAS[schema]["required"]) == required


def check(value, name):
    """Validate a value against a schema of the document."""
    document = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    jsonschema.Draft202012Validator(document).validate(value)


async def test_what_is_answered_is_as_described(api, finished):
    _, status = await api("GET", "status", wait="1")
    check(status, "Status")
    _, operation = await api("POST", "versions/log/images")
    check(operation, "Operation")
    check(await finished(operation), "Operation")
    _, error = await api("GET", "versions/error-not-found")
    check(error, "Error")


@pytest.mark.parametrize("state", ["missing", "failed"])
async def test_a_status_without_an_environment_is_as_described(api, services, monkeypatch, state):
    if state == "failed":
        monkeypatch.setenv("SCRIPTED_WORKER", "dies")
    else:
        services.worker._finder._python = "/nowhere/python"
    _, status = await api("GET", "status", wait="1")
    assert status["environment"]["state"] == state
    check(status, "Status")
