"""Log mel energies, YAMNet on RAVDESS by the command, and what extraction adds to a model's own forward pass."""

import time
from collections.abc import Callable

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_limits

SECONDS = 4.0


@pytest.fixture(scope="module")
def waves() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.normal(0, 0.1, int(16_000 * SECONDS)).astype(np.float32) for _ in range(50)]


def quickest(function: Callable[[], object], rounds: int = 5) -> float:
    """CPU seconds of the quickest round."""
    seconds = []
    for _ in range(rounds):
        begun = time.process_time()
        function()
        seconds.append(time.process_time() - begun)
    return min(seconds)


def test_log_mel(waves, benchmark, table):
    from ser.features.audioset import YAMNET, patches

    with threadpool_limits(1):
        benchmark.pedantic(lambda: [patches(wave, YAMNET) for wave in waves], rounds=3)
        used = quickest(lambda: [patches(wave, YAMNET) for wave in waves])
    table("log-mel energies and patches of AudioSet's nets, one core", len(waves) * SECONDS / used, "x real time",
          1000.0, other="least wanted")  # fmt: skip


def test_yamnet_on_ravdess(request, command, table, note, tmp_path):
    corpora = request.config.getoption("--corpora")
    clips = sorted((corpora / "ravdess").rglob("*.flac"))
    published = corpora.parent / "yamnet" / "yamnet.tflite"
    if not clips or not published.exists():
        pytest.skip("no RAVDESS under --corpora, or no yamnet/yamnet.tflite beside that folder")
    (tmp_path / "wav.scp").write_text("".join(f"{path.parent.name}-{path.stem} {path}\n" for path in clips))
    used = command("import_audio_net", published, tmp_path / "net")
    used = command(
        "extract_audio_embeddings", "--encoder", tmp_path / "net", "--layers", "10 final", "--num-threads", 2,
        f"scp:{tmp_path}/wav.scp", tmp_path / "out", threads=2,
    )  # fmt: skip
    table(f"YAMNet, {len(clips)} clips of RAVDESS, reading and log mel in it, 2 threads, wall", used.wall, "s",
          12.0, other="most wanted")  # fmt: skip
    table("the same, CPU", used.cpu, "s")
    note("wall seconds count other work on the machine; CPU seconds count threads that wait for each other")


def test_extraction_beside_the_bare_model(waves, benchmark, table, tmp_path):
    import transformers as hf

    from ser.encoders.loading import load_audio_encoder
    from ser.text.bert import quieten

    quieten()
    torch.set_num_threads(1)
    sizes = dict(hidden_size=256, num_hidden_layers=6, num_attention_heads=4, intermediate_size=1024)
    config = hf.HubertConfig(**sizes, conv_dim=(256,) * 7, num_conv_pos_embedding_groups=16)
    hf.HubertModel(config).save_pretrained(tmp_path / "net")
    hf.Wav2Vec2FeatureExtractor(do_normalize=True).save_pretrained(tmp_path / "net")
    encoder = load_audio_encoder(str(tmp_path / "net"))
    few = [(str(number), wave) for number, wave in enumerate(waves[:5])]
    given = [torch.from_numpy(wave)[None] for _, wave in few]

    def bare() -> None:
        with torch.inference_mode():
            for samples in given:
                encoder.model(samples, output_hidden_states=True)

    def extract() -> None:
        for _ in encoder.encode(few, ["0", "3", "final"]):
            pass

    bare()
    benchmark.pedantic(extract, rounds=1)
    table("HuBERT of 6 x 256, extraction of 3 layers, one core, CPU", quickest(extract), "s", quickest(bare),
          other="bare model")  # fmt: skip
