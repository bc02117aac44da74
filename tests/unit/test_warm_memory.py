"""A child that gets its copies of the parent's memory beforehand has them when it needs them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXECUTORS = Path(__file__).parents[2] / "kfops/local/executors"
PROGRAM = """
import os, resource, sys
sys.path.insert(0, sys.argv[1])
import warm_memory

memory = bytearray(4096 * 2000)

def work():
    for place in range(0, len(memory), 4096 * 10):
        memory[place] = 1

def faults(pieces):
    reader, writer = os.pipe()
    if os.fork() == 0:
        pieces.make_own()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        work()
        os.write(writer, str(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before).encode())
        os._exit(0)
    os.wait()
    return int(os.read(reader, 100))

memory[:] = b"x" * len(memory)
pieces = warm_memory.written_by(work)
print(memory[0], len(pieces), faults(warm_memory.Pieces()), faults(pieces))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux tells of pages")
def test_what_a_child_writes_is_its_own_before_it_writes():
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(EXECUTORS)], stdout=subprocess.PIPE, check=True)
    first, pieces, without, with_them = map(int, done.stdout.split())
    assert first == ord("x")  # the parent's is as it was
    if pieces == 0:
        pytest.skip("this kernel does not say which memory is a process's own")
    assert without >= 200
    assert with_them < 20
