"""Tiny untrained audio encoders of every kind, in folders with the layout of the real ones."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from ser.errors import SerError

# A few thousand parameters, so that a second of speech takes about 20 ms.
_SIZES: dict[str, Any] = dict(hidden_size=32, num_hidden_layers=3, num_attention_heads=4, intermediate_size=48)
_CONVOLUTIONS: dict[str, Any] = dict(
    conv_dim=(32,) * 7, num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=4, mask_time_prob=0.0,
)  # fmt: skip
# Base-size models normalise the first convolution over time; large models normalise each over the channels.
_BASE: dict[str, Any] = dict(feat_extract_norm="group", do_stable_layer_norm=False)
_LARGE: dict[str, Any] = dict(feat_extract_norm="layer", do_stable_layer_norm=True, conv_bias=True)
# SEW halves the number of frames in front of its blocks, and doubles it behind them.
_SEW: dict[str, Any] = dict(
    conv_dim=(16, 32, 32, 32, 32, 32, 32), squeeze_factor=2, conv_kernel=(10, 3, 3, 3, 3, 2, 2),
    conv_stride=(5, 2, 2, 2, 2, 2, 2),
)  # fmt: skip
_FAMILIES = ("wav2vec2", "wavlm", "hubert", "unispeech", "unispeech-sat")
_EMOTION2VEC: dict[str, Any] = dict(
    kernels=(10, 3, 3, 3, 3, 2, 2), strides=(5, 2, 2, 2, 2, 2, 2), channels=32, dim=32, heads=4, hidden=48,
    first_blocks=2, blocks=2, extra_tokens=3, position_layers=2, position_kernel=5, position_groups=4,
)  # fmt: skip

KINDS = (
    *(f"{family}-{size}" for family in _FAMILIES for size in ("base", "large")),
    "data2vec-audio", "sew", "sew-d", "wav2vec2-conformer", "whisper", "ast", "wav2vec2-bert", "moonshine",
    "emotion2vec", "yamnet", "vggish",
)  # fmt: skip


def build_encoder(kind: str, folder: str | Path, seed: int) -> int:
    """Write the folder of an untrained encoder; return its number of parameters.

    Parameters
    ----------
    kind : one of `KINDS`.
    folder : made if it does not exist.
    seed : seed of the weights.

    Raises
    ------
    SerError
        For a kind that is not in `KINDS`.
    """
    if kind not in KINDS:
        raise SerError(f"there is no toy encoder of the kind '{kind}'; kinds: {', '.join(KINDS)}")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    if kind in ("emotion2vec", "yamnet", "vggish"):
        return {"emotion2vec": _emotion2vec, "yamnet": _yamnet, "vggish": _vggish}[kind](folder)
    model, extractor = _transformers(kind)
    model.save_pretrained(folder, safe_serialization=True)
    extractor.save_pretrained(folder)
    return sum(parameter.numel() for parameter in model.parameters())


def _transformers(kind: str) -> tuple[Any, Any]:
    import transformers as hf

    def waves(normalise: bool) -> Any:
        return hf.Wav2Vec2FeatureExtractor(sampling_rate=16_000, do_normalize=normalise)

    family, _, size = kind.rpartition("-")
    if family in _FAMILIES and size in ("base", "large"):  # wav2vec2-bert is of no size
        names = {"wav2vec2": "Wav2Vec2", "wavlm": "WavLM", "hubert": "Hubert"}
        names |= {"unispeech": "UniSpeech", "unispeech-sat": "UniSpeechSat"}
        settings = _SIZES | _CONVOLUTIONS | (_BASE if size == "base" else _LARGE)
        config = getattr(hf, f"{names[family]}Config")(**settings)
        return getattr(hf, f"{names[family]}Model")(config), waves(size == "large")
    makers: dict[str, Callable[[], tuple[Any, Any]]] = {
        "data2vec-audio": lambda: (
            hf.Data2VecAudioModel(
                hf.Data2VecAudioConfig(
                    **_SIZES, **_CONVOLUTIONS | dict(num_conv_pos_embeddings=3), conv_pos_kernel_size=5
                )
            ),
            waves(True),
        ),
        "sew": lambda: (hf.SEWModel(hf.SEWConfig(**_SIZES, **_CONVOLUTIONS | _SEW)), waves(True)),
        "sew-d": lambda: (
            hf.SEWDModel(
                hf.SEWDConfig(**_SIZES, **_CONVOLUTIONS | _SEW, position_buckets=16, max_position_embeddings=32)
            ),
            waves(True),
        ),
        "wav2vec2-conformer": lambda: (
            hf.Wav2Vec2ConformerModel(
                hf.Wav2Vec2ConformerConfig(
                    **_SIZES, **_CONVOLUTIONS, conv_depthwise_kernel_size=5, feat_extract_norm="layer", conv_bias=True
                )
            ),
            waves(True),
        ),
        "whisper": lambda: (
            hf.WhisperModel(
                hf.WhisperConfig(
                    d_model=32, encoder_layers=2, encoder_attention_heads=4, encoder_ffn_dim=48, decoder_layers=1,
                    decoder_attention_heads=4, decoder_ffn_dim=48, vocab_size=20, num_mel_bins=80, pad_token_id=0,
                    bos_token_id=1, eos_token_id=2, decoder_start_token_id=1,
                )
            ),
            hf.WhisperFeatureExtractor(feature_size=80),
        ),
        "ast": lambda: (
            hf.ASTModel(hf.ASTConfig(**_SIZES, num_mel_bins=64, max_length=128)),
            hf.ASTFeatureExtractor(num_mel_bins=64, max_length=128),
        ),
        "wav2vec2-bert": lambda: (
            hf.Wav2Vec2BertModel(hf.Wav2Vec2BertConfig(**_SIZES, mask_time_prob=0.0, conv_depthwise_kernel_size=5)),
            hf.SeamlessM4TFeatureExtractor(feature_size=80, num_mel_bins=80, stride=2),
        ),
        "moonshine": lambda: (
            hf.MoonshineModel(
                hf.MoonshineConfig(
                    vocab_size=20, hidden_size=32, intermediate_size=48, encoder_num_hidden_layers=2,
                    decoder_num_hidden_layers=1, encoder_num_attention_heads=4, decoder_num_attention_heads=4,
                    pad_token_id=0, bos_token_id=1, eos_token_id=2, decoder_start_token_id=1,
                )
            ),
            waves(False),
        ),
    }  # fmt: skip
    return makers[kind]()


def _emotion2vec(folder: Path) -> int:
    """Write a ``model.pt`` whose arrays have the published names."""
    from ser.models.emotion2vec import Emotion2vec, Emotion2vecConfig

    config = Emotion2vecConfig(**_EMOTION2VEC)
    model = Emotion2vec(config)
    audio = "modality_encoders.AUDIO."
    parts = {"qkv": "attn.qkv", "proj": "attn.proj", "fc1": "mlp.fc1", "fc2": "mlp.fc2"}
    others = {"project_norm": "project_features.1.", "project": "project_features.2.", "norm": "context_encoder.norm."}
    state = {}
    for name, tensor in model.state_dict().items():
        words = name.split(".")
        if words[0] == "convolutions":
            theirs = f"{audio}local_encoder.conv_layers.{words[1]}.{'0' if words[2] == 'conv' else '2.1'}.{words[3]}"
        elif words[0] == "positions":
            theirs = f"{audio}relative_positional_encoder.{int(words[1]) + 1}.0.{words[2]}"
        elif words[0] == "blocks":
            number, part = int(words[1]), parts.get(words[2], words[2])
            stack = f"{audio}context_encoder." if number < config.first_blocks else ""
            number -= 0 if stack else config.first_blocks
            theirs = f"{stack}blocks.{number}.{part}.{words[3]}"
        else:
            theirs = audio + others.get(words[0], "") + words[-1]
        state[theirs] = tensor.reshape(1, 1, -1, 1, 1) if name == "alibi_scale" else tensor
    state[f"{audio}decoder.proj.weight"] = torch.zeros(32, 4)  # needed only by its training
    torch.save({"model": state}, folder / "model.pt")
    return sum(parameter.numel() for parameter in model.parameters())


def _yamnet(folder: Path) -> int:
    from ser.models.yamnet import Yamnet, YamnetConfig

    return _save(folder, "yamnet", "{batch_norm: true, num_classes: 521}", Yamnet(YamnetConfig(True, 521)))


def _vggish(folder: Path) -> int:
    from ser.models.vggish import Vggish, VggishConfig

    return _save(folder, "vggish", "{hidden: 16, embedding: 8}", Vggish(VggishConfig(16, 8)))


def _save(folder: Path, kind: str, sizes: str, model: torch.nn.Module) -> int:
    from safetensors.torch import save_file

    from ser.files import write_text

    for module in model.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(module.weight)  # so that the last layer still has a non-empty output
    write_text(folder / "config.yaml", f"kind: {kind}\nmodel: {sizes}\n")
    save_file({name: tensor.contiguous() for name, tensor in model.state_dict().items()}, folder / "model.safetensors")
    return sum(parameter.numel() for parameter in model.parameters())
