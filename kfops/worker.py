"""The worker: the process that does for the Jupyter Server what needs kfp.

``python -m kfops.worker --fd N`` is started by the server extension, with one end of a socket pair as file
descriptor N, and ends when the other end closes. kfops/serving/ is what it does.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
from typing import List, Optional

from kfops.connection import versions
from kfops.serving.calls import Calls
from kfops.serving.channel import Channel
from kfops.serving.compiling import Compiler
from kfops.serving.methods import table


def main(arguments: Optional[List[str]] = None) -> int:
    """Serve until the server closes the socket."""
    parser = argparse.ArgumentParser(prog="python -m kfops.worker", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--fd", type=int, required=True, help="file descriptor of the socket to the server")
    descriptor = parser.parse_args(arguments).fd
    # Not for the processes that are started from here: as long as one held it, the server would not see our end.
    os.set_inheritable(descriptor, False)
    # First, so that it imports kfp while the rest of this process gets ready.
    compiler = Compiler()
    channel = Channel(socket.socket(fileno=descriptor))
    channel.send({"ready": versions()})
    calls = Calls(channel, table(compiler))
    for message in channel.messages():
        calls.take(message)
    compiler.close()
    sys.stderr.flush()
    # Ends builders and what else was started in our process group, and the threads that wait for a backend.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGTERM)
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
