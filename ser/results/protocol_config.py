"""Settings of the evaluation protocol: priors, resamples, intervals, enrolment."""

from dataclasses import dataclass

from ser.errors import SerError


@dataclass(frozen=True)
class ProtocolConfig:
    """The keys of conf/protocol.yaml, which explains each."""

    seed: int
    p_target: float
    ordered_pairs: bool
    one_speaker_points: float
    resamples: int
    level: float
    interval_speakers: int
    enrol_sizes: tuple[int, ...]
    enrol_draws: int
    held_out_parts: int

    def __post_init__(self) -> None:
        for name in ("p_target", "level"):
            if not 0.0 < getattr(self, name) < 1.0:
                raise SerError(f"protocol: {name} must be between 0 and 1, found {getattr(self, name)}")
        if not self.one_speaker_points >= 0.0:
            raise SerError(f"protocol: one_speaker_points must be 0 or more, found {self.one_speaker_points}")
        if min((self.resamples, self.enrol_draws, *self.enrol_sizes)) < 1 or self.held_out_parts < 2:
            raise SerError(
                "protocol: resamples, enrol_draws and enrol_sizes must be 1 or more, held_out_parts 2 or more, found "
                f"{self.resamples}, {self.enrol_draws}, {list(self.enrol_sizes)} and {self.held_out_parts}"
            )
