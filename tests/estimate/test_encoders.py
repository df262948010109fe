"""The cost of the embeddings of an audio encoder, from the sizes of its files."""

from ser.config import load_config
from ser.estimate.encoders import frozen_encoder
from ser.estimate.rates import Rates
from ser.plan.encoders import Encoder
from tests.conftest import ROOT


def test_a_recogniser_costs_two_operations_a_weight_at_every_third_frame(tmp_path):
    net = tmp_path / "asr" / "net"
    net.mkdir(parents=True)
    (net / "model.safetensors").write_bytes(bytes(4_000_000))
    (net / "config.yaml").write_text("model:\n  dim: 512\n")
    rates = load_config(Rates, ROOT / "conf" / "rates.yaml")
    small = frozen_encoder(Encoder("a", str(tmp_path), ("layer1",)), utts=100, hours=1, rates=rates)
    wanted = 2 * 1_000_000 * 100 / 3 * 3600 / (rates.gflops * 1e9)
    assert abs(small.cpu - rates.start - wanted) < 1e-6 * wanted
    two = frozen_encoder(Encoder("a", str(tmp_path), ("layer1", "layer2")), utts=100, hours=1, rates=rates)
    assert two.disk == 2 * small.disk > 100 * 512 * 4
