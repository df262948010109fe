"""Encoders with a state per frame: those of the transformers library (wav2vec 2.0, Whisper ...), and emotion2vec.

Recordings are never padded to a common length. In base-size models (wav2vec 2.0, HuBERT, WavLM ...) the convolutions
normalise over the whole length; in data2vec-audio they see the zeros after the end. Padding would therefore change all
states of a recording, even with a mask.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ser.encoders.audio_encoder import Level, States, cut_evenly
from ser.errors import SerError
from ser.models.emotion2vec import FINAL, Emotion2vec

# Samples that one output needs, for models whose config.json does not tell: two mel frames; Moonshine's convolutions.
_LEAST = {"wav2vec2-bert": 560, "moonshine": 895, "whisper": 400, "audio-spectrogram-transformer": 400}
# AST puts two tokens in front of those of the patches: a class token and a distillation token.
_AST_SPECIAL = 2


class FrameEncoder:
    """An `AudioEncoder` whose rows are frames; a recording longer than a window is cut, and its rows are concatenated.

    Parameters
    ----------
    what : name of the encoder in messages.
    sample_rate : in Hz.
    layers, dim, samples_a_row : see `AudioEncoder`.
    least : number of samples that one row needs; a shorter recording is padded with zeros at its end.
    most : number of samples of the longest window.
    """

    row: Level = "frame"
    model: Any
    whole: Any = None  # the model of the transformers library that the encoder is a part of

    def __init__(
        self, what: str, sample_rate: int, layers: list[str], dim: int, samples_a_row: float, least: int, most: int
    ) -> None:
        self.what, self.sample_rate, self.layers, self.dim = what, sample_rate, layers, dim
        self.samples_a_row, self.least, self.most = samples_a_row, least, most
        self.num_padded = self.num_windowed = 0

    def encode(
        self, waves: Iterable[tuple[str, np.ndarray]], layers: Sequence[str]
    ) -> Iterator[tuple[str, States | SerError]]:
        """See `AudioEncoder.encode`."""
        for utt, samples in waves:
            if len(samples) < self.least:
                self.num_padded += 1
                samples = np.pad(samples, (0, self.least - len(samples)))
            windows = cut_evenly(len(samples), self.most)
            self.num_windowed += len(windows) > 1
            with torch.inference_mode():
                parts = [self.window_states(samples[window], layers) for window in windows]
            yield utt, {layer: np.concatenate([_numpy(part[layer]) for part in parts]) for layer in layers}

    def window_states(self, samples: np.ndarray, layers: Sequence[str]) -> dict[str, Tensor]:
        """Compute the states (T, D) of one window at `layers`."""
        raise NotImplementedError


class TransformersEncoder(FrameEncoder):
    """An encoder that `ser.encoders.hub.load_pretrained` loaded.

    Layer ``0`` is the input of the first block, ``n`` the output of block n, ``final`` the last hidden state.
    """

    def __init__(self, what: str, whole: Any, part: str, extractor: Any, kind: str, max_seconds: float) -> None:
        self.whole, self.model, self.extractor, self.kind = whole, whole.get_submodule(part), extractor, kind
        model = self.model
        self.device = next(model.parameters()).device
        config, rate = model.config, int(extractor.sampling_rate)
        depth = getattr(config, "encoder_layers", None) if kind == "whisper" else None
        depth = config.num_hidden_layers if depth is None else depth
        if kind == "moonshine":
            depth = getattr(config, "encoder_num_hidden_layers", None) or depth
        kernels, strides = getattr(config, "conv_kernel", None), getattr(config, "conv_stride", None)
        least, hop = _LEAST.get(kind, 400), 320.0
        if kind not in _LEAST and kernels and strides:
            least, step = 1, 1
            for kernel, stride in zip(kernels, strides, strict=True):
                least, step = least + (kernel - 1) * step, step * stride
            # SEW halves the number of frames, so one state needs two frames.
            least, hop = least + step * (getattr(config, "squeeze_factor", 1) - 1), float(step)
        most = int(max_seconds * rate)
        if kind == "moonshine":
            hop = 384.0
        if kind == "whisper":
            most = min(most, int(extractor.n_samples))
        if kind == "audio-spectrogram-transformer":
            most = min(most, (config.max_length - 1) * 160 + 400)
            bands = (config.num_mel_bins - config.patch_size) // config.frequency_stride + 1
            hop = config.time_stride * 160 / bands
        if most < least:
            raise SerError(f"{what}: windows of {max_seconds:g} s are shorter than one frame; raise --max-seconds")
        layers = [*map(str, range(depth + 1)), FINAL]
        super().__init__(what, rate, layers, config.hidden_size, hop, least, most)

    def window_states(self, samples: np.ndarray, layers: Sequence[str]) -> dict[str, Tensor]:
        """See `FrameEncoder.window_states`; the only padding is what the model itself adds."""
        given = {name: tensor.to(self.device) for name, tensor in self.prepare([samples]).items()}
        return {layer: states[0] for layer, states in self.batch_states(given, layers, len(samples)).items()}

    def prepare(self, waves: Sequence[np.ndarray]) -> dict[str, Tensor]:
        """Make the model's input of recordings of one length."""
        inputs = self.extractor(list(waves), sampling_rate=self.sample_rate, return_tensors="pt")
        if self.kind != "wav2vec2-bert":  # that model pairs its frames, and masks an odd last one
            inputs.pop("attention_mask", None)
        return dict(inputs)

    def batch_states(self, given: dict[str, Tensor], layers: Sequence[str], num_samples: int) -> dict[str, Tensor]:
        """Compute the states (B, T, D) at `layers` of what `prepare` made of recordings of `num_samples`."""
        output = self.model(**given, output_hidden_states=any(layer != FINAL for layer in layers), return_dict=True)
        rows = slice(None)
        if self.kind == "whisper":  # it pads each recording to 30 s and gives 1,500 states
            rows = slice(0, math.ceil(num_samples / 320))
        elif self.kind == "audio-spectrogram-transformer":
            rows = slice(_AST_SPECIAL, None)
        states = {FINAL: output.last_hidden_state[:, rows]}
        for layer in layers:
            if layer != FINAL:
                states[layer] = output.hidden_states[int(layer)][:, rows]
        return states


class Emotion2vecEncoder(FrameEncoder):
    """emotion2vec, by our own implementation."""

    def __init__(self, what: str, model: Emotion2vec, max_seconds: float) -> None:
        self.model = model
        self.device = next(model.parameters()).device
        least, hop = model.receptive_field, float(math.prod(model.config.strides))
        super().__init__(what, 16_000, model.layers, model.config.dim, hop, least, int(max_seconds * 16_000))

    def window_states(self, samples: np.ndarray, layers: Sequence[str]) -> dict[str, Tensor]:
        """See `FrameEncoder.window_states`."""
        given = {name: tensor.to(self.device) for name, tensor in self.prepare([samples]).items()}
        return {layer: states[0] for layer, states in self.batch_states(given, layers, len(samples)).items()}

    def prepare(self, waves: Sequence[np.ndarray]) -> dict[str, Tensor]:
        """Make the model's input of recordings of one length."""
        return {"samples": torch.from_numpy(np.stack(waves).astype(np.float32))}

    def batch_states(self, given: dict[str, Tensor], layers: Sequence[str], num_samples: int) -> dict[str, Tensor]:
        """Compute the states (B, T, D) at `layers` of what `prepare` made of recordings of `num_samples`."""
        return self.model.states(given["samples"], layers)


def _numpy(states: Tensor) -> np.ndarray:
    return states.float().cpu().numpy()
