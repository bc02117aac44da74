"""What can be shown of an artifact, and what a step says should be shown of it."""

from __future__ import annotations

import json

import pytest

from kfops.previews import MOST_ROWS, MOST_TEXT, of_content
from kfops.viewers import of_metadata, of_ui_metadata

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


@pytest.mark.parametrize(
    ("path", "content", "kind"),
    [
        ("data", PNG, "image"),
        ("data", b"RIFF\0\0\0\0WEBPVP8 ", "image"),
        ("data", b"<!DOCTYPE html><p>x", "html"),
        ("report.html", b"<p>x</p>", "html"),
        ("notes.md", b"# Title", "markdown"),
        ("data", b'{"a": 1}', "json"),
        ("data", b"[1, 2]", "json"),
        ("data", b"0.94", "text"),
        ("data", b"a,b\n1,2\n3,4\n", "table"),
        ("x.tsv", b"a\tb\n1\t2\n", "table"),
        ("data", b"one, two\nthree\n", "text"),
        ("data", b"{not json", "text"),
        ("data", b"", "text"),
        ("model.pkl", b"\x80\x04\x95\0\0", "table"),
        ("data", b"\xff\xfe\xfa", "binary"),
    ],
)
def test_what_a_file_is_shows_in_its_content(path, content, kind):
    assert of_content("out", path, content).kind == kind


def test_a_long_text_is_cut_between_letters():
    found = of_content("out", "data", "ä".encode() * MOST_TEXT)
    assert found.truncated
    assert set(found.data["text/plain"]) == {"ä"}


def test_a_long_table_shows_its_first_rows():
    found = of_content("out", "data", b"a,b\n" + b"1,2\n" * (MOST_ROWS + 10))
    assert (found.columns, len(found.rows), found.truncated) == (["a", "b"], MOST_ROWS, True)


def test_a_text_that_only_begins_like_data_is_never_an_error():
    assert of_content("out", "data", b"[" * 50_000).kind == "text"


def viewers(*outputs):
    return of_ui_metadata("mlpipeline-ui-metadata", json.dumps({"outputs": list(outputs)}).encode())


def test_each_viewer_of_a_v1_step_is_a_preview():
    found = viewers(
        {"type": "markdown", "storage": "inline", "source": "# Hello"},
        {"type": "web-app", "storage": "inline", "source": "<b>x</b>"},
        {"type": "table", "storage": "inline", "format": "csv", "header": ["a", "b"], "source": "1,2\n3,4\n"},
        {"type": "roc", "format": "csv", "schema": [], "storage": "inline", "source": "0,0,1\n0.5,0.9,0.4\n1,1,0\n"},
        {"type": "tensorboard", "source": "gs://logs"},
    )
    assert [preview.kind for preview in found] == ["markdown", "html", "table", "roc", "none"]
    assert found[0].data == {"text/markdown": "# Hello"}
    assert found[2].rows == [["1", "2"], ["3", "4"]]
    assert found[3].rows == [["0", "0"], ["0.5", "0.9"], ["1", "1"]]
    assert {kind for kind in found[3].data if "vegalite" in kind} == set(found[3].data)
    assert found[4].message == "tensorboard: gs://logs"


def test_a_confusion_matrix_is_a_plot_and_a_table_with_its_labels_in_order():
    schema = [{"name": "target"}, {"name": "predicted"}, {"name": "count"}]
    source = "yes,yes,5\nyes,no,1\nno,yes,2\nno,no,7\n"
    (found,) = viewers(
        {
            "type": "confusion_matrix",
            "format": "csv",
            "schema": schema,
            "storage": "inline",
            "source": source,
            "labels": ["no", "yes"],
        }
    )
    assert found.kind == "confusion-matrix"
    assert found.columns == ["target \\ predicted", "no", "yes"]
    assert found.rows == [["no", "7", "2"], ["yes", "1", "5"]]
    assert all(spec["$schema"].startswith("https://vega.github.io/schema/vega-lite/") for spec in found.data.values())


def test_what_is_stored_elsewhere_says_where():
    (found,) = viewers({"type": "table", "source": "gs://bucket/table.csv", "header": []})
    assert (found.kind, found.message) == ("none", "table: stored at gs://bucket/table.csv")


def test_a_viewer_whose_source_is_broken_says_so_and_the_others_show():
    found = viewers(
        {"type": "roc", "storage": "inline", "source": "a,b\n"},
        {"type": "markdown", "storage": "inline", "source": "x"},
    )
    assert [preview.kind for preview in found] == ["none", "markdown"]


@pytest.mark.parametrize("content", [b"", b"x", b"[]", b"{}", b'{"outputs": 1}', b'{"outputs": [1]}'])
def test_what_is_no_list_of_viewers_is_shown_as_what_it_is(content):
    assert of_ui_metadata("mlpipeline-ui-metadata", content) is None


def test_the_metadata_of_a_v2_artifact_is_a_table_and_its_plots():
    metadata = {
        "accuracy": 0.94,
        "confidenceMetrics": [{"falsePositiveRate": 0.1, "recall": 0.8}, {"falsePositiveRate": 0.0, "recall": 0.1}],
        "confusionMatrix": {
            "annotationSpecs": [{"displayName": "a"}, {"displayName": "b"}],
            "rows": [{"row": [3, 1]}, {"row": [0, 4]}],
        },
    }
    found = of_metadata("metrics", json.dumps({"uri": "minio://b/k", "metadata": metadata}).encode())
    assert [preview.kind for preview in found] == ["table", "roc", "confusion-matrix"]
    assert found[0].rows == [["accuracy", "0.94"]]
    assert found[1].rows == [["0", "0.1"], ["0.1", "0.8"]]
    assert found[2].rows == [["a", "3", "1"], ["b", "0", "4"]]


def test_the_metadata_store_keeps_each_value_below_its_type():
    points = [{"falsePositiveRate": 0.1, "recall": 0.8}]
    properties = {
        "display_name": {"stringValue": "scores"},
        "accuracy": {"doubleValue": 0.5},
        "rows": {"intValue": "3"},
        "confidenceMetrics": {"structValue": {"list": points}},
        "confusionMatrix": {
            "structValue": {"struct": {"annotationSpecs": [{"displayName": "a"}], "rows": [{"row": [3]}]}}
        },
    }
    content = json.dumps({"uri": "minio://b/k", "customProperties": properties}).encode()
    table, roc, matrix = of_metadata("scores", content)
    assert table.rows == [["accuracy", "0.5"], ["rows", "3"]]
    assert roc.rows == [["0.1", "0.8"]]
    assert matrix.rows == [["a", "3"]]


def test_a_v2_artifact_without_metadata_says_where_it_is():
    (found,) = of_metadata("model", b'{"uri": "minio://b/k"}')
    assert found.message == "Stored at minio://b/k"


@pytest.mark.parametrize("content", [b"{", b'{"a": 1}', b'{"uri": "x", "metadata": 3}', b"text"])
def test_other_files_are_not_taken_for_metadata(content):
    assert of_metadata("out", content) is None
