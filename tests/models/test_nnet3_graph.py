import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from ser.errors import SerError
from ser.kaldi import ark
from ser.kaldi.nnet3 import Component, Nnet3, read_nnet3
from ser.models.nnet3_graph import Nnet3Graph, from_nnet3
from ser.models.node_outputs import OutputOptions, compute_outputs

OWN = Path("tests/kaldi_reference")
SHARED = Path("../shared/kaldi_reference")
NODES = ["tdnn1.dropout", "tdnnf5.noop", "tdnnf6.noop", "prefinal-l", "prefinal-chain.batchnorm1", "output.affine"]


def load(path: Path) -> Nnet3Graph:
    if not path.exists():
        pytest.skip("no ../shared/kaldi_reference")
    return Nnet3Graph(*from_nnet3(read_nnet3(path)))


@pytest.fixture(scope="module")
def net() -> Nnet3Graph:
    return load(OWN / "chain_nnet3/final.mdl")


def check(net: Nnet3Graph, folder: Path, options: OutputOptions, ivectors: str, expected: str) -> None:
    """Compare with Kaldi's matrices of every clip."""
    features = ark.load(f"ark:{folder}/feats/mfcc_hires.ark")
    vectors = ark.load(f"ark:{folder}/chain_nnet3/{ivectors}")
    table = ark.load(f"ark:{folder}/chain_nnet3/{expected}.ark")
    assert table.keys() == features.keys()
    for key, matrix in table.items():
        found = compute_outputs(net, features[key], options, vectors[key])
        np.testing.assert_allclose(found, matrix, rtol=0, atol=1e-4, err_msg=f"{expected} {key}")


@pytest.mark.parametrize(
    ("options", "ivectors", "expected"),
    [
        (OutputOptions("tdnnf6.noop", 3), "utt_ivectors.ark", "utt_tdnnf6.noop"),
        (OutputOptions("tdnnf6.noop", 3, 10, 150), "online_ivectors.ark", "online_tdnnf6.noop"),
        (OutputOptions("output.affine", 3, 10, 150), "online_ivectors.ark", "online_output.affine"),
        (OutputOptions("output"), "utt_ivectors.ark", "dense_output"),
    ],
)
def test_nodes_equal_those_of_nnet3_compute(net, options, ivectors, expected):
    check(net, OWN, options, ivectors, expected)


@pytest.mark.parametrize("form", ["final.mdl", "final.raw", "final.txt"])
@pytest.mark.parametrize("node", NODES)
def test_every_node_of_every_form_equals_kaldis(form, node):
    net = load(SHARED / "chain_nnet3" / form)
    check(net, SHARED, OutputOptions(node, 3), "utt_ivectors.txt", f"utt_{node}")
    check(net, SHARED, OutputOptions(node, 3, 10, 150), "online_ivectors.ark", f"online_{node}")


def test_collapsed_net_gives_what_kaldi_makes_of_it_and_what_the_whole_net_gives(net):
    collapsed = load(OWN / "chain_nnet3/collapsed.raw")
    check(collapsed, OWN, OutputOptions("output", 3), "utt_ivectors.ark", "collapsed_output")
    for node in ("tdnnf6.noop", "output-xent"):
        features, ivector = signal(100), np.ones(10, np.float32)
        whole = compute_outputs(net, features, OutputOptions(node), ivector)
        np.testing.assert_allclose(compute_outputs(collapsed, features, OutputOptions(node), ivector), whole, atol=1e-4)


def test_every_third_frame_is_that_of_the_dense_computation(net):
    features, ivector = signal(101), np.ones(10, np.float32)
    for node in NODES:
        dense = compute_outputs(net, features, OutputOptions(node), ivector)
        third = compute_outputs(net, features, OutputOptions(node, 3), ivector)
        second = compute_outputs(net, features, OutputOptions(node, 3, offset=1), ivector)
        np.testing.assert_allclose(second, dense[1::3], atol=1e-5)
        assert third.shape == (34, net.width(node))
        np.testing.assert_allclose(third, dense[::3], rtol=0, atol=2e-5)


def test_without_online_ivectors_the_chunks_make_no_difference(net, monkeypatch):
    features, ivector = signal(400), np.ones(10, np.float32)
    whole = compute_outputs(net, features, OutputOptions("output", 3), ivector)
    monkeypatch.setattr("ser.models.node_outputs.CHUNK", 60)
    np.testing.assert_allclose(compute_outputs(net, features, OutputOptions("output", 3), ivector), whole, atol=1e-5)


def test_chunk_takes_the_ivector_of_its_middle_frame(net):
    features, ivectors = signal(120), np.random.default_rng(1).normal(size=(12, 10)).astype(np.float32)
    found = compute_outputs(net, features, OutputOptions("output", 3, 10, 60), ivectors)
    # 0, 3, ... 57 are put out: the middle is 57 / 2 = 28, so row 2; then 60 + 28, row 8.
    for start, row in ((0, 2), (20, 8)):
        whole = compute_outputs(net, features, OutputOptions("output", 3), ivectors[row])
        np.testing.assert_allclose(found[start : start + 20], whole[start : start + 20], atol=1e-5)


def test_context_is_that_of_the_recipe(net):
    assert net.context("output") == (9, 9)
    assert net.context("lda") == (1, 1)
    assert (net.feature_dim, net.ivector_dim) == (40, 10)


def test_transitions_of_an_acoustic_model_are_kept():
    nnet = read_nnet3(OWN / "chain_nnet3/final.mdl")
    assert [tuple(transition) for transition in nnet.transitions[:2]] == [(1, 0, 0, 1), (2, 0, 2, 3)]
    assert len(nnet.transitions) == 6


def small(source: str = "Append(Offset(input, -1), input)", columns: int = 4, more: tuple[str, ...] = ()) -> Nnet3:
    """A net that adds up what it reads, two features a frame."""
    fields = {"LinearParams": np.ones((1, columns), np.float32), "BiasParams": np.zeros(1, np.float32)}
    nodes = ["input-node name=input dim=2", f"component-node name=sum component=sum input={source}"]
    return Nnet3([*nodes, *more, "output-node name=output input=sum"], {"sum": Component("AffineComponent", fields)})


RAMP = np.arange(12, dtype=np.float32).reshape(6, 2)  # frames that sum to 1, 5, 9, 13, 17, 21


@pytest.mark.parametrize(
    ("source", "columns", "expected"),
    [
        ("input", 2, [1, 5, 9, 13, 17, 21]),
        ("Append(Offset(input, -1), input)", 4, [2, 6, 14, 22, 30, 38]),
        ("Offset(input, 2)", 2, [9, 13, 17, 21, 21, 21]),
        ("Sum(input, Scale(0.5, input))", 2, [1.5, 7.5, 13.5, 19.5, 25.5, 31.5]),
        ("Round(input, 3)", 2, [1, 1, 1, 13, 13, 13]),
        ("IfDefined(Offset(input, -1))", 2, [1, 1, 5, 9, 13, 17]),
    ],
)
def test_descriptors_read_what_they_say(source, columns, expected):
    net = Nnet3Graph(*from_nnet3(small(source, columns)))
    found = compute_outputs(net, RAMP, OutputOptions("output"))
    np.testing.assert_allclose(found[:, 0], expected)


def test_range_of_dimensions_is_cut_out():
    more = ("dim-range-node name=second input-node=input dim=1 dim-offset=1",)
    net = Nnet3Graph(*from_nnet3(small(more=more)))
    np.testing.assert_array_equal(compute_outputs(net, RAMP, OutputOptions("second"))[:, 0], RAMP[:, 1])


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("Append(input, other)", "the node 'sum' reads 'other', which is no node"),
        ("Switch(input, input)", "the node 'sum' reads Switch(...), which cannot be computed here"),
        ("Append(input, sum)", "the nodes sum, output form a loop"),
        ("input", "the node 'sum' reads 2 dimensions; its component takes 4"),
        ("Append(Offset(input, -1), input", "the input of the node 'sum' ends too early"),
        ("Offset(input)", "the node 'sum' reads Offset with no number; expected one"),
        ("Offset(input, 0.5)", "the node 'sum' reads Offset with 0.5; expected an integer"),
        ("Sum(input, Append(input, input))", "the node 'sum' adds inputs of dimensions 2 and 4"),
    ],
)
def test_wiring_that_is_not_computed_is_refused_by_name(source, message):
    with pytest.raises(SerError, match=re.escape(message)):
        Nnet3Graph(*from_nnet3(small(source)))


AUGMENTED = """<Nnet3>
input-node name=input dim=2
component-node name=idct component=idct input=input
component-node name=batchnorm0 component=batchnorm0 input=idct
component-node name=spec-augment.freq-mask component=spec-augment.freq-mask input=batchnorm0
component-node name=spec-augment.time-mask component=spec-augment.time-mask input=spec-augment.freq-mask
component-node name=dropout component=dropout input=spec-augment.time-mask
output-node name=output input=dropout objective=linear

<NumComponents> 5
<ComponentName> idct <FixedAffineComponent> <LinearParams>  [
  0 2
  1 0 ]
<BiasParams>  [ 1 0 ]
</FixedAffineComponent>
<ComponentName> batchnorm0 <BatchNormComponent> <Dim> 2 <BlockDim> 1 <Epsilon> 0.001 <TargetRms> 0.5 <TestMode> T \
<Count> 9 <StatsMean>  [ 3 ]
<StatsVar>  [ 3.999 ]
</BatchNormComponent>
<ComponentName> spec-augment.freq-mask <GeneralDropoutComponent> <Dim> 2 <BlockDim> 2 <TimePeriod> 0 \
<DropoutProportion> 0 <SpecAugmentMaxProportion> 0.5 <SpecAugmentMaxRegions> 2 <TestMode> <Continuous> \
</GeneralDropoutComponent>
<ComponentName> spec-augment.time-mask <SpecAugmentTimeMaskComponent> <Dim> 2 <ZeroedProportion> 0.2 \
<TimeMaskMaxFrames> 10 </SpecAugmentTimeMaskComponent>
<ComponentName> dropout <DropoutComponent> <Dim> 2 <DropoutProportion> 0.5 <DropoutPerFrame> F <TestMode> F \
</DropoutComponent>
</Nnet3>
"""


def test_idct_batch_norm_of_blocks_spec_augment_and_dropout_are_computed_as_in_testing(tmp_path):
    (tmp_path / "x.txt").write_text(AUGMENTED)
    net = Nnet3Graph(*from_nnet3(read_nnet3(tmp_path / "x.txt")))
    found = compute_outputs(net, RAMP, OutputOptions("output"))
    # (x - 3) / 4 after the idct: x is 2 b + 1 and a of the frame (a, b).
    expected = (np.stack([2 * RAMP[:, 1] + 1, RAMP[:, 0]], axis=1) - 3) / 4
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


def test_unknown_component_is_refused_by_name(tmp_path):
    text = (OWN / "chain_nnet3/final.mdl").read_bytes()
    (tmp_path / "x.mdl").write_bytes(text.replace(b"<NoOpComponent>", b"<PermuteComponent>"))
    with pytest.raises(SerError, match=r"the component 'tdnnf2.noop' is a PermuteComponent, which cannot be computed"):
        read_nnet3(tmp_path / "x.mdl")
    nnet = small()
    nnet.components["sum"] = Component("LstmNonlinearityComponent", {})
    with pytest.raises(SerError, match=r"'sum' is a LstmNonlinearityComponent"):
        Nnet3Graph(*from_nnet3(nnet))


def test_truncated_model_is_refused_wherever_it_ends(tmp_path):
    text = (OWN / "chain_nnet3/final.mdl").read_bytes()
    for size in (20, 300, 700, 5000, len(text) // 2, len(text) - 200):
        (tmp_path / "x.mdl").write_bytes(text[:size])
        with pytest.raises(SerError, match=r"x\.mdl: byte \d+: .*the file is broken"):
            read_nnet3(tmp_path / "x.mdl")


def test_parameters_that_are_not_finite_are_refused_by_component(tmp_path):
    text = bytearray((OWN / "chain_nnet3/final.mdl").read_bytes())
    place = text.index(b"<LinearParams> FM ") + 28
    text[place : place + 4] = np.float32("nan").tobytes()
    (tmp_path / "x.mdl").write_bytes(text)
    with pytest.raises(SerError, match=r"<LinearParams> of the component 'lda' holds NaN"):
        read_nnet3(tmp_path / "x.mdl")


def test_batch_norm_without_statistics_is_refused(net):
    nnet = read_nnet3(OWN / "chain_nnet3/final.mdl")
    old = nnet.components["tdnn1.batchnorm"]
    nnet.components["tdnn1.batchnorm"] = dataclasses.replace(old, fields=old.fields | {"Count": 0.0})
    with pytest.raises(SerError, match=r"the batch norm 'tdnn1.batchnorm' holds no statistics"):
        from_nnet3(nnet)


def test_input_that_does_not_fit_is_refused_with_its_sizes(net):
    features, ivector, options = signal(30), np.ones(10, np.float32), OutputOptions("output", 3)
    with pytest.raises(SerError, match="an i-vector of dimension 12; the net takes 10"):
        compute_outputs(net, features, options, np.ones(12, np.float32))
    with pytest.raises(SerError, match="2 rows of i-vectors do not fit 30 frames: expected one every 10 frames, 3"):
        compute_outputs(net, features, options, np.ones((2, 10), np.float32))
    with pytest.raises(SerError, match="the net takes i-vectors of dimension 10"):
        compute_outputs(net, features, options)
    with pytest.raises(SerError, match=r"features of shape \(30, 13\); the net takes 40"):
        compute_outputs(net, features[:, :13], options, ivector)
    features[7, 3] = np.nan
    with pytest.raises(SerError, match="the features hold NaN or infinity, first in frame 7"):
        compute_outputs(net, features, options, ivector)
    with pytest.raises(SerError, match="the i-vectors hold NaN"):
        compute_outputs(net, signal(30), options, ivector * np.nan)
    with pytest.raises(SerError, match=r"no node 'tdnnf7.noop'; there are lda, tdnn1.affine, "):
        compute_outputs(net, signal(30), OutputOptions("tdnnf7.noop"), ivector)


def signal(frames: int) -> np.ndarray:
    return (np.random.default_rng(0).normal(size=(frames, 40)) * 10).astype(np.float32)


def test_weights_survive_their_file(net, tmp_path):
    _, weights = from_nnet3(read_nnet3(OWN / "chain_nnet3/final.mdl"))
    assert weights.keys() == net.state_dict().keys()
    assert all(torch.equal(net.state_dict()[name], tensor) for name, tensor in weights.items())
