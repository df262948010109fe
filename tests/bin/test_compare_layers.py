import sys
from unittest import mock

import numpy as np
import pytest

from ser.bin import compare_layers
from ser.errors import SerError
from ser.kaldi import ark, tables


def run(*arguments: object) -> None:
    with mock.patch.object(sys, "argv", ["compare_layers", *map(str, arguments)]):
        compare_layers.main()


def test_better_layer_has_the_better_row(tmp_path):
    rng = np.random.default_rng(0)
    utts = [f"s{number % 4}-u{number:03}" for number in range(80)]
    classes = {utt: ("anger", "neutral")[index % 2 ^ (index // 4) % 2] for index, utt in enumerate(utts)}
    data = tmp_path / "data"
    data.mkdir()
    tables.write_map(data / "utt2emo", dict(sorted(classes.items())))
    tables.write_map(data / "utt2spk", {utt: utt[:2] for utt in sorted(utts)})
    with pytest.raises(SerError, match="no utt2fold; prepare the corpus with --folds"):
        run(data, tmp_path, tmp_path / "t.tsv")
    tables.write_map(data / "utt2fold", {utt: utt[1] for utt in sorted(utts)})
    for layer, distance in (("1", 0.0), ("final", 6.0)):
        with ark.Writer(f"ark,scp:{tmp_path}/{layer}.ark,{tmp_path}/{layer}.scp") as writer:
            for utt in sorted(utts):
                shift = distance * (classes[utt] == "anger") * np.eye(5)[0]
                writer.write(utt, (rng.normal(size=5) + shift).astype(np.float32))
    run("--layers", "1 final", data, tmp_path, tmp_path / "t.tsv")
    header, first, last = (line.split("\t") for line in (tmp_path / "t.tsv").read_text().splitlines())
    assert header[:5] == ["layer", "numbers", "plda_UA", "plda_WA", "plda_EER"] and len(header) == 12
    assert first[:2] == ["1", "5"] and last[0] == "final"
    for column, name in enumerate(header):
        if name.partition("_")[2][:2] in ("UA", "WA"):
            assert float(last[column]) > 95 > 75 > float(first[column])
        elif "EER" in name:
            assert float(last[column]) < 5 < 30 < float(first[column])
