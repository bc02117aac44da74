"""What a model file says of itself, read without loading it."""

from __future__ import annotations

import bz2
import collections
import gzip
import io
import json
import lzma
import pickle
import struct
import zipfile
import zlib
from decimal import Decimal
from pathlib import Path

import pytest

from kfops.model_files import facts
from kfops.previews import of_content

MODEL = collections.OrderedDict(weight=Decimal("0.5"), bias=Decimal("1"))


class Trap:
    """What runs code when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_pickle_names_its_object_and_what_made_it(protocol):
    found = dict(facts(pickle.dumps(MODEL, protocol=protocol)))
    assert found["format"] == f"pickle, protocol {protocol}"
    assert found["object"] == "collections.OrderedDict"
    assert found["made with"] == "collections, decimal"


def test_nothing_of_a_pickle_is_run(tmp_path):
    mark = tmp_path / "ran"
    shown = of_content("model", "model.pkl", pickle.dumps(Trap(mark)))
    assert shown.kind == "table"
    assert "pathlib" in dict(shown.rows)["made with"]
    assert not mark.exists()


def test_a_pickle_with_foreign_bytes_in_it_is_read_as_far_as_they_go():
    content = pickle.dumps(MODEL, protocol=4)
    assert dict(facts(content[:-20] + b"\xff" * 1000))["object"] == "collections.OrderedDict"


@pytest.mark.parametrize("pack", [zlib.compress, gzip.compress, bz2.compress, lzma.compress])
def test_a_compressed_pickle_is_read_too(pack):
    found = dict(facts(pack(pickle.dumps(MODEL, protocol=4))))
    assert found["format"].startswith("pickle, protocol 4, compressed with ")
    assert found["object"] == "collections.OrderedDict"


def test_a_numpy_array_has_its_shape_and_type():
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }".ljust(117) + b"\n"
    array = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(96)
    assert facts(array) == [("format", "NumPy array"), ("shape", "(3, 4)"), ("type", "<f8")]
    assert facts(zipped({"weights.npy": array})) == [("format", "NumPy arrays"), ("weights", "(3, 4) <f8")]


def test_safetensors_have_their_names_shapes_and_number():
    entry = {"dtype": "F32", "shape": [10, 20], "data_offsets": [0, 800]}
    header = json.dumps({"__metadata__": {"format": "pt"}, "layer.weight": entry}).encode()
    found = dict(facts(struct.pack("<Q", len(header)) + header + bytes(800)))
    assert found == {
        "format": "safetensors",
        "tensors": "1",
        "parameters": "200",
        "metadata: format": "pt",
        "layer.weight": "F32 [10, 20]",
    }


def test_archives_are_told_apart():
    torch = dict(facts(zipped({"archive/data.pkl": pickle.dumps(MODEL), "archive/data/0": b"\0"})))
    assert (torch["format"], torch["object"]) == ("PyTorch", "collections.OrderedDict")
    keras = facts(zipped({"config.json": b"{}", "metadata.json": b'{"keras_version": "3.1.0"}'}))
    assert keras == [("format", "Keras"), ("keras_version", "3.1.0")]
    assert facts(zipped({"a.bin": b"", "b.bin": b""})) == [("format", "zip archive"), ("files", "a.bin, b.bin")]


@pytest.mark.parametrize("magic", [b"\x89HDF\r\n\x1a\n", b"PAR1", b"GGUF"])
def test_other_formats_are_called_by_their_name(magic):
    assert facts(magic + bytes(100))[0][0] == "format"


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe\xfa",
        b"PK\x03\x04\0broken",
        b"\x93NUMPY\x01\x00",
        b"\x1f\x8bbroken",
        b"\x80\x09\0\0\0",
        bytes(8) + b"{",
    ],
)
def test_what_is_none_of_them_or_broken_is_no_error(content):
    assert facts(content) is None
    assert of_content("model", "data", content).kind == "binary"


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()
