"""Log mel energies, YAMNet on RAVDESS by the command, what extraction and training add to a model's own passes, and an
epoch of the co-attention."""

import dataclasses
import logging
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from threadpoolctl import threadpool_limits

SECONDS = 4.0
# What an epoch of co-attention is of: IEMOCAP's four classes, with 8 patches and 30 tokens of 512 numbers each.
UTTERANCES, ROWS, WIDTH = 5531, {"speech": 8, "text": 30}, 512
# A part of it is trained on, as all of it would be 430 MB.
PART = 4


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


class Clocked:
    """A source of batches that notes the CPU seconds, of all threads, at which each epoch begins."""

    def __init__(self, source: Any) -> None:
        self.source, self.begun = source, list[float]()

    def num_batches(self, epoch: int) -> int:
        return self.source.num_batches(epoch)

    def batches(self, *place: int) -> Iterator[tuple[Any, torch.Tensor]]:
        self.begun.append(time.process_time())
        yield from self.source.batches(*place)

    def quickest(self) -> float:
        """CPU seconds of the quickest epoch but the last, which has no end here."""
        return min(after - before for before, after in pairwise(self.begun))


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


def small_hubert(folder: Path) -> Any:
    """Make a HuBERT of 6 blocks of width 256, and load it as an encoder."""
    import transformers as hf

    from ser.encoders.loading import load_audio_encoder
    from ser.text.bert import quieten

    quieten()
    torch.set_num_threads(1)
    sizes = dict(hidden_size=256, num_hidden_layers=6, num_attention_heads=4, intermediate_size=1024)
    config = hf.HubertConfig(**sizes, conv_dim=(256,) * 7, num_conv_pos_embedding_groups=16)
    hf.HubertModel(config).save_pretrained(folder)
    hf.Wav2Vec2FeatureExtractor(do_normalize=True).save_pretrained(folder)
    return load_audio_encoder(str(folder))


def test_extraction_beside_the_bare_model(waves, benchmark, table, tmp_path):
    encoder = small_hubert(tmp_path / "net")
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


def test_training_of_an_encoder_beside_its_bare_passes(waves, benchmark, table, tmp_path):
    from torch.nn.functional import cross_entropy

    from ser.config import load_config
    from ser.encoders.tuning import TunedEncoder, arrange
    from ser.encoders.tuning_config import AudioEncoderConfig
    from ser.encoders.wave_batches import WaveSource
    from ser.training.fit import fit

    encoder = small_hubert(tmp_path / "net")
    logging.disable(logging.INFO)
    changes = ("data.batch_size=8", "fit.epochs=3", "gradual=null", "model.dropout=0.0")
    config = load_config(AudioEncoderConfig, "conf/audio_encoder.yaml", changes)
    names = [f"{number:02}" for number in range(16)]
    for name, wave in zip(names, waves, strict=False):
        soundfile.write(tmp_path / f"{name}.flac", wave, 16_000)
    recordings = {name: str(tmp_path / f"{name}.flac") for name in names}
    source = WaveSource(recordings, {}, names, np.arange(len(names)) % 4, encoder, config.data, seed=0)
    loading = quickest(lambda: list(source.batches(0)), rounds=3)
    table("loader of audio encoders, recordings of 4 s, one core, CPU", len(names) * SECONDS / loading, "x real time")
    model = TunedEncoder(encoder, config.model, 4)
    settings = arrange(model, config.model, config.gradual, config.fit)
    batches = list(source.batches(0))

    def bare() -> None:
        model.train()
        for inputs, targets in batches:
            model.zero_grad(set_to_none=True)
            cross_entropy(model(dict(inputs)), targets).backward()

    bare()
    benchmark.pedantic(bare, rounds=1)
    alone, clocked = quickest(bare, rounds=2), Clocked(source)
    fit(model, clocked, None, settings, tmp_path, torch.nn.CrossEntropyLoss(), "cpu")
    table("HuBERT of 6 x 256, 16 recordings of 4 s, an epoch of fit(), one core, CPU", clocked.quickest(), "s", alone,
          other="bare forward and backward")  # fmt: skip


@pytest.mark.parametrize("layers", [0, 1])
def test_epoch_of_the_co_attention(layers, benchmark, table, note, tmp_path):
    from ser.coattention.config import CoAttentionTrainConfig
    from ser.coattention.sequences import SequenceSource, read_sequences
    from ser.config import load_config
    from ser.kaldi import ark, tables
    from ser.models.coattention import CoAttention
    from ser.training.fit import fit

    torch.set_num_threads(1)
    logging.disable(logging.INFO)
    config = load_config(CoAttentionTrainConfig, "conf/coattention/fusion.yaml", (f"model.layers={layers}",))
    utts = [f"a-{number:04}" for number in range(UTTERANCES // PART)]
    tables.write_map(tmp_path / "utt2spk", dict.fromkeys(utts, "a"))
    rng = np.random.default_rng(0)
    for name, rows in ROWS.items():
        with ark.Writer(f"ark,scp:{tmp_path}/{name}.ark,{tmp_path}/{name}.scp") as writer:
            for utt in utts:
                writer.write(utt, rng.standard_normal((rows, WIDTH), np.float32))
    sequences = read_sequences(tmp_path, {name: f"scp:{tmp_path}/{name}.scp" for name in ROWS})
    source = SequenceSource(sequences, np.arange(len(utts)) % 4, config.data, seed=0)
    net = CoAttention(config.model, {name: (torch.zeros(WIDTH), torch.ones(WIDTH)) for name in ROWS}, 4)
    settings, clocked = dataclasses.replace(config.fit, epochs=4), Clocked(source)
    benchmark.pedantic(
        lambda: fit(net, clocked, None, settings, tmp_path, torch.nn.CrossEntropyLoss(), "cpu"), rounds=1
    )
    table(f"co-attention, model.layers {layers}: an epoch of fit() of {UTTERANCES:,} utterances, one core, CPU",
          clocked.quickest() * PART, "s")  # fmt: skip
    loading = quickest(lambda: [None for _ in source.batches(1)], rounds=3)
    table("its loader alone", loading * PART, "s")
    note(f"epochs of the co-attention were measured on a {PART}th of the utterances")
