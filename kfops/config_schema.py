"""The sections and keys of config.yaml. The schema is closed: a key that does not stand here is a mistake."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, SecretStr, field_validator
from pydantic_core import PydanticCustomError
from typing_extensions import Literal


class Section(BaseModel):
    """A group of keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Repository(Section):
    """The repository of the project, for those who come from the original Kfops."""

    owner: str
    name: str


class PipelineSection(Section):
    """The project's pipeline: its name, where it runs and what it is compiled from."""

    name: str
    description: str = ""
    namespace: str = ""
    experiment_name: str = ""
    pipeline_path: str = ""
    pipeline_function_name: Optional[str] = None
    pipeline_execution_mode: str = "V2_COMPATIBLE"
    pipeline_args: Dict[str, Any] = Field(default_factory=dict)

    @field_validator("pipeline_execution_mode")
    @classmethod
    def _known_mode(cls, mode: str) -> str:
        if mode == "V2_ENGINE":
            raise PydanticCustomError(
                "not_supported",
                "V2_ENGINE",
                {"why": "kfp 1.7.0 refuses to compile V2_ENGINE.", "remedy": "Use V2_COMPATIBLE."},
            )
        if mode not in ("V1_LEGACY", "V2_COMPATIBLE"):
            raise PydanticCustomError(
                "not_possible",
                "mode",
                {"why": f"{mode!r} is no execution mode.", "remedy": "Use V2_COMPATIBLE or V1_LEGACY."},
            )
        return mode


class Production(Section):
    """Where models serve; the namespace must exist."""

    namespace: str


class Deployment(Section):
    """How the model is served."""

    inference_service_name: str
    inference_service_function_path: str
    production: Production
    staging: Optional[Production] = None
    pre_deployment_test_sample_input_path: Optional[str] = None


class Image(Section):
    """An image of the project; folders are relative to the project's root."""

    name: str
    dockerfile_folder_path: str
    other_folders_path: List[str] = Field(default_factory=list)


class MinioCredentials(Section):
    """Keys in plain text, as the original Kfops has them; better name where they are."""

    endpoint: str
    access_key: SecretStr
    secret_key: SecretStr


class Minio(Section):
    """Where build contexts for Kaniko go. Keys are named, not written: two variables or a Secret."""

    context_files_bucket_name: str = "image-build-artifacts"
    endpoint: str = ""
    secure: bool = False
    access_key_env: str = ""
    secret_key_env: str = ""
    secret: str = ""
    credentials: Optional[MinioCredentials] = None


class ImageBuilder(Section):
    """The images of the project, the registry they go to and the builder that makes them."""

    container_registry_uri: str
    insecure: bool = False
    images: List[Image] = Field(default_factory=list)
    minio: Minio = Field(default_factory=Minio)
    builder: Literal["auto", "buildah", "podman", "docker", "kaniko"] = "auto"


class Models(Section):
    """The model store: "" (the connection decides), a folder, or ``s3://bucket``. Keys are named, not written."""

    store: str = ""
    endpoint: str = ""
    secure: bool = False
    access_key_env: str = ""
    secret_key_env: str = ""
    secret: str = ""


class ConnectionSection(Section):
    """Which backend; ``auto`` takes what is named here or by the environment, else the embedded one."""

    kind: Literal["auto", "embedded", "cluster"] = "auto"
    host: str = ""
    namespace: str = ""
    token_path: str = ""
    ui_url: str = ""


class Local(Section):
    """How the embedded backend executes this project's steps. The file with secrets is named, and read when needed."""

    executor: Literal["process", "warm", "container"] = "process"
    engine: Literal["auto", "podman", "docker"] = "auto"
    secrets: str = ""
    parallelism: Optional[int] = None

    @field_validator("parallelism")
    @classmethod
    def _some_steps(cls, parallelism: Optional[int]) -> Optional[int]:
        if parallelism is not None and parallelism < 1:
            raise PydanticCustomError(
                "not_possible",
                "parallelism",
                {
                    "why": f"It is how many steps are executed at a time, and {parallelism} would execute none.",
                    "remedy": "Take 1 or more, or leave it out: then the machine's processors decide.",
                },
            )
        return parallelism


class Config(Section):
    """config.yaml. Sections that the file leaves out have their defaults; relative paths start at ``root``."""

    repository: Optional[Repository] = None
    pipeline: PipelineSection = Field(default_factory=lambda: PipelineSection(name=""))
    image_builder: ImageBuilder = Field(default_factory=lambda: ImageBuilder(container_registry_uri=""))
    models: Models = Field(default_factory=Models)
    connection: ConnectionSection = Field(default_factory=ConnectionSection)
    local: Local = Field(default_factory=Local)
    deployment: Optional[Deployment] = None

    _path: Optional[Path] = PrivateAttr(default=None)
    _root: Path = PrivateAttr(default_factory=Path.cwd)
    _chosen: str = PrivateAttr(default="auto")

    @property
    def path(self) -> Optional[Path]:
        """The file it was read from, None where there is none."""
        return self._path

    @property
    def root(self) -> Path:
        """The folder that relative paths refer to."""
        return self._root

    @property
    def chosen(self) -> str:
        """The backend that this person has chosen for the project: ``embedded``, ``cluster`` or ``auto``."""
        return self._chosen

    @property
    def backend(self) -> str:
        """The kind of backend that is meant: the one chosen, else the one of ``connection``."""
        return self._chosen if self._chosen != "auto" else self.connection.kind

    def located(self, path: Optional[Path], root: Path) -> Config:
        """Note where the configuration comes from, and return it."""
        self._path = path
        self._root = root
        return self

    def using(self, chosen: str) -> Config:
        """Return the same configuration with another backend chosen."""
        found = self.model_copy()
        found._chosen = chosen
        return found


def section_keys(place: Tuple[str, ...]) -> List[str]:
    """Return the keys of the section at ``place``, () being the file itself; [] where there is no such section."""
    model: Any = Config
    for name in place:
        found = model.model_fields.get(name)
        model = _section_in(found.annotation) if found is not None else None
        if model is None:
            return []
    return list(model.model_fields)


def _section_in(annotation: Any) -> Any:
    """Return the section among ``Section``, ``Optional[Section]`` and ``List[Section]``, or None."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    return next((part for part in map(_section_in, getattr(annotation, "__args__", ())) if part), None)
