import numpy as np
import pytest

from ser.errors import SerError
from ser.features.functionals import QUANTILES, functionals


def test_statistics_of_a_ramp_over_voiced_frames_alone():
    """The frames 0, 1 ... 100 are voiced, twice as steep in the second feature; what follows is not speech."""
    ramp = np.arange(101.0)
    features = np.vstack([np.column_stack([ramp, 2 * ramp]), np.full((9, 2), 1e6)])
    found = functionals(features, np.repeat([True, False], [101, 9]))
    assert found.dtype == np.float32 and found.shape == (2 * 9 + 3,)
    deviation = np.sqrt((101**2 - 1) / 12)  # of a uniform distribution over 101 steps
    expected = [50, 100, deviation, 2 * deviation]
    expected += [100 * share * times for share in QUANTILES for times in (1, 2)]
    expected += [0, 0, 1, 2, 110, 101, 101 / 110]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_one_voiced_frame_has_no_steps_and_none_is_refused():
    found = functionals(np.full((3, 2), 7.0), np.array([False, True, False]))
    np.testing.assert_array_equal(found[:4], [7, 7, 0, 0])
    np.testing.assert_array_equal(found[14:18], 0)
    with pytest.raises(SerError, match="no voiced frame"):
        functionals(np.zeros((3, 2)), np.zeros(3, bool))
