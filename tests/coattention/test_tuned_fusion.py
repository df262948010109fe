"""The fusion of speech and text with the net of speech in front of it, which is unfrozen group by group."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from ser.coattention.config import CoAttentionTrainConfig
from ser.coattention.sequences import Sequences, SequenceSource
from ser.coattention.triplet_config import TripletConfig, make_triplet_net
from ser.config import load_config
from ser.models.coattention import CoAttention
from ser.models.resnet import Resnet, ResnetConfig
from ser.models.tuned_speech import TunedCoAttention
from ser.models.vggish import Vggish, VggishConfig
from ser.models.yamnet import Yamnet, YamnetConfig
from ser.training.fit import fit
from ser.training.unfreezing import Unfreezing
from tests.training.test_unfreezing import LOSS, Interrupted, Recorder

CONFIG = load_config(CoAttentionTrainConfig, "conf/toy/coattention/tune_triplet.yaml")
# Ten batches of two in each of three epochs, so that an epoch's groups open at the steps 0, 10 and 20.
DATA = dataclasses.replace(CONFIG.data, batch_size=2)


@pytest.fixture(autouse=True)
def one_thread():
    """Nets so small take longer on two threads than on one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def make_source(seed: int | None = 0) -> SequenceSource:
    """20 utterances of two patches; one has no text."""
    rng = np.random.default_rng(0)
    utts = [f"a-{number:02}" for number in range(20)]
    rows = {
        "speech": {utt: rng.standard_normal((2, 96 * 64)).astype(np.float32) for utt in utts},
        "text": {utt: rng.standard_normal((5, 6)).astype(np.float32) for utt in utts},
    }
    found = {name: np.ones(20, bool) for name in rows}
    found["text"][3] = False
    sequences = Sequences(utts, rows, found, {"speech": 96 * 64, "text": 6})
    return SequenceSource(sequences, rng.integers(0, 4, 20), DATA, seed)


def make_net(encoder: torch.nn.Module, layer: str, dim: int) -> TunedCoAttention:
    statistics = {name: (torch.zeros(width), torch.ones(width)) for name, width in (("speech", dim), ("text", 6))}
    return TunedCoAttention(encoder, layer, CoAttention(CONFIG.model, statistics, 4))


def small_net() -> TunedCoAttention:
    torch.manual_seed(0)
    return make_net(Resnet(ResnetConfig((4, 4, 4, 4), 1)), "final", 4)


def test_each_group_of_the_fusion_keeps_its_bits_until_its_step(tmp_path):
    net = small_net()
    seen = Recorder(net)
    fit(net, make_source(), None, CONFIG.fit, tmp_path, seen, "cpu")
    starts = {"coattention.": 0, "encoder.stages.2": 10, "encoder.stages.3": 10, "encoder.": 20}
    weights = [name for name, _ in net.named_parameters() if not name.endswith(".nothing")]
    for name in weights:
        start = next(step for prefix, step in starts.items() if name.startswith(prefix))
        states = [state[name] for state in seen.states]
        assert all(torch.equal(states[step], states[0]) for step in range(start + 1)), name
        assert not torch.equal(states[-1], states[0]), name
    # Statistics of a norm move in the forward pass of a step, which comes before the loss sees them.
    means = [state["encoder.stem.1.running_mean"] for state in seen.states]
    assert all(torch.equal(mean, means[0]) for mean in means[:20]) and not torch.equal(means[20], means[0])
    assert {"coattention.sides.text.projection.weight", "encoder.stem.0.weight"} < set(weights)


def test_a_tuned_fusion_reads_the_text(tmp_path):
    net = small_net().eval()
    (inputs, _) = next(make_source(None).batches(0))
    with torch.inference_mode():
        assert not torch.equal(net(inputs), net({**inputs, "text": inputs["text"].flip(2)}))


@pytest.mark.parametrize("stop_at", [10, 25])
def test_a_resumed_tuning_of_the_fusion_gives_the_same_bits(tmp_path, stop_at):
    straight = fit(small_net(), make_source(), None, CONFIG.fit, tmp_path / "straight", LOSS, "cpu")
    with pytest.raises(KeyboardInterrupt):
        fit(small_net(), Interrupted(make_source(), stop_at), None, CONFIG.fit, tmp_path / "halves", LOSS, "cpu")
    resumed = fit(small_net(), make_source(), None, CONFIG.fit, tmp_path / "halves", LOSS, "cpu")
    ours, theirs = straight.state_dict(), resumed.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize("conf", ["conf", "conf/toy"])
@pytest.mark.parametrize("name", ["triplet", "yamnet", "vggish"])
def test_the_schedule_of_each_net_of_the_driver_opens_it_from_the_output_on(conf, name):
    folder = Path(conf, "coattention")
    with torch.device("meta"):  # a VGGish has 72 million weights
        encoder = {
            "triplet": lambda: make_triplet_net(load_config(TripletConfig, folder / "triplet.yaml")).net,
            "yamnet": lambda: Yamnet(YamnetConfig(batch_norm=True, num_classes=521)),
            "vggish": lambda: Vggish(VggishConfig(4096, 128)),
        }[name]()
        net = make_net(encoder, "final", 8)
    settings = load_config(CoAttentionTrainConfig, folder / f"tune_{name}.yaml")
    for parameter in (part for frozen in settings.fit.frozen for part in net.get_submodule(frozen).parameters()):
        parameter.requires_grad_(False)
    schedule = Unfreezing(net, settings.fit.unfreezing, [10] * settings.fit.epochs)
    assert len(schedule.starts) == (2 if (conf, name) == ("conf/toy", "vggish") else 3)
    assert schedule.group_of["coattention.sides.text"] == 0 == schedule.group_of["coattention.output"]
    assert settings.data.limit("text") >= 32 > settings.data.limit("speech")
