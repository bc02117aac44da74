"""The extension application: its settings, its routes, and the life of what stands behind them."""

from __future__ import annotations

import atexit
import os

from jupyter_server.extension.application import ExtensionApp
from traitlets import Float, Unicode

from . import languages
from .environment import EnvironmentFinder
from .operations import Operations
from .routes import ROUTES
from .services import Services
from .worker_client import WorkerClient


class KfopsServer(ExtensionApp):
    """REST API below ``<base_url>kfops/``; the Jupyter Server itself never imports kfp."""

    name = "kfops_server"
    handlers = ROUTES

    python = Unicode(
        help="""Interpreter of the pipeline environment, the one that has kfp 1.7.0 and kfops-lab[kernel].

        Empty: the environment variable KFOPS_PYTHON, else this server's own interpreter when it has kfp 1.7.0, else
        the first registered Jupyter kernel whose interpreter has it.""",
    ).tag(config=True)

    compile_time_limit = Float(60.0, help="Seconds that compiling one pipeline may take.").tag(config=True)

    request_time_limit = Float(30.0, help="Seconds that the backend may take to answer one request.").tag(config=True)

    start_time_limit = Float(60.0, help="Seconds that the worker process may take to start.").tag(config=True)

    def initialize_settings(self) -> None:
        """Build the services once; nothing is started before the first request needs it."""
        server = self.serverapp
        finder = EnvironmentFinder(self.python, server.kernel_spec_manager, self.log)
        self.worker = WorkerClient(finder, self.log, start_time_limit=self.start_time_limit)
        self.settings["kfops_services"] = Services(
            worker=self.worker,
            operations=Operations(self.log),
            contents=server.contents_manager,
            # A contents manager that keeps no files has no root; the server's own is where config.yaml is looked for.
            root=os.path.abspath(getattr(server.contents_manager, "root_dir", "") or server.root_dir),
            compile_time_limit=self.compile_time_limit,
            request_time_limit=self.request_time_limit,
        )
        languages.offer()
        # For a server that ends without its clean-up, such as one stopped by an exception while starting.
        atexit.register(self.worker.kill)

    async def stop_extension(self) -> None:
        """End the operations and the worker with the server."""
        await self.settings["kfops_services"].close()
        atexit.unregister(self.worker.kill)
