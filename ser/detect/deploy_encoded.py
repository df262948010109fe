"""Copies a published audio encoder into the folder of a detector: only data files, and no pickle."""

import re
import shutil
from pathlib import Path

from ser.detect import detector_dir
from ser.detect.encoded import EncodedNet
from ser.encoders import net_dir, onnx_net
from ser.encoders.asr_encoder import AsrEncoder
from ser.encoders.loading import find_encoder
from ser.encoders.onnx_net import OnnxEncoder
from ser.encoders.xvector_encoder import XVectorEncoder
from ser.errors import SerError
from ser.training import pretrained_dir


def save_encoder(folder: Path, source: str, layer: str) -> EncodedNet:
    """Write the encoder `source` to the folder of a detector, and load it from there.

    Raises
    ------
    SerError
        If the encoder or its layer does not exist, or the encoder is an x-vector net or a recogniser.
    """
    net = EncodedNet.load(source, layer)
    if isinstance(net.encoder, XVectorEncoder | AsrEncoder):
        raise SerError(f"{source}: a detector cannot hold an x-vector net or a recogniser as its encoder; make the "
                       "detector of the run that trained it")  # fmt: skip
    origin, made = find_encoder(source), folder / detector_dir.ENCODER
    if isinstance(net.encoder, OnnxEncoder):
        made.mkdir()
        for name in (onnx_net.CONFIG, onnx_net.MODEL, "SOURCE"):
            shutil.copyfile(origin / name, made / name)
    else:
        net_dir.save_encoder(made, origin, net.encoder)
        # The detector's manifest has the checksums: ser-detect reads the weights through only once to check them.
        (made / pretrained_dir.CHECKSUMS).unlink(missing_ok=True)
    for path in sorted(made.iterdir()):
        if not re.fullmatch(detector_dir.ENCODER_FILES, path.name):
            raise SerError(f"{source}: its file {path.name} is not data of an encoder; give another folder")
    return EncodedNet.load(made, layer)
