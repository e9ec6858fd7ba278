import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_calcium.io.errors import ReadError
from napari_calcium.io.spike_times import read_spike_times


@pytest.fixture
def write(tmp_path):
    def writing(text, encoding="utf-8"):
        path = tmp_path / "spikes.csv"
        path.write_bytes(text.encode(encoding))
        return path

    return writing


@pytest.mark.parametrize(
    "text",
    [
        "roi_id,time_s\n3,1.5\n5,0.25\n3,0.5\n",
        "time_s,cell\n1.5,3\n0.25,5\n0.5,3\n",
        "Neuron;Time (ms)\n3;1500\n5;250\n3;500\n",
        "Neuron;Time (s)\n3;1,5\n5;0,25\n3;0,5\n",
        "\ufeff# patch clamp\nunit\tspike time [s]\n3\t1.5\n\n5\t0.25\n3\t0.5\n",
        "cell_id,trial,time_ms\n3,a,1500\n5,a,250\n3,b,500\n",
        "3,5\n0.5,0.25\n1.5,\n",
        "id time\n3.0 1.5\n5.0 0.25\n3.0 0.5\n",
    ],
)
def test_every_layout_says_the_same(write, text):
    found = read_spike_times(write(text), [3, 5])
    np.testing.assert_array_equal(found.roi_id, [3, 3, 5])
    np.testing.assert_allclose(found.time_s, [0.5, 1.5, 0.25])


@pytest.mark.parametrize("text", ["time\n2.5\n1\n", "2.5\n1\n", "spike_ms\n2500\n1000\n"])
def test_one_column_is_one_cell(write, text):
    path = write(text)
    np.testing.assert_allclose(read_spike_times(path, [9]).time_s, [1, 2.5])
    np.testing.assert_array_equal(read_spike_times(path, [1, 2], cell=2).roi_id, [2, 2])
    with pytest.raises(ReadError, match="say whose spikes"):
        read_spike_times(path, [1, 2])


def test_names_of_the_recordings_file_come_first(write):
    found = read_spike_times(write("cell,time\nB,1\nA,2\n1,3\n"), [0, 1, 2], ["A", "B", "1"])
    np.testing.assert_array_equal(found.roi_id, [0, 1, 2])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("roi_id,time_s\n3,1.5\n3,soon\n", "row 3: 'soon' is no time"),
        ("roi_id,time_s\n4,1.5\n", "row 2: the recording has no cell '4'"),
        ("roi_id,time_s\n3\n", "row 2 has 1 cells instead of 2"),
        ("roi_id\n3\n", "none of times"),
        ("", "nothing in it"),
        ("3,5\n1,2,3\n", "row 2 has 3 cells"),
        ("roi_id,time_s\n3,inf\n", "row 2: 'inf' is no time"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_row(write, text, says):
    with pytest.raises(ReadError, match=says) as error:
        read_spike_times(write(text), [3, 5])
    assert str(error.value).startswith("spikes.csv: ") and "\n" not in str(error.value)


def test_a_cell_without_spikes_is_fine(write):
    assert len(read_spike_times(write("roi_id,time_s\n"), [3])) == 0


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_do_harm(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("fuzz") / "spikes.csv"
    path.write_bytes(data)
    try:
        found = read_spike_times(path, [0, 1])
    except ReadError as error:
        assert "\n" not in str(error)
    else:
        assert np.isfinite(found.time_s).all()
