import pytest

from ser.bin import intersect_classes
from ser.errors import SerError
from ser.kaldi import datadir, tables


def write(folder, labels):
    utts = {utt: utt.split("-")[0] for utt in labels}
    datadir.write_data_dir(folder, {"utt2spk": utts, "utt2emo": labels, "text": dict.fromkeys(labels, "words")})


def run(monkeypatch, tmp_path):
    pairs = [f"{tmp_path / name}={tmp_path / name}_shared" for name in "ab"]
    monkeypatch.setattr("sys.argv", ["x", str(tmp_path / "classes.tsv"), *pairs])
    intersect_classes.main()


def test_utterances_of_shared_classes_are_kept_and_all_are_counted(monkeypatch, tmp_path):
    write(tmp_path / "a", {"s-1": "anger", "s-2": "fear", "s-3": "neutral", "s-4": "anger"})
    write(tmp_path / "b", {"t-1": "anger", "t-2": "neutral", "t-3": "calm"})
    run(monkeypatch, tmp_path)
    assert tables.read_map(tmp_path / "a_shared/utt2emo") == {"s-1": "anger", "s-3": "neutral", "s-4": "anger"}
    assert set(tables.read_map(tmp_path / "b_shared/text")) == {"t-1", "t-2"}
    assert (tmp_path / "classes.tsv").read_text() == (
        "class\ta\tb\tkept\nanger\t2\t1\tyes\ncalm\t0\t1\tno\nfear\t1\t0\tno\nneutral\t1\t1\tyes\n"
    )


def test_corpora_without_two_classes_in_common_are_refused(monkeypatch, tmp_path):
    write(tmp_path / "a", {"s-1": "anger", "s-2": "fear"})
    write(tmp_path / "b", {"t-1": "anger", "t-2": "neutral"})
    with pytest.raises(SerError, match=r"1 classes that all corpora have, two are needed: .*a: anger, fear"):
        run(monkeypatch, tmp_path)
