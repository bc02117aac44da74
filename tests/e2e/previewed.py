"""A workflow that leaves behind one artifact of each kind that is looked at where it stands."""

from __future__ import annotations

import base64
import json
import pickle
import struct
import zlib
from collections import OrderedDict
from decimal import Decimal
from typing import Any

from tests.e2e.behind import shell_workflow

#: What its artifacts are shown as, in their order.
KINDS = ["table", "markdown", "roc", "confusion-matrix", "html", "image", "json", "table"]

_REPORT = """# Churn, week 12

The model finds **94 %** of those who leave, a little more than [the last one](https://example.com).

| data | rows |
| --- | --- |
| training | 12 000 |
| test | 3 000 |
"""
_PAGE = """<html lang="en"><style>body { font: 14px sans-serif } b { color: #1967d2 }</style>
<h1>Feature importance</h1><p>The <b>contract's length</b> says most.</p></html>"""
_CURVE = "\n".join(f"{x / 20},{(x / 20) ** 0.3:.3f}" for x in range(21))
_MATRIX = "stays,stays,2610\nstays,leaves,70\nleaves,stays,24\nleaves,leaves,296\n"
_SCORES = "rate,accuracy,loss\n0.05,0.91,0.31\n0.1,0.94,0.24\n0.2,0.93,0.26\n"


def previewed_workflow(name: str = "previewed", **more: Any) -> dict[str, Any]:
    """Return the workflow; its first step only says something."""
    viewers = [
        {"type": "table", "storage": "inline", "format": "csv", "header": _SCORES.split("\n")[0].split(",")},
        {"type": "markdown", "storage": "inline", "source": _REPORT},
        {"type": "roc", "format": "csv", "schema": [{"name": "fpr"}, {"name": "tpr"}], "source": _CURVE},
        {"type": "confusion_matrix", "format": "csv", "labels": ["stays", "leaves"], "source": _MATRIX},
        {"type": "web-app", "storage": "inline", "source": _PAGE},
    ]
    viewers[0]["source"] = _SCORES.split("\n", 1)[1]
    viewers[3]["schema"] = [{"name": name} for name in ("target", "predicted", "count")]
    files = {
        "mlpipeline-ui-metadata": json.dumps({"outputs": viewers}).encode(),
        "picture": _picture(),
        "settings": json.dumps({"rate": 0.1, "depth": 4, "features": ["length", "price"]}).encode(),
        "model": pickle.dumps(OrderedDict(length=Decimal("0.7"), price=Decimal("0.2")), protocol=4),
    }
    writing = [f"echo {base64.b64encode(data).decode()} | base64 -d > /tmp/{file}" for file, data in files.items()]
    epochs = "for n in 1 2 3 4 5 6 7 8; do echo epoch $n of 8, loss 0.$((90 / n)); done"
    workflow = shell_workflow(
        {"prepare": "echo 12000 rows to train on", "train": "\n".join([*writing, epochs])}, name, **more
    )
    artifacts = [{"name": file, "path": f"/tmp/{file}"} for file in files]
    workflow["spec"]["templates"][2]["outputs"] = {"artifacts": artifacts}
    return workflow


def _picture() -> bytes:
    """Return a PNG."""
    width, height = 240, 120
    rows = b"".join(
        b"\0" + bytes(v for x in range(width) for v in (40 + x // 2, 90 + y, 210 - x // 3)) for y in range(height)
    )

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    packed = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + packed
