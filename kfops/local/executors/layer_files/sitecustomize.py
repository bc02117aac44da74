"""Loaded by the Python of a step that has a layer of packages, before anything else.

The layer comes first where Python looks for modules. What else Python does with a folder of packages, such as joining
the parts of ``google``, is done here. Every start of Python pays for what is imported here.
"""

import os
import site
import sys
from importlib.machinery import PathFinder


def _run_the_hidden_one(own: str) -> None:
    """Run the sitecustomize of the environment, which this one stands in front of."""
    path = [folder for folder in sys.path if os.path.abspath(folder) != own]
    spec = PathFinder.find_spec("sitecustomize", path)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(sys.modules[__name__])


site.addsitedir(os.environ["KFOPS_PACKAGES"])
_run_the_hidden_one(os.path.dirname(os.path.abspath(__file__)))
