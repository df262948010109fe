import sys
from pathlib import Path
from types import ModuleType
from unittest import mock

import numpy as np
import pytest

from ser.bin import compute_nnet_outputs, extract_bottlenecks, import_nnet3
from ser.errors import SerError
from ser.files import write_text
from ser.kaldi import ark

REFERENCE = Path("tests/kaldi_reference")
CHAIN = REFERENCE / "chain_nnet3"
FEATURES = f"ark:{REFERENCE}/feats/mfcc_hires.ark"


def run(command: ModuleType, *arguments: object) -> None:
    with mock.patch.object(sys, "argv", [command.__name__, *map(str, arguments)]):
        command.main()


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("chain") / "model"
    run(import_nnet3, CHAIN / "final.mdl", folder)
    return folder


def test_imported_model_gives_kaldis_outputs(model, tmp_path):
    online = (
        "--online-ivectors",
        f"ark:{CHAIN}/online_ivectors.ark",
        "--ivector-period",
        10,
        "--frames-per-chunk",
        150,
    )
    asked = ("--node", "output.affine", "--frame-subsampling", 3)
    run(compute_nnet_outputs, *asked, *online, model, FEATURES, f"ark,scp:{tmp_path}/x.ark,{tmp_path}/x.scp")
    found, expected = ark.load(f"scp:{tmp_path}/x.scp"), ark.load(f"ark:{CHAIN}/online_output.affine.ark")
    assert found.keys() == expected.keys()
    for key, matrix in expected.items():
        np.testing.assert_allclose(found[key], matrix, rtol=0, atol=1e-4)


def test_two_bytes_a_number_are_half_the_file_and_close(model, tmp_path):
    asked = ("--node", "tdnnf6.noop", "--ivectors", f"ark:{CHAIN}/utt_ivectors.ark")
    for name in ("false", "true"):
        run(compute_nnet_outputs, "--float16", name, *asked, model, FEATURES, f"ark:{tmp_path}/{name}")
    assert (tmp_path / "true").stat().st_size < 0.52 * (tmp_path / "false").stat().st_size
    exact = ark.load(f"ark:{tmp_path}/false")
    for key, matrix in ark.load(f"ark:{tmp_path}/true").items():
        np.testing.assert_allclose(matrix, exact[key], rtol=0, atol=np.ptp(exact[key]) / 65535)


def test_transitions_are_beside_the_model(model):
    lines = (model / "transitions.tsv").read_text().splitlines()
    assert lines[:2] == ["phone\tstate\tforward_pdf\tself_loop_pdf", "1\t0\t0\t1"]


def test_utterances_that_cannot_be_computed_are_named_and_counted(model, tmp_path):
    features = ark.load(FEATURES)
    features["glide"] = features["glide"][:, :-1]
    with ark.Writer(f"ark:{tmp_path}/feats") as writer:
        for key, matrix in features.items():
            writer.write(key, matrix)
    vectors = ark.load(f"ark:{CHAIN}/utt_ivectors.ark")
    with ark.Writer(f"ark:{tmp_path}/vectors") as writer:
        for key in vectors.keys() - {"noise"}:
            writer.write(key, vectors[key])
    arguments = ("--node", "output", "--ivectors", f"ark:{tmp_path}/vectors", "--left-out", tmp_path / "list")
    tables = (model, f"ark:{tmp_path}/feats", f"ark:{tmp_path}/out")
    with pytest.raises(SerError, match=r"2 of 4 utterances cannot be used, over the 5 % .*glide: "):
        run(compute_nnet_outputs, *arguments, *tables)
    assert not (tmp_path / "out").exists()
    run(compute_nnet_outputs, *arguments, "--max-left-out", 0.5, *tables)
    assert ark.load(f"ark:{tmp_path}/out").keys() == {"click", "silence"}
    assert "noise ark" in (tmp_path / "list").read_text()


def test_a_number_that_is_not_finite_is_named_with_its_frame(model, tmp_path):
    features = ark.load(FEATURES)
    features["glide"][3, 5] = np.nan
    with ark.Writer(f"ark:{tmp_path}/feats") as writer:
        for key, matrix in features.items():
            writer.write(key, matrix)
    arguments = ("--node", "output", "--ivectors", f"ark:{CHAIN}/utt_ivectors.ark", "--max-left-out", 1)
    with pytest.raises(SerError, match=r"'glide': frame 3 \(from 0\) holds nan"):
        run(compute_nnet_outputs, *arguments, model, f"ark:{tmp_path}/feats", f"ark:{tmp_path}/out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--node", "nowhere", "--ivectors", "ark:x"], "no node 'nowhere'; there are lda, tdnn1.affine"),
        (["--node", "output"], "the net takes i-vectors of dimension 10: give --ivectors or --online-ivectors"),
        (["--node", "output", "--frame-subsampling", "0"], "--frame-subsampling=0: expected at least 1"),
    ],
)
def test_impossible_settings_are_refused(model, tmp_path, arguments, message):
    with pytest.raises(SerError, match=message):
        run(compute_nnet_outputs, *arguments, model, FEATURES, f"ark:{tmp_path}/out")


def test_folder_of_no_acoustic_model_is_refused(tmp_path):
    with pytest.raises(SerError, match=r"config.yaml: no such file; import a model"):
        run(compute_nnet_outputs, "--node", "output", tmp_path, FEATURES, f"ark:{tmp_path}/out")
    write_text(tmp_path / "config.yaml", "model: {frame_dims: [1]}\n")
    with pytest.raises(SerError, match="not an acoustic model; for an x-vector net use extract_embeddings"):
        run(compute_nnet_outputs, "--node", "output", tmp_path, FEATURES, f"ark:{tmp_path}/out")


def test_layers_give_a_vector_an_utterance_and_their_frames(model, tmp_path):
    options = ("--layers", "layer6,prefinal,output", "--online-ivectors", f"ark:{CHAIN}/online_ivectors.ark")
    more = ("--statistics", "mean_stddev", "--frames", "true", "--float16", "false")
    run(extract_bottlenecks, *options, *more, model, FEATURES, tmp_path)
    expected = ark.load(f"ark:{CHAIN}/online_tdnnf6.noop.ark")
    frames, vectors = ark.load(f"scp:{tmp_path}/frames/layer6.scp"), ark.load(f"scp:{tmp_path}/layer6.scp")
    for utt, matrix in expected.items():
        np.testing.assert_allclose(frames[utt], matrix, rtol=0, atol=1e-4)
        np.testing.assert_allclose(vectors[utt], np.hstack([matrix.mean(0), matrix.std(0)]), rtol=0, atol=1e-4)
    assert ark.load(f"scp:{tmp_path}/prefinal.scp")["glide"].shape == (96,)
    assert (tmp_path / "output.scp").exists()


def test_ivectors_of_nobody_are_a_control(model, tmp_path):
    run(extract_bottlenecks, "--layers", "layer6", "--zero-ivectors", "true", model, FEATURES, tmp_path)
    with ark.Writer(f"ark:{tmp_path}/zeros") as writer:
        for utt in ark.load(FEATURES):
            writer.write(utt, np.zeros(10, np.float32))
    asked = ("--node", "layer6", "--frame-subsampling", 3, "--ivectors", f"ark:{tmp_path}/zeros")
    run(compute_nnet_outputs, *asked, model, FEATURES, f"ark:{tmp_path}/frames")
    found = ark.load(f"scp:{tmp_path}/layer6.scp")
    for utt, matrix in ark.load(f"ark:{tmp_path}/frames").items():
        np.testing.assert_allclose(found[utt], matrix.mean(0), atol=1e-4)


def test_bottlenecks_are_made_again_where_the_list_of_what_was_left_out_is_gone(model, tmp_path):
    utts = list(ark.load(FEATURES))
    with ark.Writer(f"ark:{tmp_path}/vectors") as writer:
        writer.write(utts[0], ark.load(f"ark:{CHAIN}/utt_ivectors.ark")[utts[0]])
    gone = tmp_path / "list"
    arguments = ("--layers", "prefinal", "--ivectors", f"ark:{tmp_path}/vectors")
    arguments += ("--left-out", gone, "--max-left-out", 1)
    for _ in range(2):
        run(extract_bottlenecks, "--done", tmp_path / "note.done", *arguments, model, FEATURES, tmp_path / "out")
        assert [line.split()[0] for line in gone.read_text().splitlines()] == utts[1:]
        gone.unlink()


def test_layer_that_is_not_there_is_named(model, tmp_path):
    with pytest.raises(SerError, match=r"no node 'layer12'; there are lda, tdnn1.affine"):
        run(extract_bottlenecks, "--zero-ivectors", "true", model, FEATURES, tmp_path)
