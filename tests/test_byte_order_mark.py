"""Every reader of text gives the same with a byte order mark before it, as spreadsheets and editors write one."""

import gzip
import io
from pathlib import Path

import numpy as np
import pytest

from ser.asr import graph, lang_dir
from ser.backend import trial_text
from ser.backend.chain import BackendConfig
from ser.config import load_config
from ser.corpora import cremad, dailydialog, iemocap, rirs_noises, voxceleb1
from ser.corpora.label_map import read_label_map
from ser.errors import SerError
from ser.features.mfcc import MfccOptions
from ser.kaldi import ark, audio, data_subset, nnet3, plda_file, tables
from ser.kaldi.options import read_options

BOM = b"\xef\xbb\xbf"
ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "tests" / "kaldi_reference"
VOTES = b'"","FileName","VoiceVote","VoiceLevel"\n"1","1001_IEO_ANG_MD","A","54.63"\n'
ACTORS = b'ActorID,Age,Sex\n1001,67,"Male"\n1002,67,"Female"\n'
EMO = b"[6.2901 - 8.2357]\tSes01F_impro01_F000\tneu\t[2.5000, 2.5000, 2.5000]\n"
WORDS = b"Ses01F_impro01_F000 [006.2901-008.2357]: Excuse  me.\n"
SUMMARY = "processedResults/summaryTable.csv"
SESSION = "Session1/dialog"


def in_corpus(read, **layout):
    """Read a corpus of which the file whose bytes are None is the one with the mark."""

    def read_it(path: Path) -> object:
        corpus = path.parent / "corpus"
        for name, data in layout.items():
            file = corpus / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(path.read_bytes() if data is None else data)
        return read(corpus)

    return read_it


def scored(path: Path) -> list:
    trials, scores = (np.frombuffer(data, np.uint8) for data in (b"a b target\na c nontarget\n", path.read_bytes()))
    return [array.tolist() for array in trial_text.read_scored_trials(trials, scores, "", "")]


def compressed_sentences(path: Path) -> list[str]:
    packed = path.with_suffix(".gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    return list(lang_dir.read_sentences([packed]))


def blocks(path: Path) -> list[bytes]:
    return [block.tobytes() for block in trial_text.read_blocks(io.BytesIO(path.read_bytes()))]


READERS = {
    "table": (b"a 1\nb 2\n", tables.read_map),
    "label map": (b"anger anger\nfear -\n", read_label_map),
    "segments": (b"a r 0 1\n", lambda path: list(audio.read_segments(path))),
    "option file": (b"--sample-frequency=8000\n", lambda path: read_options(MfccOptions, path)),
    "settings": ((ROOT / "conf" / "backend.yaml").read_bytes(), lambda path: load_config(BackendConfig, path)),
    "text archive": (b"a [ 1 2 ]\n", lambda path: ark.load(f"ark,t:{path}")["a"].tolist()),
    "vector": (b"[ 1 2 ]\n", lambda path: ark.read_vector_file(path).tolist()),
    "plda": ((REFERENCE / "backend" / "plda.txt").read_bytes(), lambda path: plda_file.read_plda(path)[0].tolist()),
    "nnet3": ((REFERENCE / "nnet3" / "final.txt").read_bytes(), lambda path: nnet3.read_nnet3(path).nodes),
    "graph": (b"0 1 1 1 0.7\n1\n", lambda path: graph.read_fst_text(path).sources.tolist()),
    "sentences": (b"so good\nno\n", lambda path: list(lang_dir.read_sentences([path]))),
    "compressed sentences": (b"so good\nno\n", compressed_sentences),
    "trials": (b"a b\nc d\n", blocks),
    "scores": (b"a b 1.5\na c 2\n", scored),
    "cremad's votes": (VOTES, in_corpus(lambda corpus: cremad.read(corpus, "voice", "level", 2),
        **{SUMMARY: None, "VideoDemographics.csv": ACTORS})),
    "cremad's actors": (ACTORS, in_corpus(lambda corpus: cremad.read(corpus, "voice", "level", 2),
        **{SUMMARY: VOTES, "VideoDemographics.csv": None})),
    "iemocap's labels": (EMO, in_corpus(iemocap.read,
        **{f"{SESSION}/EmoEvaluation/a.txt": None, f"{SESSION}/transcriptions/a.txt": WORDS})),
    "iemocap's words": (WORDS, in_corpus(iemocap.read,
        **{f"{SESSION}/EmoEvaluation/a.txt": EMO, f"{SESSION}/transcriptions/a.txt": None})),
    "dailydialog": (b"Hi . __eou__\n", in_corpus(lambda corpus: dailydialog.read(corpus, "all"),
        **{"dialogues_text.txt": None, "dialogues_emotion.txt": b"4\n"})),
    "dailydialog's labels": (b"4\n", in_corpus(lambda corpus: dailydialog.read(corpus, "all"),
        **{"dialogues_text.txt": b"Hi . __eou__\n", "dialogues_emotion.txt": None})),
    "speakers of voxceleb": (b"VoxCeleb1 ID\tVGGFace1 ID\tGender\tNationality\tSet\nid10001\tA\tm\tIreland\tdev\n",
        voxceleb1.read_meta),
    "rooms": (b"--rir-id small-1 --room-id small /x/simulated_rirs/smallroom/1.wav\n", in_corpus(rirs_noises.read,
        **{"simulated_rirs/smallroom/rir_list": None, "simulated_rirs/mediumroom/rir_list": b""})),
}  # fmt: skip


@pytest.mark.parametrize("name", READERS)
def test_text_is_read_alike_with_and_without_the_mark(name, tmp_path):
    data, read = READERS[name]
    path = tmp_path / "file"
    path.write_bytes(data)
    expected = read(path)
    path.write_bytes(BOM + data)
    assert read(path) == expected


def test_mark_inside_a_table_that_was_joined_of_two_is_taken_off(tmp_path):
    (tmp_path / "t").write_bytes(BOM + b"a 1\n" + BOM + b"b 2\n")
    assert tables.read_map(tmp_path / "t") == {"a": "1", "b": "2"}


def test_table_of_utf16_is_refused_by_that_name(tmp_path):
    (tmp_path / "t").write_bytes("a 1\n".encode("utf-16"))
    with pytest.raises(SerError, match=r"t: UTF-16, which is not read; save it as UTF-8"):
        tables.read_map(tmp_path / "t")


def test_first_utterance_of_a_marked_table_is_not_dropped_by_fix_data_dir(tmp_path):
    (tmp_path / "utt2spk").write_bytes(b"a-1 a\na-2 a\n")
    (tmp_path / "text").write_bytes(BOM + b"a-1 yes\na-2 no\n")
    data_subset.fix(tmp_path)
    assert (tmp_path / "text").read_bytes() == b"a-1 yes\na-2 no\n"
