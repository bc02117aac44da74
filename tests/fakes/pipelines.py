"""Pipelines that between them use what kfp 1.7.0 compiles: those of any mode, and those of V1_LEGACY only."""

# No postponed annotations here: kfp reads those of components as they are.

from typing import Any, Callable, Dict, NamedTuple

from kfp import dsl
from kfp.components import InputPath, OutputPath, create_component_from_func, load_component_from_text
from kfp.v2.dsl import Artifact, Dataset, Input, Metrics, Model, Output, component
from kubernetes import client as k8s

#: Text that is hard on whatever writes and reads it.
ODD = (
    "yes|1e3|012|null|~|2001-01-01|1:30| a |a: b|a #b|- a|tab\there|é 😀|\u2028|\x85|'\"\\|{{workflow.uid}}|$(X)|{{$}}"
)


@create_component_from_func
def add(a: int, b: int = 2) -> int:
    """Add."""
    print(f"{a} + {b}: 100 %")

    return a + b


@create_component_from_func
def text_of(value: str = "a\nb\n\n", other: str = " x ") -> str:
    return value + other


@create_component_from_func
def split(number: int) -> NamedTuple("Parts", [("low", int), ("high", int), ("all_of_it", list)]):
    return number, number, [number]


@create_component_from_func
def copy(source: InputPath("Data"), target: OutputPath("Data"), times: int = 1):
    pass


@create_component_from_func
def make(target: OutputPath("Data")):
    pass


@component(base_image="python:3.9", packages_to_install=["pandas==1.3"])
def prepare(rows: int, note: str, data: Output[Dataset], other: Output[Artifact]) -> int:
    return rows


@component
def train(data: Input[Dataset], rate: float, model: Output[Model], metrics: Output[Metrics]) -> NamedTuple(
    "Out", [("score", float), ("label", str)]
):
    return 1.0, "x"


PROGRAM = """
name: Every Kind of - Placeholder
description: |
  Of several
  lines
inputs:
- {name: Some Text, type: String, default: 'on'}
- {name: Some data}
- {name: not given, optional: true}
- {name: number, type: Integer, optional: true}
outputs:
- {name: The Result, type: {GCSPath: {data_type: CSV}}}
- {name: mlpipeline-metrics}
metadata:
  annotations: {author: me, volatile_component: 'true'}
  labels: {a.b/c: '1'}
implementation:
  container:
    image: gcr.io/x/y:1.0
    env: {MODE: 'off', "N": '012'}
    command: [sh, -c, 'echo "$0" "$@" # no comment']
    args:
    - {concat: ['--text=', {inputValue: Some Text}, ':']}
    - {inputPath: Some data}
    - if: {cond: {isPresent: not given}, then: [--given, {inputValue: not given}], else: [--none]}
    - if: {cond: {isPresent: number}, then: [--number, {inputValue: number}]}
    - {outputPath: The Result}
    - {outputPath: mlpipeline-metrics}
"""
every_placeholder = load_component_from_text(PROGRAM)


@dsl.pipeline(name="chain", description="One after another")
def chain(start: int = 1):
    last = start
    for _ in range(12):
        last = add(last).output


@dsl.pipeline(name="Names, that collide!")
def names():
    for name in ("a", "a", "A", "a 2", "a", "a-2", "a_3", "a", "Ünicode", "?", "!", "", "x" * 70):
        step = add(1, 2) if name == "?" else text_of(name)
        step.set_display_name(name or "none")
    add(1).after(step)


@dsl.pipeline(name="conditions")
def conditions(flag: bool = True, limit: int = 5, word: str = "on"):
    first = add(limit)
    with dsl.Condition(first.output > 3, name="large"):
        inner = add(first.output)
        with dsl.Condition(inner.output != "7"), dsl.Condition(word == "on"):
            add(inner.output, first.output)
    with dsl.Condition(first.output <= limit):
        text_of(word)
    for compare in ("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"):
        with dsl.Condition(getattr(first.output, compare)("a b")):
            add(first.output)


@dsl.pipeline(name="loops")
def loops(items: list = [1, 2, "3"], word: str = "x"):  # noqa: B006
    parts = split(3)
    with dsl.ParallelFor([{"a": 1, "b": "yes"}, {"a": 2, "b": "é"}]) as item:
        add(item.a)
        text_of(item.b, word)
        with dsl.ParallelFor([1, 2, 3], parallelism=2) as number:
            add(number, item.a)
    with dsl.ParallelFor(items) as entry:
        text_of(entry).after(parts)
    with dsl.ParallelFor(parts.outputs["all_of_it"]) as found, dsl.Condition(found == 1):
        add(found, parts.outputs["low"])
    with dsl.SubGraph(parallelism=3), dsl.ParallelFor(parts.outputs["all_of_it"]) as found:
        text_of(found.name)


@dsl.pipeline(name="exit", description=ODD)
def with_exit(word: str = ODD, empty: str = "", many: str = "a\n b\n\n\tc", number: float = 1e20):
    farewell = text_of(word, "bye")
    with dsl.ExitHandler(farewell):
        text_of(word, ODD)
        text_of(many, empty)
        text_of(f"{word}-{many} $ {number}", "x")


@dsl.pipeline(name="placeholders")
def placeholders(word: str = "a"):
    made = every_placeholder(some_text=word, some_data=make().output)
    again = every_placeholder(some_data=made.outputs["The Result"], number=3)
    copy(
        again.outputs["The Result"].ignore_type(), times=4
    ).execution_options.caching_strategy.max_cache_staleness = "P3D"


@dsl.pipeline(name="artifacts", description="", pipeline_root="minio://mlpipeline/root")
def artifacts(rows: int = 10, rate: float = 0.1, note: str = "a: b"):
    prepared = prepare(rows, note)
    trained = train(data=prepared.outputs["data"], rate=rate)
    prepare(prepared.outputs["Output"], trained.outputs["label"]).set_caching_options(False)
    copy(trained.outputs["model"].ignore_type())


@dsl.pipeline(name="decorated-steps")
def decorated(word: str = "a"):
    step = text_of(word)
    step.set_cpu_limit("1").set_memory_request("1G").set_gpu_limit(2).set_retry(3, policy="Always")
    step.add_node_selector_constraint("pool", "yes").set_timeout(60).set_display_name("shown: yes")
    step.add_pod_label("label", "on").add_pod_annotation("note", ODD)
    step.add_toleration(k8s.V1Toleration(key="gpu", operator="Exists", effect="NoSchedule", toleration_seconds=3))
    step.container.add_env_variable(k8s.V1EnvVar(name="WORD", value="1e3"))
    step.container.add_env_from(k8s.V1EnvFromSource(secret_ref=k8s.V1SecretEnvSource(name="s", optional=True)))
    step.add_volume(k8s.V1Volume(name="v", empty_dir=k8s.V1EmptyDirVolumeSource(size_limit="1Gi")))
    step.container.add_volume_mount(k8s.V1VolumeMount(name="v", mount_path="/v", read_only=False))
    step.container.set_image_pull_policy("Always").set_security_context(k8s.V1SecurityContext(run_as_user=0))
    conf = dsl.get_pipeline_conf()
    conf.set_image_pull_secrets([k8s.V1LocalObjectReference(name="registry")])
    conf.set_timeout(600).set_ttl_seconds_after_finished(30).set_parallelism(4).set_image_pull_policy("IfNotPresent")
    conf.set_default_pod_node_selector("zone", "no").set_pod_disruption_budget("50%")
    conf.set_dns_config(
        k8s.V1PodDNSConfig(nameservers=["1.2.3.4"], options=[k8s.V1PodDNSConfigOption(name="ndots", value="2")])
    )
    conf.add_op_transformer(lambda op: op.add_pod_label("transformed", "012"))


@dsl.pipeline(name="containers")
def containers(size: str = "1Gi", count: int = 1, image: str = "busybox"):
    check = dsl.UserContainer("check", "busybox", command="true", args=[size], mirror_volume_mounts=True)
    proxy = dsl.Sidecar("proxy", "nginx:1.21", args=["--size", size], env=[k8s.V1EnvVar(name="A", value="b")])
    first = dsl.ContainerOp(
        name="Make Data",
        image=f"gcr.io/{image}:1",
        command=["sh", "-c"],
        arguments=["echo", size, 3, 1.5, True, None, ODD],
        init_containers=[check],
        sidecars=[proxy],
        file_outputs={"data": "/tmp/data", "mlpipeline-ui-metadata": "/m.json", "MLPipeline Metrics": "/x.json"},
        container_kwargs={"working_dir": "/w", "ports": [k8s.V1ContainerPort(container_port=80, name="http")]},
    )
    first.container.set_memory_limit(size).add_resource_limit("nvidia.com/gpu", count).set_cpu_request("100m")
    first.container.set_readiness_probe(
        k8s.V1Probe(http_get=k8s.V1HTTPGetAction(path="/", port=80), initial_delay_seconds=3)
    ).set_tty(False)
    first.container.set_lifecycle(k8s.V1Lifecycle(pre_stop=k8s.V1Handler(_exec=k8s.V1ExecAction(command=["a", "b"]))))
    first.set_retry(2, "OnFailure", backoff_duration="10s", backoff_factor=2.0, backoff_max_duration="1m")
    first.add_affinity(
        k8s.V1Affinity(
            node_affinity=k8s.V1NodeAffinity(
                required_during_scheduling_ignored_during_execution=k8s.V1NodeSelector(
                    node_selector_terms=[
                        k8s.V1NodeSelectorTerm(
                            match_expressions=[k8s.V1NodeSelectorRequirement(key="a", operator="In", values=["y", "n"])]
                        )
                    ]
                )
            )
        )
    )
    first.add_node_selector_constraint("disk", size).add_pod_annotation("size", size)
    dsl.ContainerOp(
        name="use",
        image="busybox",
        arguments=[
            "cat",
            dsl.InputArgumentPath(first.outputs["data"]),
            dsl.InputArgumentPath("inline: yes", path="/p"),
        ],
        artifact_argument_paths=[dsl.InputArgumentPath(argument="constant", input="fixed", path="/fixed")],
        output_artifact_paths={"extra": "/extra"},
    ).add_pod_label("add-pod-env", "true")
    add(first.outputs["data"]).apply(lambda op: op.set_caching_options(False))


@dsl.pipeline(name="models")
def models(claim: str = "claim", key: str = "key"):
    """Parameters inside of kubernetes models, and models that two steps share."""
    place = k8s.V1PersistentVolumeClaimVolumeSource(claim_name=claim)
    volume = k8s.V1Volume(name="v", persistent_volume_claim=place)
    chosen = k8s.V1SecretKeySelector(name=f"secret-{claim}", key=key)
    variables = [
        k8s.V1EnvVar(name="KEY", value_from=k8s.V1EnvVarSource(secret_key_ref=chosen)),
        k8s.V1EnvVar(name="BOTH", value=f"{claim}/{key}"),
        k8s.V1EnvVar(name="EMPTY", value=""),
    ]
    for number in range(2):
        step = dsl.ContainerOp(
            name="step", image="busybox", command=("echo", claim), arguments=[("a", key), {"b": key}]
        )
        step.add_volume(volume).add_pod_annotation(f"annotation-{number}", key)
        step.container.add_volume_mount(k8s.V1VolumeMount(name="v", mount_path=f"/{number}", sub_path=key))
        for variable in variables:
            step.container.add_env_variable(variable)
        step.add_toleration(k8s.V1Toleration(key=key, operator="Exists"))


@dsl.pipeline(name="resources")
def resources(name: str = "claim", size: str = "2Gi"):
    volume = dsl.VolumeOp(
        name="Volume", resource_name=name, size=size, modes=dsl.VOLUME_MODE_RWM, annotations={"a": "on"}
    )
    other = dsl.VolumeOp(
        name="other", resource_name="fixed", size="1Gi", storage_class="fast", set_owner_reference=True
    )
    writer = dsl.ContainerOp("write", "busybox", ["sh"], pvolumes={"/data": volume.volume, "/more": other.volume})
    writer.add_volume(k8s.V1Volume(name="s", secret=k8s.V1SecretVolumeSource(secret_name="x")))
    snapshot = dsl.VolumeSnapshotOp(name="snap", resource_name="snap", volume=volume.volume).after(writer)
    dsl.VolumeOp(
        name="restored", resource_name="restored", data_source=snapshot.snapshot, size=snapshot.outputs["size"]
    )
    dsl.ContainerOp(
        "read", "busybox", pvolumes={"/data": writer.pvolumes["/data"], "/own": dsl.PipelineVolume(pvc="own")}
    )
    job = dsl.ResourceOp(
        name="job",
        k8s_resource={
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"generateName": "job-", "labels": {"x": "1e3"}},
            "spec": {"parallelism": 2, "suspend": False, "note": None, "name": name, "text": "a\nb"},
        },
        action="create",
        success_condition="status.succeeded > 0",
        failure_condition="status.failed > 3",
        attribute_outputs={"uid": "{.metadata.uid}"},
    )
    text_of(job.outputs["uid"], job.outputs["name"])
    job.delete()


@dsl.graph_component
def _until(flag: Any, limit: Any) -> None:
    turn = text_of(flag)
    with dsl.Condition(turn.output == "tails"):
        _until(turn.output, limit)
    with dsl.Condition(turn.output == limit):
        text_of(limit)


@dsl.pipeline(name="recursion")
def recursion(limit: str = "heads"):
    first = text_of("a")
    _until(first.output, limit).after(first)
    text_of("end")


Pipeline = Callable[..., None]

OF_ANY_MODE: Dict[str, Pipeline] = {
    function.__name__: function
    for function in (chain, names, conditions, loops, with_exit, artifacts, decorated, recursion)
}
OF_V1: Dict[str, Pipeline] = {function.__name__: function for function in (placeholders, containers, models, resources)}
