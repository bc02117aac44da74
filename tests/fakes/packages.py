"""Packages written by hand, so that no compiler is needed to know what is in them."""

from __future__ import annotations

import json
from typing import Sequence

import yaml

from kfops.types import Graph, Package, Parameter, Source


def package(name: str = "churn", *, images: Sequence[str] = (), description: str = "Who leaves") -> Package:
    """Return a package of two steps, ``prepare`` and then ``train``, which materializes a model."""
    inputs = [
        {"name": "rate", "type": "Float", "default": "0.1", "optional": True},
        {"name": "data", "type": "String"},
        {"name": "deep", "type": "Boolean", "default": "True", "optional": True},
        {"name": "layers", "type": "JsonArray", "default": "[1, 2]", "optional": True},
    ]
    arguments = [{"name": i["name"], **({"value": i["default"]} if "default" in i else {})} for i in inputs]
    tasks = [
        {"name": "prepare", "template": "prepare"},
        {"name": "train", "template": "train", "dependencies": ["prepare"]},
    ]
    image = f"registry.example.org/{images[0]}:{{{{workflow.parameters.version_id}}}}" if images else "python:3.9"
    workflow = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {
            "generateName": f"{name}-",
            "annotations": {
                "pipelines.kubeflow.org/pipeline_spec": json.dumps({"name": name, "inputs": inputs}),
                "kfops.dev/source": json.dumps({"kind": "notebook", "path": "churn.ipynb", "sha256": "ab"}),
                "kfops.dev/images": json.dumps(list(images)),
            },
        },
        "spec": {
            "entrypoint": name,
            "arguments": {"parameters": [*arguments, {"name": "version_id", "value": ""}]},
            "templates": [
                {"name": name, "dag": {"tasks": tasks}},
                {"name": "prepare", "container": {"image": image, "command": ["true"]}},
                {
                    "name": "train",
                    "container": {"image": "python:3.9", "command": ["true"]},
                    "metadata": {"annotations": {"kfops.dev/materialize": "true"}},
                },
            ],
        },
    }
    return Package(
        name=name,
        description=description,
        mode="V1_LEGACY",
        parameters=[Parameter("rate", "float", 0.1)],
        graph=Graph(name),
        size=1,
        sha256="",
        images=list(images),
        source=Source("notebook"),
        compiled_at="",
        workflow=workflow,
        text=yaml.safe_dump(workflow),
    )
