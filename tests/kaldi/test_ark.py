import io
import os
import pickle
import struct
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ser.errors import SerError
from ser.kaldi import ark

ARRAYS = {
    "matrix": np.arange(12, dtype=np.float32).reshape(4, 3) / 7,
    "double": np.arange(6, dtype=np.float64).reshape(2, 3) / 7,
    "vector": np.array([1.5, -2, 1e-9], np.float32),
    "dvector": np.array([1.5, -2, 1e-9]),
    "integers": np.array([0, 7, -1], np.int32),
    "none": np.zeros(0, np.float32),
}


def write(wspecifier, arrays, compression=0):
    with ark.Writer(wspecifier, compression) as writer:
        for key, array in arrays.items():
            writer.write(key, array)


def make_scp(folder, arrays, compression=0):
    write(f"ark,scp:{folder}/x.ark,{folder}/x.scp", arrays, compression)
    return folder / "x.scp"


def test_text_archive_round_trip_is_exact(reference, tmp_path):
    write(f"ark,t:{tmp_path}/x.ark", ark.load(f"ark:{reference}/feats/mfcc_text.ark"))
    assert (tmp_path / "x.ark").read_bytes() == (reference / "feats/mfcc_text.ark").read_bytes()


def test_kaldis_text_and_binary_vectors_agree(reference):
    binary, text = (ark.read_vector_file(reference / "backend" / name) for name in ("mean.vec", "mean.txt"))
    np.testing.assert_allclose(binary, text, rtol=1e-6)


def test_kaldis_binary_matrix_file_is_copied_byte_for_byte(reference, tmp_path):
    matrix = ark.read_matrix_file(reference / "backend/lda4.mat")
    assert matrix.shape == (4, 25) and matrix.dtype == np.float32
    ark.write_matrix_file(tmp_path / "lda.mat", matrix)
    assert (tmp_path / "lda.mat").read_bytes() == (reference / "backend/lda4.mat").read_bytes()


def test_kaldis_archive_is_copied_byte_for_byte(reference, tmp_path):
    write(f"ark:{tmp_path}/x.ark", ark.load(f"ark:{reference}/feats/mfcc_pitch.ark"))
    assert (tmp_path / "x.ark").read_bytes() == (reference / "feats/mfcc_pitch.ark").read_bytes()


def test_scp_offset_points_behind_the_key_in_the_final_file(tmp_path):
    scp = make_scp(tmp_path, {"a": ARRAYS["matrix"], "bb": ARRAYS["vector"]})
    size = 2 + 2 + 3 + 10 + 48
    assert scp.read_text() == f"a {tmp_path}/x.ark:2\nbb {tmp_path}/x.ark:{size + 3}\n"


@pytest.mark.parametrize("kind", ["ark", "scp"])
def test_every_type_comes_back_as_it_was(tmp_path, kind):
    make_scp(tmp_path, ARRAYS)
    found = ark.load(f"{kind}:{tmp_path}/x.{kind}")
    assert list(found) == list(ARRAYS)
    for key, array in ARRAYS.items():
        assert found[key].dtype == array.dtype and found[key].flags.writeable
        np.testing.assert_array_equal(found[key], array)


def test_text_values_come_back_as_single_precision(tmp_path):
    write(f"ark,t:{tmp_path}/x.ark", ARRAYS)
    found = ark.load(f"ark,t:{tmp_path}/x.ark")
    for key, array in ARRAYS.items():
        assert found[key].dtype == (np.int32 if key == "integers" else np.float32)
        np.testing.assert_allclose(found[key], array, rtol=1e-6)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.integers(0, 2**31), st.integers(1, 6), st.integers(1, 6), st.booleans())
def test_any_float_survives_either_form(tmp_path, seed, rows, cols, text):
    bits = np.random.default_rng(seed).integers(0, 2**32, (rows, cols), dtype=np.uint32)
    matrix = bits.view(np.float32)
    matrix = np.where(np.isnan(matrix), np.float32(0), matrix)
    write(f"ark{',t' * text}:{tmp_path}/x.ark", {"k": matrix})
    np.testing.assert_allclose(ark.load(f"ark:{tmp_path}/x.ark")["k"], matrix, rtol=1e-6 if text else 0)


def test_stack_gives_the_asked_keys_in_the_asked_order(tmp_path):
    write(f"ark:{tmp_path}/x.ark", {key: np.full(3, number) for number, key in enumerate("abc")})
    keys, vectors = ark.stack(f"ark:{tmp_path}/x.ark", ["c", "a"])
    assert keys == ["c", "a"] and vectors.dtype == np.float32
    np.testing.assert_array_equal(vectors, [[2, 2, 2], [0, 0, 0]])


def test_stack_names_the_missing_key_and_the_odd_one(tmp_path):
    write(f"ark:{tmp_path}/x.ark", {"a": np.zeros(3), "b": np.zeros(4)})
    with pytest.raises(SerError, match=r"no vector for 'x' \(1 of 2 keys are missing\)"):
        ark.stack(f"ark:{tmp_path}/x.ark", ["a", "x"])
    with pytest.raises(SerError, match=r"expected vectors of shape \(3,\), found 'b' of shape \(4,\)"):
        ark.stack(f"ark:{tmp_path}/x.ark")


@pytest.mark.parametrize("compression", [0, 1, 2, 3, 5])
def test_reader_gives_rows_of_what_is_read_in_order(tmp_path, compression):
    rng = np.random.default_rng(0)
    arrays = {f"u{index}": rng.normal(size=(20 + index, 5)).astype(np.float32) for index in (2, 0, 1)}
    reader = ark.Reader(make_scp(tmp_path, arrays, compression))
    assert reader.keys() == ["u2", "u0", "u1"] and len(reader) == 3
    assert "u1" in reader and "u" not in reader and "u3" not in reader
    for key, whole in ark.read(f"ark:{tmp_path}/x.ark"):
        assert reader.shape(key) == whole.shape
        np.testing.assert_array_equal(reader[key], whole)
        rows = reader.rows(key, 3, 11)
        np.testing.assert_array_equal(rows, whole[3:11])
        assert rows.dtype == np.float32 and rows.flags.writeable
        assert reader.rows(key, 4, 4).shape == (0, 5)


def test_pickled_reader_reads_on(tmp_path):
    reader = ark.Reader(make_scp(tmp_path, {"a": ARRAYS["matrix"]}))
    np.testing.assert_array_equal(reader["a"], ARRAYS["matrix"])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(reader))["a"], ARRAYS["matrix"])


def test_reader_opens_no_archive_before_it_is_asked(tmp_path):
    (tmp_path / "x.scp").write_text("a nowhere.ark:2\n")
    reader = ark.Reader(tmp_path / "x.scp")
    with pytest.raises(SerError, match=r"nowhere\.ark: cannot be read"):
        reader["a"]


def test_reader_serves_more_archives_than_it_keeps_open(tmp_path):
    with open(tmp_path / "x.scp", "w") as scp:
        for index in range(300):
            write(f"ark:{tmp_path}/{index}.ark", {"k": np.full((1, 1), index)})
            scp.write(f"k{index} {tmp_path}/{index}.ark:2\n")
    reader = ark.Reader(tmp_path / "x.scp")
    assert [reader[key].item() for key in reader] == list(range(300))


def test_reader_names_the_rows_that_are_not_there(tmp_path):
    reader = ark.Reader(make_scp(tmp_path, {"a": ARRAYS["matrix"]}))
    with pytest.raises(SerError, match="key 'a': rows 2 to 9 of 4 were asked for"):
        reader.rows("a", 2, 9)
    with pytest.raises(SerError, match=r"x\.scp: no entry for 'b'"):
        reader["b"]


def test_ranges_include_their_last_row_and_column(tmp_path):
    make_scp(tmp_path, {"a": ARRAYS["matrix"]})
    (tmp_path / "r.scp").write_text(
        f"s {tmp_path}/x.ark:2[1:2]\nt {tmp_path}/x.ark:2[:,0:1]\nu {tmp_path}/x.ark:2[2:5]\n"
    )
    found, reader = ark.load(f"scp:{tmp_path}/r.scp"), ark.Reader(tmp_path / "r.scp")
    np.testing.assert_array_equal(found["s"], ARRAYS["matrix"][1:3])
    np.testing.assert_array_equal(found["t"], ARRAYS["matrix"][:, :2])
    np.testing.assert_array_equal(found["u"], ARRAYS["matrix"][2:])
    assert [reader.shape(key) for key in "stu"] == [(2, 3), (4, 2), (2, 3)]
    np.testing.assert_array_equal(reader.rows("s", 1, 2), ARRAYS["matrix"][2:3])


@pytest.mark.parametrize("span", ["4:5", "2:1", "0:9", "x", "0:1,3:3", "0:1,0:1,0:1"])
def test_range_outside_the_matrix_is_refused(tmp_path, span):
    make_scp(tmp_path, {"a": ARRAYS["matrix"]})
    (tmp_path / "r.scp").write_text(f"s {tmp_path}/x.ark:2[{span}]\n")
    with pytest.raises(SerError, match=r"key 's': the range \[.*\] does not fit the shape \(4, 3\)"):
        ark.load(f"scp:{tmp_path}/r.scp")


def test_scp_lines_may_be_whole_files_commands_and_text(tmp_path):
    ark.write_matrix_file(tmp_path / "m.mat", ARRAYS["matrix"])
    ark.write_matrix_file(tmp_path / "m.txt", ARRAYS["matrix"], binary=False)
    (tmp_path / "x.scp").write_text(f"a {tmp_path}/m.mat\nb cat {tmp_path}/m.mat |\nc {tmp_path}/m.txt\n")
    reader = ark.Reader(tmp_path / "x.scp")
    for key, matrix in ark.read(f"scp:{tmp_path}/x.scp"):
        np.testing.assert_allclose(matrix, ARRAYS["matrix"], rtol=1e-6)
        np.testing.assert_allclose(reader.rows(key, 1, 3), ARRAYS["matrix"][1:3], rtol=1e-6)


def test_tables_come_through_commands(tmp_path):
    scp = make_scp(tmp_path, {"a": ARRAYS["matrix"], "b": ARRAYS["vector"]})
    assert list(ark.load(f"scp:head -n 1 {scp} |")) == ["a"]
    assert list(ark.load(f"ark:cat {tmp_path}/x.ark |")) == ["a", "b"]
    with pytest.raises(SerError, match="command failed with exit status 3: 'exit 3'"):
        ark.load("ark:exit 3 |")


def test_dash_is_standard_input_and_output(tmp_path):
    scp = make_scp(tmp_path, {"a": ARRAYS["matrix"], "b": ARRAYS["vector"]})
    code = "from ser.kaldi import ark\nwith ark.Writer('ark,t:-') as w:\n  for k, a in ark.read('{}:-'): w.write(k, a)"
    for kind, path in (("ark", tmp_path / "x.ark"), ("scp", scp)):
        done = subprocess.run(
            [sys.executable, "-c", code.format(kind)], input=path.read_bytes(), capture_output=True, check=True
        )
        assert done.stdout.startswith(b"a  [\n  0 0.1428571 0.2857143 \n") and b"\nb  [ 1.5 -2 1e-09 ]\n" in done.stdout


def test_importing_is_silent_and_leaves_the_environment_alone():
    code = "import os; before = dict(os.environ); import ser.kaldi.ark; print(before == dict(os.environ))"
    environment = dict(os.environ, KALDI_ROOT="/nowhere")
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"True\n", b"")


def test_failed_block_leaves_the_old_files(tmp_path):
    scp = make_scp(tmp_path, {"a": ARRAYS["matrix"]})
    before = (tmp_path / "x.ark").read_bytes(), scp.read_bytes()
    with pytest.raises(ZeroDivisionError), ark.Writer(f"ark,scp:{tmp_path}/x.ark,{scp}") as writer:
        writer.write("b", ARRAYS["vector"])
        raise ZeroDivisionError
    assert ((tmp_path / "x.ark").read_bytes(), scp.read_bytes()) == before
    assert sorted(os.listdir(tmp_path)) == ["x.ark", "x.scp"]


def test_device_is_written_to_not_replaced():
    write("ark:/dev/null", {"a": ARRAYS["matrix"]})
    assert not os.path.isfile("/dev/null")


@pytest.mark.parametrize("key", ["", "a b", "a\n", "a\tb"])
def test_key_with_white_space_is_refused(tmp_path, key):
    with pytest.raises(SerError, match="cannot be a key"):
        write(f"ark:{tmp_path}/x.ark", {key: ARRAYS["matrix"]})


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((2, 2, 2)), "expected a vector or a matrix"),
        (np.array(["x"]), "expected numbers"),
        (np.array([2**40]), "integers from 1099511627776 to .* do not fit"),
    ],
)
def test_array_that_kaldi_has_no_type_for_is_refused(tmp_path, array, message):
    with pytest.raises(SerError, match=f"key 'k': {message}"):
        write(f"ark:{tmp_path}/x.ark", {"k": array})


@pytest.mark.parametrize(
    "specifier", ["x.ark", "ark:", "foo:x", "ark,scp:x.ark", "scp:x.scp", "ark,zip:x", "ark:| gzip"]
)
def test_bad_wspecifier_is_refused(specifier):
    with pytest.raises(SerError, match="not a wspecifier; give ark:FILE"):
        ark.Writer(specifier)


@pytest.mark.parametrize("specifier", ["x.ark", "ark:", "foo:x", "ark,zip:x", "ark,scp:a,b"])
def test_bad_rspecifier_is_refused(specifier):
    with pytest.raises(SerError, match="not an rspecifier; give ark:FILE"):
        next(ark.read(specifier))


def claim(token: bytes, rows: int, cols: int) -> bytes:
    if token.startswith(b"CM"):
        return b"\0B" + token + struct.pack("<ffii", 0, 1, rows, cols)
    return b"\0B" + token + struct.pack("<bibi", 4, rows, 4, cols)


@pytest.mark.parametrize("token", [b"FM ", b"DM ", b"CM ", b"CM2 ", b"CM3 "])
def test_huge_claimed_size_is_refused_at_once(tmp_path, token):
    (tmp_path / "x.ark").write_bytes(b"key " + claim(token, 2**31 - 1, 2**31 - 1) + b"few bytes")
    (tmp_path / "x.scp").write_text(f"key {tmp_path}/x.ark:4\n")
    for rspecifier in (f"ark:{tmp_path}/x.ark", f"scp:{tmp_path}/x.scp", f"ark:cat {tmp_path}/x.ark |"):
        with pytest.raises(
            SerError, match=r"x\.ark.*: key 'key', byte \d+: truncated: \d+ bytes are announced, \d are left"
        ):
            ark.load(rspecifier)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"key \0BXX \4\0\0\0\0", "expected a matrix or vector"),
        (b"key \0B<Nnet3> ", "expected a matrix or vector"),
        (b"key " + claim(b"FM ", -1, 3), "negative size"),
        (b"key \0BFM \10" + bytes(9), "expected 4-byte sizes, found 8"),
        (b"key  [\n 1 2\n 3 ]\n", "rows of a matrix differ in length"),
        (b"key  [\n 1 x ]\n", "not a number"),
        (b"key  [\n 1 2\n", "truncated: the file ends before"),
        (b"key  [ 1 2 ] 3\n", "unexpected"),
        (b"key 1 2.5\n", "not a number"),
        (b"key", "a key without an object"),
        (b"RIFF\0\0\0\0", "no key here"),
        (b"\x1f\x8b\x08\0", "compressed by gzip"),
        (b"\xff\xfe \0B", "no key here"),
        (b"x" * 5000, "no key here"),
    ],
)
def test_broken_archive_is_refused_by_name(tmp_path, content, message):
    (tmp_path / "x.ark").write_bytes(content)
    with pytest.raises(SerError, match=rf"x\.ark: .*byte \d+: {message}"):
        ark.load(f"ark:{tmp_path}/x.ark")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300, deadline=None)
@given(st.data())
def test_damaged_archive_gives_arrays_or_a_ser_error(tmp_path, data):
    buffer = io.BytesIO()
    write(f"ark:{tmp_path}/x.ark", ARRAYS)
    write(
        f"ark:{tmp_path}/y.ark",
        {"c": np.random.default_rng(0).normal(size=(12, 3))},
        data.draw(st.sampled_from([2, 3, 5])),
    )
    content = bytearray((tmp_path / "x.ark").read_bytes() + (tmp_path / "y.ark").read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    buffer.write(content[: data.draw(st.integers(0, len(content)))])
    (tmp_path / "z.ark").write_bytes(buffer.getvalue())
    (tmp_path / "z.scp").write_text(f"k {tmp_path}/z.ark:7\n")
    for rspecifier in (f"ark:{tmp_path}/z.ark", f"scp:{tmp_path}/z.scp"):
        try:
            for _, array in ark.read(rspecifier):
                assert array.nbytes <= 16 * len(content)
        except SerError:
            pass


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a\n", "1: expected 2 fields, found 1: 'a'"),
        ("a x\n\nb y\n", "2: expected a key"),
        ("a \xff\n", "1: not UTF-8"),
    ],
)
def test_broken_scp_is_refused_by_line(tmp_path, line, message):
    (tmp_path / "x.scp").write_bytes(line.encode("latin1"))
    with pytest.raises(SerError, match=rf"x\.scp:{message}"):
        ark.Reader(tmp_path / "x.scp")


def test_key_that_comes_twice_is_refused(tmp_path):
    (tmp_path / "x.scp").write_text("b x.ark:2\na x.ark:9\nb x.ark:20\n")
    with pytest.raises(SerError, match="the key 'b' comes twice"):
        ark.Reader(tmp_path / "x.scp")


def test_matrix_where_a_vector_belongs_is_refused(tmp_path):
    ark.write_matrix_file(tmp_path / "m", ARRAYS["matrix"])
    ark.write_vector_file(tmp_path / "v", ARRAYS["vector"])
    with pytest.raises(SerError, match=r"expected a vector, found a matrix of shape \(4, 3\)"):
        ark.read_vector_file(tmp_path / "m")
    with pytest.raises(SerError, match="expected a matrix, found a vector of 3"):
        ark.read_matrix_file(tmp_path / "v")
    with pytest.raises(SerError, match="expected 1 dimensions"):
        ark.write_vector_file(tmp_path / "x", ARRAYS["matrix"])
