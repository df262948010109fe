"""Puts a published audio encoder into the folder of a detector: data only, none of it a pickle."""

import re
import shutil
from pathlib import Path

from ser.detect import detector_dir
from ser.detect.encoded import EncodedNet
from ser.encoders import net_dir, onnx_net
from ser.encoders.loading import find_encoder
from ser.encoders.onnx_net import OnnxEncoder
from ser.encoders.xvector_encoder import XVectorEncoder
from ser.errors import SerError


def save_encoder(folder: Path, source: str, layer: str) -> EncodedNet:
    """Write the encoder `source` to the folder of a detector, and load it from there.

    Raises
    ------
    SerError
        Where the encoder or its layer is not there, or it is a net that needs features of its own.
    """
    net = EncodedNet.load(source, layer)
    if isinstance(net.encoder, XVectorEncoder):
        raise SerError(f"{source}: an x-vector net, whose features a detector of encoders does not make; make the "
                       "detector from the run that trained it")  # fmt: skip
    origin, made = find_encoder(source), folder / detector_dir.ENCODER
    if isinstance(net.encoder, OnnxEncoder):
        made.mkdir()
        for name in (onnx_net.CONFIG, onnx_net.MODEL, "SOURCE"):
            shutil.copyfile(origin / name, made / name)
    else:
        net_dir.save_encoder(made, origin, net.encoder)
    for path in sorted(made.iterdir()):
        if not re.fullmatch(detector_dir.ENCODER_FILES, path.name):
            raise SerError(f"{source}: its file {path.name} is no data of an encoder, so that no detector is made")
    return EncodedNet.load(made, layer)
