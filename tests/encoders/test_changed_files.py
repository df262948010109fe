"""A published file of which one byte was changed: refused by its digest or by the checksums in it, or warned of."""

import logging
from pathlib import Path

import pytest
import torch

from ser.encoders import published as reader
from ser.encoders.published import read_published
from ser.errors import SerError
from ser.files import sha256
from ser.models.vggish import Vggish, VggishConfig
from ser.toy.encoders import build_encoder

SMALL = VggishConfig(hidden=8, embedding=4)


def changed(path: Path, place: int) -> Path:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)
    return path


def number_in(path: Path, tensor: torch.Tensor) -> int:
    """Find the place of an array's numbers in a file."""
    place = path.read_bytes().find(tensor.contiguous().numpy().tobytes())
    assert place > 0
    return place


@pytest.fixture
def file(published, tmp_path):
    """Make a file of a form, as small as the form allows."""

    def give(form: str) -> Path:
        if form == "emotion2vec.pt":
            build_encoder("emotion2vec", tmp_path, 0)
            return tmp_path / "model.pt"
        path = tmp_path / form
        if form == "vggish.pth":
            torch.save(Vggish(SMALL).state_dict(), path)
        else:
            path.write_bytes(published(path.suffix).read_bytes())
        return path

    return give


@pytest.mark.parametrize("form", ["yamnet.tflite", "yamnet.h5", "vggish.pth"])
def test_any_changed_byte_of_a_file_with_a_known_digest_is_refused(file, form, monkeypatch, caplog):
    path = file(form)
    monkeypatch.setitem(reader.KNOWN, form, frozenset({sha256(path)}))
    read_published(path, vggish=SMALL)
    assert not caplog.records
    # For .pth in the padding in front of the numbers, which the checksums in the file do not cover.
    place = path.read_bytes().find(b"ZZZZ") if form == "vggish.pth" else path.stat().st_size // 2
    with pytest.raises(SerError, match=rf"{path.name}: its sha256 [0-9a-f]{{12}}... is not that of the published file"):
        read_published(changed(path, place), vggish=SMALL)


@pytest.mark.parametrize("form", ["yamnet.pth", "vggish.pth", "emotion2vec.pt"])
def test_numbers_that_do_not_match_the_checksum_in_their_file_are_refused(file, form):
    path = file(form)
    state = torch.load(path, weights_only=True)
    longest = max(state.get("model", state).values(), key=torch.numel)
    with pytest.raises(SerError, match=r"damaged: the numbers of \S+/data/\d+ do not match their checksum"):
        read_published(changed(path, number_in(path, longest)), any_version=True, vggish=SMALL)


def test_file_that_nothing_can_verify_is_warned_of(file, caplog):
    path = file("yamnet.pth")
    caplog.set_level(logging.WARNING)
    state = torch.load(path, weights_only=True)
    torch.save(state, path, _use_new_zipfile_serialization=False)  # as torch before 1.6: without checksums
    read_published(changed(path, number_in(path, state["classifier.bias"])))
    assert f"{path}: not verified: no list has its sha256 {sha256(path)[:12]}" in caplog.text


def test_archive_of_compressed_or_overlapping_members_is_refused_unread(file, tmp_path):
    import zipfile

    path = tmp_path / "bomb.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(1_000_000))
    with pytest.raises(SerError, match="its members are compressed"):
        read_published(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", bytes(1_000))
        archive.filelist *= 2
    with pytest.raises(SerError, match="its members are longer than the file"):
        read_published(path)
