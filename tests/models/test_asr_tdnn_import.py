import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from ser.kaldi.nnet3 import Component, Nnet3, read_nnet3
from ser.models.asr_tdnn_import import MappedGraph, faster, to_asr_tdnn
from ser.models.nnet3_graph import Nnet3Graph, from_nnet3
from ser.models.node_outputs import OutputOptions, compute_outputs

CHAIN = Path("tests/kaldi_reference/chain_nnet3")


@pytest.mark.parametrize("form", ["final.mdl", "collapsed.raw"])
def test_tdnnf_gives_the_same_nodes_in_its_faster_form(form):
    graph = Nnet3Graph(*from_nnet3(read_nnet3(CHAIN / form)))
    fast = faster(graph)
    assert isinstance(fast, MappedGraph)
    rng = np.random.default_rng(0)
    features, ivectors = rng.normal(size=(130, 40)) * 10, rng.normal(size=(13, 10))
    for node in graph.node_names:
        for options in (OutputOptions(node, 3, 10, 60), OutputOptions(node, 1, 10, 51)):
            expected = compute_outputs(graph, features, options, ivectors)
            found = compute_outputs(fast, features, options, ivectors)
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6 * max(100.0, np.abs(expected).max()))


def test_mapped_net_has_the_widths_and_strides_of_its_file():
    net = to_asr_tdnn(Nnet3Graph(*from_nnet3(read_nnet3(CHAIN / "final.mdl"))))
    assert net.config.strides == (1, 1, 0, 3, 3)
    assert (net.config.dim, net.config.bottleneck_dim, net.config.prefinal_dim) == (48, 12, 16)
    assert net.config.bypass_scale == pytest.approx(0.66)
    assert (net.feature_dim, net.ivector_dim, net.num_pdfs) == (40, 10, 12)


def change(nnet: Nnet3, old: str, new: str) -> Nnet3:
    return dataclasses.replace(nnet, nodes=[line.replace(old, new) for line in nnet.nodes])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Scale(0.66, tdnn1.dropout), tdnnf2.dropout", "Scale(0.75, tdnn1.dropout), tdnnf2.dropout"),
        ("Offset(input, -1)", "Offset(input, -2)"),
        ("input=tdnnf3.noop", "input=tdnnf3.dropout"),
        ("prefinal-l input=tdnnf6.noop", "prefinal-l input=tdnnf5.noop"),
    ],
)
def test_network_of_other_wiring_stays_as_it_is(old, new):
    nnet = change(read_nnet3(CHAIN / "final.mdl"), old, new)
    graph = Nnet3Graph(*from_nnet3(nnet))
    assert faster(graph) is graph


def test_network_of_other_components_stays_as_it_is():
    nnet = read_nnet3(CHAIN / "final.mdl")
    nnet.components["tdnnf3.relu"] = Component("NoOpComponent", {})
    graph = Nnet3Graph(*from_nnet3(nnet))
    assert faster(graph) is graph
    nnet = read_nnet3(CHAIN / "final.mdl")
    fields = nnet.components["tdnnf5.linear"].fields
    nnet.components["tdnnf5.linear"] = Component("TdnnComponent", fields | {"TimeOffsets": np.array([-6, 0])})
    graph = Nnet3Graph(*from_nnet3(nnet))
    assert faster(graph) is graph


def test_mapped_net_goes_to_a_device_with_its_layers():
    fast = faster(Nnet3Graph(*from_nnet3(read_nnet3(CHAIN / "final.mdl"))))
    fast = fast.double()
    found = fast.compute(torch.zeros(40, 1, 40).double(), torch.zeros(1, 10).double(), "output", 3)
    assert found.dtype == torch.float64
