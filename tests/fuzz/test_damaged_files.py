"""Every reader of files from elsewhere answers or raises SerError, soon and in little memory, whatever the bytes are.

`python3 -m pytest tests/fuzz --hypothesis-profile fuzz` tries new ones for two minutes.
"""

import contextlib
import io
import shutil
import signal
import struct
import tempfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given
from hypothesis import strategies as st

from ser.asr import lexicon, word_lm
from ser.backend import trial_text
from ser.backend.chain import BackendConfig
from ser.config import load_config, to_yaml
from ser.corpora import cremad, dailydialog, goemotions, iemocap, meld, msp_podcast, voxceleb1
from ser.corpora.label_map import read_label_map
from ser.corpora.stm import read_stm
from ser.corpora.table_sources import read_csv, read_jsonl
from ser.detect import detector_dir
from ser.detect.decision import Decider
from ser.detect.front_end import FrontEnd
from ser.detect.net import FrameLayer, Net
from ser.detect.recordings import read_chunks
from ser.detect.text_file import read_texts
from ser.errors import SerError
from ser.examples.configs import TrainConfig
from ser.features.mfcc import MfccOptions
from ser.features.pitch import PitchOptions
from ser.kaldi import ark, audio, datadir, ivector_files, nnet3, plda_file, tables
from ser.kaldi.feats import read_features
from ser.kaldi.ivector_files import OnlineIvectorOptions
from ser.kaldi.options import read_options
from ser.metrics.detection import ScoredTrials
from ser.models import nnet3_graph
from ser.models.xvector import XVectorConfig
from ser.training import model_dir

ROOT = Path(__file__).parents[2]
BACKEND = ROOT / "tests" / "kaldi_reference" / "backend"
SECONDS = 20  # for one file; a hundred times what any takes on a busy machine
MEBIBYTES = 64  # and 300 bytes for each of the file, such as a key and its place in a table

# What a length, a count or an offset may have become.
WORDS = [struct.pack("<i", value) for value in (-1, 0, 2, 2**31 - 1, -(2**31), 2**24)] + [b"\xff" * 8, b"9" * 30]
WORDS += [b"\n", b" ", b"\0", b"[", b"]", b"{", b".", b":", b"&a *a", b"1e999", b"nan", b"-1", b"\xe2\x80\xa8"]
WORDS += [b"\xd9\xa3", b"2001-99-99", b"!!python/object/apply:os.getcwd []", b"9" * 5000, b"1_", b"0x"]
WORDS += [b"\xef\xbb\xbf", b"\xff\xfe", b"\r"]  # marks of UTF-8 and UTF-16, and a lone CR


@st.composite
def damaged(draw: st.DrawFn, examples: list[bytes]) -> bytes:
    """A good file with a few edits, or anything."""
    data = draw(st.sampled_from(examples) | st.binary(max_size=100))
    for _ in range(draw(st.integers(0, 4))):
        # Headers are at the beginning.
        place = draw(st.integers(0, min(len(data), 100)) | st.integers(0, len(data)))
        removed = draw(st.sampled_from([0, 1, 4, 4, 30, len(data)]))
        data = data[:place] + draw(st.sampled_from(WORDS) | st.binary(max_size=4)) + data[place + removed :]
    return data


SMALL_NNET3 = b"""<Nnet3>
input-node name=input dim=2
component-node name=a component=a input=Append(Offset(input, -1), Scale(0.5, Round(input, 3)))
component-node name=b component=b input=Sum(a, IfDefined(Offset(a, 1)))
output-node name=output input=b objective=linear

<NumComponents> 2
<ComponentName> a <TdnnComponent> <TimeOffsets> [ 0 ] <LinearParams>  [
  1 2 3 4 ]
<BiasParams>  [ 1 ]
<AlphaInOut> 4 4 </TdnnComponent>
<ComponentName> b <BatchNormComponent> <Dim> 1 <BlockDim> 1 <Epsilon> 0.001 <TargetRms> 1 <TestMode> F <Count> 9
<StatsMean>  [ 1 ]
<StatsVar>  [ 1 ]
</BatchNormComponent>
</Nnet3>
"""


SMALL_EXTRACTOR = b"""<IvectorExtractor> <w>  [ ]
<w_vec>  [ 1 ]
<M> 1  [
  1 2
  3 4 ]
<SigmaInv>  [
  1
  0.5 1 ]
<IvectorOffset> 100 </IvectorExtractor>
"""
SMALL_UBM = b"""<DiagGMM>
<GCONSTS>  [ -9 ]
<WEIGHTS>  [ 1 ]
<MEANS_INVVARS>  [
  1 2 ]
<INV_VARS>  [
  1 2 ]
</DiagGMM>
"""


def read_reference(name: str) -> bytes:
    return (BACKEND.parent / "ivector" / name).read_bytes()


def wave(kind: str, subtype: str, samples: np.ndarray, rate: int = 16000) -> bytes:
    stream = io.BytesIO()
    soundfile.write(stream, samples, rate, subtype=subtype, format=kind)
    return stream.getvalue()


def archive(compression: int = 0, text: bool = False) -> bytes:
    rng = np.random.default_rng(0)
    table = {"a": rng.normal(size=(9, 3)), "b": rng.normal(size=4), "c": np.arange(5, dtype=np.int32)}
    with tempfile.TemporaryDirectory() as folder:
        with ark.Writer(f"ark{',t' if text else ''}:{folder}/x", compression) as writer:
            for key, array in table.items():
                writer.write(key, array)
        return Path(folder, "x").read_bytes()


def model() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        model_dir.save_weights(Path(folder, "x"), torch.nn.Linear(3, 2))
        return Path(folder, "x").read_bytes()


NOISE = np.random.default_rng(0).normal(size=400).astype(np.float32) / 10
FEATURES = [b"a  [\n  1 2 3\n  4 5 6 ]\n", b"a  [\n  1 nan 3\n  4 5 inf ]\n", b""]
ARCHIVES = [archive(), *(archive(method) for method in (1, 2, 3, 5)), archive(text=True)]
WAVES = [
    wave("WAV", "PCM_16", NOISE),
    wave("WAV", "FLOAT", NOISE),
    wave("WAV", "PCM_24", np.stack([NOISE, NOISE], 1), 8000),
    wave("FLAC", "PCM_16", NOISE),
    wave("OGG", "VORBIS", NOISE),
    wave("AIFF", "PCM_16", NOISE),
    wave("WAV", "ULAW", NOISE),
    wave("WAV", "FLOAT", NOISE).replace(b"data" + struct.pack("<I", 1600), b"data" + b"\xff" * 4),  # streamed
    wave("WAV", "PCM_16", NOISE).replace(b"data", b"LIST\3\0\0\0abcdata"),  # no pad byte
    wave("WAV", "PCM_16", NOISE).replace(b"data" + struct.pack("<I", 800), b"data\0\0\0\0"),  # empty, and not
    wave("WAV", "PCM_16", np.stack([NOISE, -NOISE], 1)),
]
ARPA = b"""\
\\data\\
ngram 1=3
ngram 2=1

\\1-grams:
-0.3 </s>
-99 <s> -0.2
-0.5 cat -0.1

\\2-grams:
-0.4 <s> cat

\\end\\
"""
TABLE_OF_MELD = b"""\
Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode,StartTime,EndTime
1,"Oh, no",Monica,fear,negative,0,0,8,21,"00:16:16,059","00:16:21,731"
"""
TABLE_OF_PODCAST = b"""\
FileName,EmoClass,EmoAct,EmoVal,EmoDom,SpkrID,Gender,Split_Set
MSP-PODCAST_0001_0008.wav,N,4.0,4.2,4.4,127,Male,Train
"""
TABLE_OF_CREMAD = b"""\
"","FileName","VoiceVote","VoiceLevel","FaceVote","FaceLevel","MultiModalVote","MultiModalLevel"
"1","1001_IEO_ANG_MD","A:D","54.63:54.63","A","75.97","A","73.13"
"""
ACTORS = b'"ActorID","Age","Sex","Race","Ethnicity"\n1001,67,"Male","Unknown","Not Hispanic"\n'
SPEAKERS = b"VoxCeleb1 ID\tVGGFace1 ID\tGender\tNationality\tSet\nid10001\tA.J._Buckley\tm\tIreland\tdev\n"
EMO = b"% header\n\n[6.2901 - 8.2357]\tSes01F_impro01_F000\tneu\t[2.5000, 2.5000, 2.5000]\nC-E2:\tNeutral;\t()\n"
WORDS_SAID = b"Ses01F_impro01_F000 [006.2901-008.2357]: Excuse  me.\n"
DIALOGUES = b"Hi . __eou__ Ho . __eou__\nHe . __eou__\n"
PAIRS = b"a b target\na c nontarget\nb c target\n"


def score_trials(path: Path) -> None:
    table, factors = trial_text.KeyTable(["a", "b", "c"]), np.eye(3)
    with path.open("rb") as stream:
        for _ in trial_text.score_trials(stream, factors, factors, table, table, "trials"):
            pass


def read_lists(trials: bytes, scores: bytes) -> None:
    arrays = (np.frombuffer(text, np.uint8) for text in (trials, scores))
    found = ScoredTrials.of(*trial_text.read_scored_trials(*arrays, "trials", "scores"))
    assert 0 <= found.eer() <= 1 and len(found) <= 3


def read_finite(path: Path) -> None:
    for _, features in read_features(f"ark:{path}"):
        assert np.isfinite(features).all()


def read_through_scp(path: Path) -> None:
    scp = path.with_name("fixed.scp")
    scp.write_text("".join(f"u{offset} {path}:{offset}\n" for offset in (0, 2, 2, 7)[:3:2]))
    reader = ark.Reader(scp)
    for key in reader:
        reader.shape(key)
        reader.rows(key, 0, 1)


def read_scp(path: Path) -> None:
    # No commands and no standard input here: they are what a data dir's owner asks for.
    path.write_bytes(path.read_bytes().replace(b"|", b"/").replace(b"-", b"_").replace(b"HERE", bytes(path.parent)))
    reader = ark.Reader(path)
    for key in reader:
        reader.rows(key, 0, 1)
    for _ in ark.read(f"scp:{path}"):
        pass


def deployed_net() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        layer = FrameLayer(np.ones((2, 3, 4), np.float32), np.zeros(4, np.float32), (-1, 1))
        Net((layer,), ((np.ones((8, 5), np.float32), np.zeros(5, np.float32)),)).save(Path(folder, "x"))
        return Path(folder, "x").read_bytes()


def read_part(name: str, read: Callable[[Path], object]) -> Callable[[Path], None]:
    """Read a part of a detector of which one file is the damaged one."""

    def read_it(path: Path) -> None:
        folder = path.parent / "part"
        if not folder.exists():
            folder.mkdir()
            for option in ("mfcc", "pitch", "vad", "cmvn"):
                shutil.copy(ROOT / "conf" / f"{option}.conf", folder)
            for file in BACKEND_FILES:
                (folder / file).write_bytes(BACKEND_FILES[file])
        (folder / name).write_bytes(path.read_bytes())
        read(folder)

    return read_it


def decide(folder: Path) -> None:
    for _, posteriors, _ in Decider.load(folder).decide(np.ones((2, 4))):
        assert np.isfinite(list(posteriors.values())).all()


def make_blocks(folder: Path) -> None:
    for block in FrontEnd.load(folder).blocks([NOISE, NOISE]):
        assert len(block.features) == len(block.voiced)


def read_acoustic_net(path: Path) -> None:
    net = nnet3_graph.Nnet3Graph(*nnet3_graph.from_nnet3(nnet3.read_nnet3(path)))
    for node in net.node_names[:2]:
        net.context(node)


def read_waves(path: Path) -> None:
    audio.read_wave(str(path), 16000)


def read_dialogues(corpus: Path) -> None:
    dailydialog.read(corpus, "all")


def read_corpus(layout: dict[str, bytes | None], read: Callable[[Path], object]) -> Callable[[Path], None]:
    """Read a corpus of which one file, None here, is the damaged one."""

    def read_it(path: Path) -> None:
        for name, data in layout.items():
            file = path.parent / "corpus" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(path.read_bytes() if data is None else data)
        read(path.parent / "corpus")

    return read_it


def texts(*paths: str, folder: Path = ROOT) -> list[bytes]:
    return [(folder / path).read_bytes() for path in paths]


def read_model(path: Path) -> None:
    (path.parent / "config.yaml").write_bytes(path.read_bytes())
    model_dir.load_section(path.parent, "model", XVectorConfig)


def identity_backend() -> dict[str, bytes]:
    """The files of a back end on vectors of 4 numbers, two classes, and their calibration."""
    from ser.backend.chain import Backend
    from ser.backend.plda import Plda
    from ser.detect.decision import Calibration
    from ser.detect.enrolled import EnrolledClasses
    from ser.detect.outliers import Outliers

    config = load_config(BackendConfig, ROOT / "conf" / "backend.yaml")
    backend = Backend(None, None, Plda(np.zeros(4), np.eye(4), np.ones(4)), config)
    classes = EnrolledClasses(backend, ("a", "b"), np.eye(4)[:2], np.array([2, 3]))
    with tempfile.TemporaryDirectory() as folder:
        outliers = Outliers(np.zeros((1, 4)), np.eye(4))
        Decider(classes, Calibration(1.0, {"a": 0.0, "b": 0.1}, 0.5, 2.0, 9), outliers).save(Path(folder))
        return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


BACKEND_FILES = identity_backend()
RECORDINGS = [Path("a.wav"), Path("b/c d.wav"), Path("b/a.wav")]
SESSION = "Session1/dialog"
READERS: dict[str, tuple[list[bytes], Callable[[Path], object]]] = {
    "ark": (ARCHIVES, lambda path: list(ark.read(f"ark:{path}"))),
    "features": (FEATURES, read_finite),
    "ark by map": ([data[2:] for data in ARCHIVES], read_through_scp),
    "scp": ([b"a HERE/good.ark:2\nb HERE/good.ark:2[0:1]\n", b"a HERE/good.ark:2[0:3,1:1]\n"], read_scp),
    "matrix": ([data[2:] for data in ARCHIVES], ark.read_matrix_file),
    "vector": (texts("mean.vec", "mean.txt", folder=BACKEND), ark.read_vector_file),
    "plda": (texts("plda4", "plda.txt", folder=BACKEND), plda_file.read_plda),
    "nnet3": (texts("final.raw", "final.txt", folder=BACKEND.parent / "nnet3"), nnet3.read_nnet3),
    "final.ie": ([read_reference("final.ie"), SMALL_EXTRACTOR], ivector_files.read_extractor),
    "final.dubm": ([read_reference("final.dubm"), SMALL_UBM], ivector_files.read_ubm),
    "online.conf": ([read_reference("online.conf")], lambda path: read_options(OnlineIvectorOptions, path)),
    "acoustic nnet3": ([SMALL_NNET3, *texts("final.mdl", folder=BACKEND.parent / "chain_nnet3")], read_acoustic_net),
    "trials": ([PAIRS, b"a b\nc a\n"], score_trials),
    "labels": ([PAIRS, PAIRS + b"a b target\n", PAIRS + b"a b nontarget\n"],
        lambda path: read_lists(path.read_bytes(), b"a b 1.5\na c 2\nb c -2e-3\n")),
    "scores": ([b"a b 1.5\na c 2\nb c -2e-3\n", b"a b 1\na c 1\nb c 1\na b 1\n", b"a b 1\na c 1\nb c 1\na b 2\n"],
        lambda path: read_lists(PAIRS, path.read_bytes())),
    "table": ([b"a 1\nb 2\n", "ä ö\n".encode()], tables.read_map),
    "segments": ([b"a r 0.5 1.5\nb r 2 -1\n"], lambda path: list(audio.read_segments(path))),
    "data dir": ([b"s-a s\ns-b s\n"], read_corpus({"utt2spk": None, "spk2utt": b"s s-a s-b\n"},
        lambda folder: datadir.validate(folder, False, False, False))),
    "wave": (WAVES, read_waves),
    "wave archive": ([b"key " + WAVES[0]], lambda path: list(audio.read_waves(f"ark:{path}", 16000))),
    "mfcc.conf": (texts("conf/mfcc.conf"), lambda path: read_options(MfccOptions, path)),
    "pitch.conf": (texts("conf/pitch.conf"), lambda path: read_options(PitchOptions, path)),
    "training yaml": (texts("conf/toy/xvector_pretrain.yaml"), lambda path: load_config(TrainConfig, path)),
    "backend yaml": (texts("conf/backend.yaml"), lambda path: load_config(BackendConfig, path)),
    "model's yaml": (texts("conf/toy/xvector_pretrain.yaml"), read_model),
    "safetensors": ([model()], model_dir.load_weights),
    "detector's net": ([deployed_net()], lambda path: Net.load(path)),
    "detector's list": ([b"0" * 64 + b"  detector.yaml\n"], read_part(
        detector_dir.MANIFEST, detector_dir.check_complete)),
    "detector.yaml": (
        [to_yaml(detector_dir.Description(1, "1", "none", "tdnn6", None,
            load_config(detector_dir.DetectorConfig, ROOT / "conf/detector.yaml"))).encode()],
        lambda path: load_config(detector_dir.Description, path)),
    "detector's mfcc.conf": (texts("conf/mfcc.conf"), read_part("mfcc.conf", make_blocks)),
    "detector's pitch.conf": (texts("conf/pitch.conf"), read_part("pitch.conf", make_blocks)),
    "detector's cmvn.conf": (texts("conf/cmvn.conf"), read_part("cmvn.conf", make_blocks)),
    **{f"detector's {name}": ([data], read_part(name, decide)) for name, data in BACKEND_FILES.items()},
    "recording": (WAVES, lambda path: list(read_chunks(path, 16000))),
    "words of recordings": ([b"a.wav hello\nb/c d.wav\tgood bye\n"], lambda path: read_texts(path, RECORDINGS)),
    "label map": (texts("conf/emotions/collapsed5.map"), read_label_map),
    "cremad": ([TABLE_OF_CREMAD], read_corpus(
        {"processedResults/summaryTable.csv": None, "VideoDemographics.csv": ACTORS},
        lambda corpus: cremad.read(corpus, "voice", "level", 1))),
    "cremad actors": ([ACTORS], read_corpus(
        {"processedResults/summaryTable.csv": TABLE_OF_CREMAD, "VideoDemographics.csv": None},
        lambda corpus: cremad.read(corpus, "voice", "drop", 1))),
    "meld": ([TABLE_OF_MELD], read_corpus(
        {"train_sent_emo.csv": None}, lambda corpus: meld.read(corpus, "train", False))),
    "msp-podcast": ([TABLE_OF_PODCAST], read_corpus(
        {"Labels/labels_consensus.csv": None}, lambda corpus: msp_podcast.read(corpus, "all", 0))),
    "goemotions": ([b"so good\t0,17\tabc\nno\t27\tdef\n"], read_corpus(
        {"train.tsv": None}, lambda corpus: goemotions.read(corpus, "train"))),
    "csv of a corpus": ([b"file,emotion\na.wav,anger\n", b"file;speaker\n'a;b';x\n"], read_csv),
    "jsonl": ([b'{"key": "a", "wav": "a.wav", "emo": "anger"}\n'], read_jsonl),
    "lexicon": ([b"cat K AE1 T\ncat(2) K AH0 T\n"], lexicon.read_lexicon),
    "arpa": ([ARPA], word_lm.read_arpa),
    "stm": ([b"talk 1 spk 0.5 1.25 <o,f0,male> a b\n"], read_stm),
    "voxceleb speakers": ([SPEAKERS], voxceleb1.read_meta),
    "iemocap labels": ([EMO], read_corpus(
        {f"{SESSION}/EmoEvaluation/a.txt": None, f"{SESSION}/transcriptions/a.txt": WORDS_SAID}, iemocap.read)),
    "iemocap words": ([WORDS_SAID], read_corpus(
        {f"{SESSION}/EmoEvaluation/a.txt": EMO, f"{SESSION}/transcriptions/a.txt": None}, iemocap.read)),
    "dailydialog": ([DIALOGUES], read_corpus(
        {"dialogues_text.txt": None, "dialogues_emotion.txt": b"0 1\n4\n"}, read_dialogues)),
    "dailydialog labels": ([b"0 1\n4\n"], read_corpus(
        {"dialogues_text.txt": DIALOGUES, "dialogues_emotion.txt": None}, read_dialogues)),
}  # fmt: skip


@pytest.mark.parametrize("name", READERS)
def test_reader_answers_or_refuses_soon_and_in_little_memory(name, tmp_path):
    examples, read = READERS[name]
    path = tmp_path / "file"
    (tmp_path / "good.ark").write_bytes(ARCHIVES[0])
    # What it imports and compiles is not the file's fault, nor is a busy machine's time for it. Without the last byte,
    # often a line feed, compiled code gets an array of another type.
    for example in (*examples, examples[0][:-1]):
        path.write_bytes(example)
        with contextlib.suppress(SerError):
            read(path)

    @given(damaged(examples))
    def try_one(data: bytes) -> None:
        path.write_bytes(data)
        bounded(read, path)

    try_one()


def test_features_and_detector_read_the_same_samples_or_none(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda program: None)  # ffmpeg knows more formats, for ser-detect alone
    path = tmp_path / "file"

    @given(damaged(WAVES))
    def try_one(data: bytes) -> None:
        path.write_bytes(data)
        of_features = audio.read_wave(str(path), 16000)
        try:
            of_detector = np.concatenate(list(read_chunks(path, 16000)))
        except SerError:
            assert isinstance(of_features, audio.Unreadable)
        else:
            assert not isinstance(of_features, audio.Unreadable), of_features.reason
            np.testing.assert_allclose(of_detector, of_features, atol=1e-6)  # resampled in pieces, or whole

    try_one()


def bounded(read: Callable[[Path], object], path: Path) -> None:
    """Read a file; fail on any error but SerError, on a long time and on much memory."""
    size = path.stat().st_size
    signal.signal(signal.SIGALRM, _too_long)
    signal.alarm(SECONDS)
    tracemalloc.start()
    try:
        read(path)
    except SerError as error:
        assert len(str(error)) < 5_000 + 3 * size, "the message grows"
    finally:
        signal.alarm(0)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < MEBIBYTES * 2**20 + 300 * size, f"{peak >> 20} MiB for a file of {size} bytes"


def _too_long(_number: int, _frame: object) -> None:
    pytest.fail(f"no answer in {SECONDS} s")  # an exception that no reader takes for one of its own


def test_yaml_that_doubles_itself_is_refused_by_a_short_message(tmp_path):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    path = tmp_path / "bomb.yaml"
    for text in ("\n".join(lines), "\n".join(lines) + "\nrule: *a11\n", "[" * 1000):
        path.write_text(text)
        bounded(lambda path: load_config(BackendConfig, path), path)
