"""The content of a model file -> what is known of it without loading it. Pure.

Loading a pickle runs whatever it says; here its instructions are only read, as are the headers of the other formats.
"""

from __future__ import annotations

import ast
import bz2
import io
import json
import lzma
import pickletools
import struct
import zipfile
import zlib
from typing import Any, Dict, List, Optional, Tuple

#: Name and value of each thing that is known.
Facts = List[Tuple[str, str]]

#: Bytes that are unpacked, instructions of a pickle that are read, and names that are listed.
_MOST_UNPACKED, _MOST_INSTRUCTIONS, _MOST_NAMES = 16 * 1024 * 1024, 200_000, 20

_MAGIC = {
    b"\x89HDF\r\n\x1a\n": "HDF5",
    b"PAR1": "Parquet",
    b"ARROW1": "Arrow",
    b"GGUF": "GGUF",
}
_TRUST = "Loading a pickle runs code that it names: load those that you trust."


def facts(content: bytes) -> Optional[Facts]:
    """Return what a model file says of itself, None when it is of no known format.

    Examples
    --------
    >>> import pickle
    >>> facts(pickle.dumps([1], protocol=4))[0]
    ('format', 'pickle, protocol 4')
    """
    for magic, name in _MAGIC.items():
        if content.startswith(magic):
            return [("format", name)]
    readers = (_of_pickle, _of_array, _of_tensors, _of_archive, _of_packed)
    for reader in readers:
        try:
            found = reader(content)
        except (ValueError, KeyError, TypeError, SyntaxError, EOFError, OSError, zipfile.BadZipFile, struct.error):
            continue
        if found:
            return found
    return None


def _of_pickle(content: bytes) -> Optional[Facts]:
    """Of ``pickle`` and, as far as the first array, of ``joblib``."""
    if content[:1] != b"\x80" or content[1:2] not in (b"\x02", b"\x03", b"\x04", b"\x05") or len(content) < 4:
        return None
    names = _names(content)
    modules = sorted({name.split(".")[0] for name in names})
    found = [("format", f"pickle, protocol {content[1]}")]
    if names:
        found += [("object", names[0]), ("made with", ", ".join(modules[:_MOST_NAMES]))]
    return [*found, ("note", _TRUST)]


def _names(content: bytes) -> List[str]:
    """Return the classes and functions that a pickle names, in their order."""
    names: List[str] = []
    texts: List[str] = []
    memo: Dict[Any, str] = {}
    try:
        for count, (code, argument, _) in enumerate(pickletools.genops(content)):
            if count > _MOST_INSTRUCTIONS:
                break
            if code.name == "GLOBAL":
                names.append(str(argument).replace(" ", "."))
            elif code.name == "STACK_GLOBAL" and len(texts) > 1:
                names.append(f"{texts[-2]}.{texts[-1]}")
            elif code.name == "MEMOIZE":
                memo[len(memo)] = texts[-1] if texts else ""
            elif code.name in ("BINPUT", "LONG_BINPUT"):
                memo[argument] = texts[-1] if texts else ""
            elif code.name in ("BINGET", "LONG_BINGET"):
                texts.append(memo.get(argument, ""))
            elif isinstance(argument, str):
                texts.append(argument)
    except ValueError:
        pass  # joblib writes the bytes of arrays between the instructions
    return list(dict.fromkeys(names))


def _of_array(content: bytes) -> Optional[Facts]:
    """Of ``numpy.save``."""
    if not content.startswith(b"\x93NUMPY"):
        return None
    size = struct.unpack_from("<H" if content[6] == 1 else "<I", content, 8)[0]
    begins = 10 if content[6] == 1 else 12
    header = ast.literal_eval(content[begins : begins + size].decode("latin-1"))
    return [("format", "NumPy array"), ("shape", str(header["shape"])), ("type", str(header["descr"]))]


def _of_tensors(content: bytes) -> Optional[Facts]:
    """Of safetensors: a length, and the names and shapes of what follows as JSON."""
    size = struct.unpack_from("<Q", content)[0]
    if content[8:9] != b"{" or size > len(content) - 8:
        return None
    header: Dict[str, Dict[str, Any]] = json.loads(content[8 : 8 + size].decode("utf-8"))
    about = header.pop("__metadata__", {})
    shapes = {name: [int(number) for number in entry["shape"]] for name, entry in header.items()}
    found = [("format", "safetensors"), ("tensors", str(len(shapes))), ("parameters", f"{_numbers(shapes):,}")]
    found += sorted((f"metadata: {name}", str(value)) for name, value in about.items())[:_MOST_NAMES]
    return found + [(name, f"{header[name]['dtype']} {shapes[name]}") for name in list(shapes)[:_MOST_NAMES]]


def _numbers(shapes: Dict[str, List[int]]) -> int:
    total = 0
    for shape in shapes.values():
        product = 1
        for number in shape:
            product *= number
        total += product
    return total


def _of_archive(content: bytes) -> Optional[Facts]:
    """Of zip files: those of ``torch.save``, of Keras, of ``numpy.savez`` and others."""
    if content[:4] != b"PK\x03\x04":
        return None
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = archive.namelist()
        listed = ", ".join(names[:_MOST_NAMES]) + (", ..." if len(names) > _MOST_NAMES else "")
        pickled = next((name for name in names if name.endswith("/data.pkl")), "")
        if pickled:
            inside = _of_pickle(_member(archive, pickled)) or []
            return [("format", "PyTorch"), *[fact for fact in inside if fact[0] != "format"]]
        if "config.json" in names and "metadata.json" in names:
            about = json.loads(_member(archive, "metadata.json"))
            return [("format", "Keras"), *((str(name), str(value)) for name, value in about.items())]
        if names and all(name.endswith(".npy") for name in names):
            arrays = [(name[:-4], _of_array(_member(archive, name)) or []) for name in names[:_MOST_NAMES]]
            return [("format", "NumPy arrays"), *((name, " ".join(v for _, v in found[1:])) for name, found in arrays)]
        return [("format", "zip archive"), ("files", listed)]


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as file:
        return file.read(_MOST_UNPACKED)


def _of_packed(content: bytes) -> Optional[Facts]:
    """Of what is compressed, as ``joblib.dump(..., compress=3)`` does."""
    packings: Dict[bytes, Tuple[str, Any]] = {
        b"\x1f\x8b": ("gzip", lambda: zlib.decompressobj(31)),
        b"\x78\x01": ("zlib", zlib.decompressobj),
        b"\x78\x5e": ("zlib", zlib.decompressobj),
        b"\x78\x9c": ("zlib", zlib.decompressobj),
        b"\x78\xda": ("zlib", zlib.decompressobj),
        b"BZ": ("bz2", bz2.BZ2Decompressor),
        b"\xfd7": ("xz", lzma.LZMADecompressor),
    }
    name, opener = packings.get(content[:2], ("", None))
    if opener is None:
        return None
    try:
        inside = _of_pickle(opener().decompress(content, _MOST_UNPACKED))
    except (zlib.error, lzma.LZMAError):
        return None
    if inside is None:
        return [("format", f"compressed with {name}")]
    return [("format", f"{inside[0][1]}, compressed with {name}"), *inside[1:]]
