from pathlib import Path

import pytest

from ser.corpora import goemotions
from ser.corpora.label_map import apply_label_map, read_label_map
from ser.corpora.records import EMOTIONS
from ser.errors import SerError

MAPS = Path(__file__).parents[2] / "conf" / "emotions"
# IEMOCAP's published counts (Busso et al., 2008).
IEMOCAP = {
    "neutral": 1708,
    "anger": 1103,
    "sadness": 1084,
    "excitement": 1041,
    "frustration": 1849,
    "happiness": 595,
    "surprise": 107,
    "fear": 40,
    "other": 3,
    "disgust": 2,
    "undecided": 2507,
}


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("four", {"anger": 1103, "happiness": 1636, "neutral": 1708, "sadness": 1084}),
        ("vgg_bert5", {"anger": 1103, "frustration": 1849, "happiness": 1636, "neutral": 1708, "sadness": 1084}),
        ("collapsed5", {"anger": 1105, "fear": 147, "happiness": 1636, "neutral": 1708, "sadness": 1084}),
        (
            "collapsed5_frustration",
            {"anger": 1105, "fear": 147, "frustration": 1849, "happiness": 1636, "neutral": 1708, "sadness": 1084},
        ),
        ("native", IEMOCAP),
    ],
)
def test_map_gives_the_published_class_sizes_of_iemocap(name, counts):
    utt2emo = {f"{emotion}-{number}": emotion for emotion, size in IEMOCAP.items() for number in range(size)}
    mapped, _ = apply_label_map(read_label_map(MAPS / f"{name}.map"), utt2emo)
    assert {label: list(mapped.values()).count(label) for label in set(mapped.values())} == counts


@pytest.mark.parametrize("path", sorted(MAPS.glob("*.map")), ids=lambda path: path.stem)
def test_maps_name_only_labels_that_corpora_have_and_their_source(path):
    known = set(goemotions.LABELS) if path.stem.startswith("goemotions") else set(EMOTIONS)
    assert set(read_label_map(path)) <= known
    assert "Source: " in path.read_text()


def test_native_map_lists_every_label():
    assert read_label_map(MAPS / "native.map") == {emotion: emotion for emotion in EMOTIONS}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("calm neutral\nanger\n", r"my.map:2: expected a native label and its class, found 1 fields: 'anger'"),
        ("calm neutral\n# again\ncalm calm\n", r"my.map:3: the label 'calm' has an earlier line"),
        ("# nothing\n", r"my.map: no label in it"),
    ],
)
def test_bad_map_is_refused(tmp_path, text, message):
    (tmp_path / "my.map").write_text(text)
    with pytest.raises(SerError, match=message):
        read_label_map(tmp_path / "my.map")


def test_missing_map_is_named(tmp_path):
    with pytest.raises(SerError, match=r"absent.map: missing; the maps are conf/emotions"):
        read_label_map(tmp_path / "absent.map")
