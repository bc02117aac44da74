"""Python functions as kfp makes components of them: values, files and metrics, by artifacts and through a volume.

The annotations of the components are read by kfp when they are made, so that they cannot be put off here.
"""

from pathlib import Path
from typing import NamedTuple

import pytest
from kfp import dsl
from kfp.components import InputPath, OutputPath, create_component_from_func
from kfp.dsl.data_passing_methods import KubernetesVolume
from kubernetes.client import models as k8s

from tests.conformance.test_engine_features import run

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")


def test_python_components_pass_values_files_and_metrics(tmp_path: Path) -> None:
    def produce(
        text: str,
        data_path: OutputPath("Data"),
        mlpipeline_metrics_path: OutputPath("Metrics"),
    ) -> NamedTuple("Out", [("length", int), ("mlpipeline_ui_metadata", str)]):
        import json

        with open(data_path, "w") as file:
            file.write(text * 2)
        with open(mlpipeline_metrics_path, "w") as file:
            json.dump({"metrics": [{"name": "size", "numberValue": len(text), "format": "RAW"}]}, file)
        return (len(text), json.dumps({"outputs": []}))

    def consume(data_path: InputPath("Data"), length: int) -> None:
        print(open(data_path).read(), length + 1)  # noqa: SIM115

    first, second = create_component_from_func(produce), create_component_from_func(consume)

    def pipeline(text: str = "ab") -> None:
        made = first(text)
        second(made.outputs["data"], made.outputs["length"])

    ended = run(pipeline, tmp_path, text="été")
    assert ended.phase == "Succeeded", ended.status
    assert ended.log("consume") == "étéété 4\n"
    kept = {artifact["name"] for artifact in ended.nodes["produce"]["outputs"]["artifacts"]}
    assert {"mlpipeline-metrics", "mlpipeline-ui-metadata"} <= kept


def test_data_is_passed_through_a_volume(tmp_path: Path) -> None:
    (tmp_path / "volumes" / "data").mkdir(parents=True)

    def produce(data_path: OutputPath("Data")) -> int:
        with open(data_path, "w") as file:
            file.write("through the volume")
        return 7

    def consume(number: int, data_path: InputPath("Data")) -> None:
        print(open(data_path).read(), number)  # noqa: SIM115

    first, second = create_component_from_func(produce), create_component_from_func(consume)

    def pipeline() -> None:
        made = first()
        second(made.outputs["Output"], made.outputs["data"])
        claim = k8s.V1PersistentVolumeClaimVolumeSource("data")
        dsl.get_pipeline_conf().data_passing_method = KubernetesVolume(
            volume=k8s.V1Volume(name="data", persistent_volume_claim=claim), path_prefix="artifacts/"
        )

    ended = run(pipeline, tmp_path)
    assert ended.phase == "Succeeded", ended.status
    assert ended.log("consume") == "through the volume 7\n"
    assert [path for path in (tmp_path / "volumes" / "data").rglob("*") if path.is_file()]
