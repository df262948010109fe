"""The detector: recognises the emotion of a recording by the steps of the recipe, with the models of one folder."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ser.asr.recogniser_dir import has_recogniser
from ser.config import load_config
from ser.detect import detector_dir
from ser.detect.decision import UNKNOWN, Decider, Decision
from ser.detect.detection import Detection, Embedded
from ser.detect.detector_dir import SPEECH, SPEECH_TEXT, Description
from ser.detect.front_end import FrontEnd
from ser.detect.net import Net, pool
from ser.detect.outliers import Outliers, input_statistics
from ser.detect.recordings import find_recordings, read_chunks
from ser.detect.speakers import Speaker, find_speakers
from ser.detect.words import TextEncoder
from ser.errors import SerError

# Upper limit of a window in seconds: thirty years.
LONGEST = 1e9


@dataclass(frozen=True)
class Detector:
    """Finds emotions in recordings; `load` makes one.

    `inputs` is the distribution of the net's input, scaled to 1 at its threshold; None if the net reads samples.
    """

    description: Description
    front_end: FrontEnd
    net: Net
    deciders: dict[str, Decider]
    text_encoder: TextEncoder | None
    by_speaker: dict[str, Decider]
    speakers: dict[str, Speaker] = dataclasses.field(default_factory=dict)
    inputs: Outliers | None = None

    @classmethod
    def load(cls, model: str | Path) -> Detector:
        """Read the detector in the folder `model`, or in ``detector`` there. Nothing in it is ever run as code.

        Raises
        ------
        SerError
            Naming a file that is missing, damaged, of another version, or should not be there.
        """
        folder = detector_dir.find(model)
        digests = detector_dir.check_complete(folder)
        # The text encoder may be large and is not always needed: its files are checked when it is first used.
        of_text = {name: digest for name, digest in digests.items() if name.startswith(f"{detector_dir.TEXT}/")}
        detector_dir.check_files(folder, {name: digests[name] for name in digests if name not in of_text})
        description = load_config(Description, folder / detector_dir.SETTINGS)
        if description.format != detector_dir.FORMAT:
            raise SerError(
                f"{folder / detector_dir.SETTINGS}: format {description.format}; this version reads"
                f" {detector_dir.FORMAT}: make the detector again with ser.bin.make_detector"
            )
        modalities = [name for name in (SPEECH, SPEECH_TEXT) if (folder / name).is_dir()]
        deciders, by_speaker = (
            {name: Decider.load(root / name) for name in modalities if (root / name).is_dir()}
            for root in (folder, folder / detector_dir.BY_SPEAKER)
        )
        if has_recogniser(folder):
            from ser.detect.asr import AsrDetector  # with PyTorch

            return AsrDetector.read(folder, description, deciders, by_speaker)
        encoder = None
        if description.pooling is not None:
            encoder = TextEncoder(folder, of_text, description.pooling)
        if (folder / detector_dir.ENCODER).is_dir():
            from ser.detect.encoded import EncodedDetector  # with PyTorch

            return EncodedDetector.read(folder, description, deciders, encoder, by_speaker)
        front_end, net = FrontEnd.load(folder), Net.load(folder / detector_dir.NET)
        inputs = Outliers.load(folder, 2 * net.feature_dim)
        return cls(description, front_end, net, deciders, encoder, by_speaker, inputs=inputs)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes; those added by `enrol` come last."""
        return self.deciders[SPEECH].classes.names

    def __call__(self, recording: str | Path, text: str | None = None, channel: int | None = None) -> Detection:
        """Find the emotion of a whole recording.

        Parameters
        ----------
        recording : file in any format that libsndfile or ffmpeg reads, with any rate, number of channels and length.
        text : the words spoken in it, if known.
        channel : the channel to read, from 1; None: the mean of all channels.

        Raises
        ------
        SerError
            If the recording cannot be read or has too little speech, or a text is given to a model of speech only.
        """
        vector, seconds, speech, inputs = self.embed(recording, channel)
        modality = SPEECH
        if text is not None and (words := self.require_text()(text)) is not None:
            modality, vector = SPEECH_TEXT, np.concatenate([vector, words])
        (found,) = self._decide(str(recording), modality, vector[None], None if inputs is None else inputs[None])
        return self._detection(str(recording), (0.0, seconds, speech), modality, found, channel)

    def windows(
        self,
        recording: str | Path,
        window: float | None = None,
        hop: float | None = None,
        channel: int | None = None,
    ) -> Iterator[Detection]:
        """Find the emotions over time, in memory that does not grow with the recording.

        Each window is embedded from its voiced frames; their features are normalised over the recording, not the
        window. A window begins every `hop` seconds; the last one ends with the recording and may be shorter.

        Parameters
        ----------
        recording, channel : as for a whole recording.
        window, hop : seconds; None: the model's own settings.
        """
        size, step = self._window_frames(window, hop)
        span, start, stop = self.net.span, 0, 0
        # Indices of the voiced frames that the next window may need; row i of `hidden` depends on frames i to i + span.
        voiced, hidden = np.zeros(0, np.int64), np.zeros((0, self.net.frame_dim), np.float32)
        inputs = tail = np.zeros((0, self.net.feature_dim), np.float32)
        for block in self._blocks(recording, channel):
            features = np.vstack([tail, block.features])
            if len(features) > span:
                hidden = np.vstack([hidden, self.net.frames(features)])
            tail, stop = features[max(0, len(features) - span) :], block.stop
            voiced, inputs = np.concatenate([voiced, block.voiced]), np.vstack([inputs, block.features])
            count = max(0, (stop - size - start) // step + 1)
            starts = start + step * np.arange(count)
            yield from self._decide_windows(str(recording), channel, voiced, inputs, hidden, starts, size, stop)
            start += count * step
            passed = min(np.searchsorted(voiced, start), len(hidden))
            voiced, inputs, hidden = voiced[passed:], inputs[passed:], hidden[passed:]
        if start < stop and (start == 0 or start - step + size < stop):
            last = np.array([start])
            yield from self._decide_windows(str(recording), channel, voiced, inputs, hidden, last, size, stop)

    def enrol(self, name: str, recordings: Iterable[str | Path]) -> Detector:
        """Return a detector with one more class, `name`, enrolled by recordings of it; nothing is trained.

        The new detector scores speech only. The class has the temperature and the mean bias of the others.

        Raises
        ------
        SerError
            For a name that is taken or has spaces, and for recordings that cannot be used.
        """
        if not name or name == UNKNOWN or name in self.classes or len(name.split()) != 1:
            raise SerError(f"class '{name}' cannot be added: give a new name without spaces; taken are"
                           f" {', '.join((*self.classes, UNKNOWN))}")  # fmt: skip
        examples = [self.embed(recording) for recording in find_recordings(recordings)]
        if not examples:
            raise SerError(f"class '{name}' cannot be added: it has no recording; give at least one")
        decider = self.deciders[SPEECH].add(name, np.array([one.vector for one in examples]))
        inputs = self.inputs and self.inputs.add(np.array([one.inputs for one in examples]))
        return dataclasses.replace(self, deciders={SPEECH: decider}, by_speaker={}, inputs=inputs)

    def with_speakers(
        self, speaker_of: Mapping[Path, str], texts: Mapping[Path, str | None] | None = None, channel: int | None = None
    ) -> Detector:
        """Return a detector that subtracts the mean of a speaker's recordings from the embedding of each of them.

        Parameters
        ----------
        speaker_of : recording -> speaker. The only recording of a speaker is scored as it is.
        texts, channel : the same as are later given with the recordings.

        Raises
        ------
        SerError
            If the detector has no back end for this: an old one, or one to which `enrol` has added a class.
        """
        if not self.by_speaker:
            raise SerError(
                "this detector has no back end for known speakers: make it again with ser.bin.make_detector, and leave "
                "out classes that are added by examples"
            )
        return dataclasses.replace(self, speakers=find_speakers(self, speaker_of, texts or {}, channel))

    def embed(self, recording: str | Path, channel: int | None = None) -> Embedded:
        """Embed a recording.

        If it has several blocks (`FrontEnd`), its vectors are the averages of theirs, weighted by their speech.
        """
        total, inputs, weight, speech, stop = np.zeros(1), np.zeros(1), 0, 0, 0
        for block in self._blocks(recording, channel):
            count, stop = len(block.features), block.stop
            speech += count
            if count >= self.least_frames:
                total, weight = total + count * self.net(block.features), weight + count
                inputs = inputs + count * input_statistics(block.features)
        seconds = self.front_end.seconds_a_frame
        if not weight:
            raise SerError(f"{recording}: {self._too_little(speech)}")
        vector = (total / weight).astype(np.float32)
        return Embedded(vector, round(stop * seconds, 3), round(speech * seconds, 3), inputs / weight)

    def decider(self, modality: str, of_speaker: bool) -> Decider:
        """Return the decider for embeddings of `modality`, minus the mean of their speaker or as they are."""
        return (self.by_speaker if of_speaker else self.deciders)[modality]

    def require_text(self) -> TextEncoder:
        """Load and return the text encoder; SerError if there is none, it is damaged, or `enrol` has added a class."""
        if self.text_encoder is None:
            raise SerError("this model takes speech only; leave the text out, or make a detector from a run with text")
        if SPEECH_TEXT not in self.deciders:
            raise SerError("a class added by examples works with speech only; leave out the text or the class")
        self.text_encoder.load()
        return self.text_encoder

    @property
    def least_frames(self) -> int:
        """The fewest frames of speech that a decision needs."""
        wanted = round(self._setting("min_speech") / self.front_end.seconds_a_frame)
        return max(wanted, self.net.span + 1)

    def _window_frames(self, window: float | None, hop: float | None) -> tuple[int, int]:
        """Turn window and hop in seconds into frames; None: the model's own settings."""
        seconds_a_frame = self.front_end.seconds_a_frame
        window = self._setting("window") if window is None else window
        hop = self._setting("hop") if hop is None else hop
        # NaN and infinity cannot be converted to frames.
        size, step = (round(seconds / seconds_a_frame) if abs(seconds) < LONGEST else 0 for seconds in (window, hop))
        if size < self.least_frames or step < 1:
            raise SerError(
                f"window={window}, hop={hop}: expected at least {self.least_frames * seconds_a_frame:.2f} s and"
                f" {seconds_a_frame} s"
            )
        return size, step

    def _setting(self, name: str) -> float:
        return getattr(self.description.settings, name)

    def _blocks(self, recording: str | Path, channel: int | None = None) -> Iterator:
        try:
            yield from self.front_end.blocks(read_chunks(recording, self.front_end.extract.sample_rate, channel))
        except SerError as error:
            message = str(error)
            raise SerError(message if message.startswith(str(recording)) else f"{recording}: {message}") from error

    def _decide(self, file: str, modality: str, vectors: np.ndarray, inputs: np.ndarray | None) -> list[Decision]:
        """Decide on embeddings (N, D), minus the mean of the speaker if that is known, and on `input_statistics`."""
        distances = None if self.inputs is None or inputs is None else self.inputs.scores(inputs)
        speaker = self.speakers.get(file)
        mean = None if speaker is None else speaker.means.get(modality)
        return self.decider(modality, mean is not None).decide(vectors, mean, distances)

    def _detection(
        self, file: str, times: tuple[float, float, float], modality: str, found: Decision, channel: int | None
    ) -> Detection:
        speaker = self.speakers.get(file)
        name = speaker.name if speaker and modality in speaker.means else None
        return Detection(*(file, *times, modality, *found[:2]), distance=found.distance, channel=channel, speaker=name)

    def _too_little(self, frames: int) -> str:
        seconds = self.front_end.seconds_a_frame
        return f"{frames * seconds:.2f} s of speech found, {self.least_frames * seconds:.2f} s needed"

    def _decide_windows(
        self,
        file: str,
        channel: int | None,
        voiced: np.ndarray,
        inputs: np.ndarray,
        hidden: np.ndarray,
        starts: np.ndarray,
        size: int,
        stop: int,
    ) -> Iterator[Detection]:
        """Decide on the windows that begin at `starts` and end `size` later or at `stop`, all in frames."""
        begin, end = np.searchsorted(voiced, [starts, starts + size])
        usable = end - begin >= self.least_frames
        span = self.net.span
        places = list(zip(begin[usable], end[usable], strict=True))
        found: Iterator[Decision] = iter(())
        if places:
            pooled = np.array([pool(hidden[b : e - span]) for b, e in places])
            statistics = np.array([input_statistics(inputs[b:e]) for b, e in places])
            found = iter(self._decide(file, SPEECH, self.net.embed(pooled), statistics))
        second = self.front_end.seconds_a_frame
        for start, speech, enough in zip(starts.tolist(), (end - begin).tolist(), usable, strict=True):
            last = min(start + size, stop)
            times = (round(start * second, 3), round(last * second, 3), round(speech * second, 3))
            if enough:
                yield self._detection(file, times, SPEECH, next(found), channel)
            else:
                yield Detection(file, *times, SPEECH, None, {}, self._too_little(speech), channel=channel)
