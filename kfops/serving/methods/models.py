"""Model versions."""

from __future__ import annotations

from typing import Dict, List

from kfops import models
from kfops.config import load
from kfops.serving.calls import Call, Method
from kfops.serving.methods.access import Access, Wire, wire, wires


class ModelMethods:
    """What the model store holds."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def table(self) -> Dict[str, Method]:
        """Return the methods by the names they have over the wire."""
        return {"models.list": self.list_models, "models.get": self.get_model}

    def list_models(self, call: Call, root: str) -> List[Wire]:
        """Return the model versions."""
        config = load(start=root)
        return self._access.ask(root, lambda c: wires(models.list_models(config=config, connection=c)))

    def get_model(self, call: Call, root: str, key: str) -> Wire:
        """Return one model version."""
        config = load(start=root)
        return self._access.ask(root, lambda c: wire(models.get_model(key, config=config, connection=c)))
