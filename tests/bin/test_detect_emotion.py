import csv
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ser.bin import detect_emotion

ROOT = Path(__file__).parent.parent.parent


def ser_detect(toy, *arguments: object, cwd: Path = ROOT) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "ser.bin.detect_emotion", "--model", toy.exp, *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(list(map(str, command)), cwd=cwd, env=environment, capture_output=True, text=True)


def refuse_constant(name: str) -> None:
    raise AssertionError(f"JSON has no {name}")


def test_table_json_and_csv_say_the_same(toy_run, say):
    clips = [say("anger", 903), say("sadness", 900)]
    lines = ser_detect(toy_run, "--json", *clips).stdout.splitlines()
    rows = [json.loads(line, parse_constant=refuse_constant) for line in lines]
    assert [row["file"] for row in rows] == list(map(str, clips))
    columns = ["file", "start", "end", "speech", "modality", "emotion", "posteriors", "problem", "distance"]
    assert list(rows[0]) == columns
    assert sum(rows[0]["posteriors"].values()) == pytest.approx(1, abs=1e-5)
    table = list(csv.DictReader(io.StringIO(ser_detect(toy_run, "--csv", *clips).stdout)))
    shown = ser_detect(toy_run, *clips).stdout.splitlines()
    assert shown[0].split() == ["start", "end", "speech", "emotion", "anger", "neutral", "sadness", "file"]
    for row, cells, line in zip(rows, table, shown[1:], strict=True):
        assert cells["emotion"] == row["emotion"] == line.split()[3]
        assert float(cells["anger"]) == row["posteriors"]["anger"]
        assert cells["file"] == line.split()[-1]


def test_bad_recordings_have_a_row_and_cost_the_others_nothing(toy_run, say, tmp_path: Path):
    (tmp_path / "empty.wav").write_bytes(b"")
    soundfile.write(tmp_path / "silent.wav", np.zeros(20000), 16000)
    shutil.copy(say("anger", 900), tmp_path / "good.wav")
    done = ser_detect(toy_run, "--json", tmp_path, tmp_path / "absent.wav")
    rows = {Path(row["file"]).name: row for row in map(json.loads, done.stdout.splitlines())}
    assert done.returncode == 1 and "3 of 4 recordings could not be used" in done.stderr
    assert list(rows) == ["empty.wav", "good.wav", "silent.wav", "absent.wav"]
    assert rows["good.wav"]["emotion"] and not rows["good.wav"]["problem"]
    assert rows["empty.wav"]["emotion"] is None and rows["empty.wav"]["problem"].startswith("the file is empty")
    assert "of speech found" in rows["silent.wav"]["problem"] and "no such file" in rows["absent.wav"]["problem"]


def test_windows_with_silence_are_no_failure(toy_run, say, tmp_path: Path):
    wave, rate = soundfile.read(say("neutral", 7), dtype="float32")
    soundfile.write(tmp_path / "a.wav", np.concatenate([wave, np.zeros(5 * rate), wave]), rate, subtype="FLOAT")
    done = ser_detect(toy_run, "--window", 2, "--hop", 2, "--csv", tmp_path / "a.wav")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert done.returncode == 0, done.stderr
    assert [float(row["start"]) for row in rows] == [0, 2, 4, 6, 8] and float(rows[-1]["end"]) == 10
    assert rows[0]["emotion"] and not rows[2]["emotion"] and "0.25 s needed" in rows[2]["problem"]


def test_class_added_on_the_command_line_has_a_column(toy_run, say):
    examples = ",".join(str(say("boredom", seed)) for seed in (800, 801, 802))
    done = ser_detect(toy_run, "--enrol", f"boredom={examples}", "--json", say("boredom", 803))
    posteriors = json.loads(done.stdout)["posteriors"]
    assert list(posteriors) == ["anger", "neutral", "sadness", "boredom"]
    assert max(posteriors, key=posteriors.get) == "boredom"


def test_examples_of_a_class_may_have_commas_in_their_names_and_come_in_two_options(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a,b.wav", "c.wav", "d,.wav"):
        Path(name).touch()
    assert detect_emotion.class_examples(["joy=a,b.wav"]) == {"joy": ["a,b.wav"]}
    assert detect_emotion.class_examples(["joy=c.wav,a,b.wav,d,.wav"]) == {"joy": ["c.wav", "a,b.wav", "d,.wav"]}
    assert detect_emotion.class_examples(["joy=c.wav", "awe=d,.wav", "joy=a,b.wav"]) == {
        "joy": ["c.wav", "a,b.wav"],
        "awe": ["d,.wav"],
    }
    assert detect_emotion.class_examples(["joy=c.wav,absent.wav"]) == {"joy": ["c.wav", "absent.wav"]}


def test_file_named_like_a_command_is_never_run(toy_run, say, tmp_path: Path):
    names = ["touch hacked |", "$(touch hacked)", "@arguments", "x; touch hacked .wav"]
    for name in names:
        shutil.copy(say("anger", 900), tmp_path / name)
    done = ser_detect(toy_run, "--json", *names, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["file"] for line in done.stdout.splitlines()] == names
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)


def test_names_that_are_no_text_are_printed_escaped(toy_run, say, tmp_path: Path):
    name = os.fsencode(tmp_path) + b"/\xff\x1b[2J.wav"
    shutil.copy(os.fsencode(say("anger", 900)), name)
    done = ser_detect(toy_run, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "\\udcff\\x1b[2J.wav" in done.stdout


def test_speakers_of_recordings_are_shown_and_taken_off(toy_run, say, tmp_path: Path):
    clips = [say(name, 903) for name in ("anger", "neutral", "sadness")]
    (tmp_path / "speakers").write_text("".join(f"{clip.name}\tann\n" for clip in clips[:2]))
    options = ("--speaker-of", tmp_path / "speakers", *clips)
    rows = [json.loads(line) for line in ser_detect(toy_run, "--json", *options).stdout.splitlines()]
    assert [row["speaker"] for row in rows] == ["ann", "ann", None]
    shown = ser_detect(toy_run, *options).stdout.splitlines()[1:]
    assert [line.endswith("(minus the mean of ann)") for line in shown] == [True, True, False]


@pytest.mark.parametrize(("arguments", "message"), [
    (["--text", "hello", "a.wav"], "this model takes speech only"),
    (["--text", "hello", "a.wav", "b.wav"], "--text is for one recording, found 2; give --text-file"),
    (["--text", "hello", "--window", "3", "a.wav"], "leave out these, or --window and --hop"),
    (["--enrol", "boredom", "a.wav"], "--enrol: expected CLASS=FILE[,FILE...], found 'boredom'"),
    (["--enrol", "anger=a.wav", "b.wav"], "class 'anger' cannot be added"),
    (["--speaker-of", "x", "--channel", "each", "a.wav"], "--speaker-of: each channel may be of another speaker"),
])  # fmt: skip
def test_impossible_options_fail_with_a_message(toy_run, arguments, message):
    done = ser_detect(toy_run, *arguments)
    assert done.returncode == 1 and message in done.stderr and "Traceback" not in done.stderr
    assert not done.stdout


def test_damaged_model_is_refused_by_name(toy_run, say, tmp_path: Path):
    model = Path(shutil.copytree(toy_run.detector, tmp_path / "model"))
    (model / "vad.conf").unlink()
    done = ser_detect(toy_run, "--model", model, say("anger", 900))
    assert done.returncode == 1 and f"{model}/vad.conf: missing, but listed in files.sha256" in done.stderr


def test_no_torch_is_imported_for_speech(toy_run, say):
    script = (
        "import sys; from ser.detect import Detector; print(Detector.load(sys.argv[1])(sys.argv[2]));"
        "print(sorted({'torch', 'transformers', 'sklearn', 'matplotlib'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", script, str(toy_run.exp), str(say("anger", 900))]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[1] == "[]"


def test_html_page_has_the_windows_the_sound_and_the_rows_of_the_screen(toy_run, say, tmp_path):
    recording = tmp_path / "talk.wav"
    parts = [soundfile.read(say(name, 930))[0] for name in ("anger", "sadness")]
    soundfile.write(recording, np.concatenate(parts), 16000)
    done = ser_detect(toy_run, "--csv", "--html", tmp_path / "out.html", recording)
    assert done.returncode == 0
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert len(rows) > 1  # in windows, since no words were given
    page = (tmp_path / "out.html").read_text()
    assert page.count("<audio ") == 1 and page.count("<polyline ") == 3
    assert page.count('<tr><th scope="row"') == len(rows)
    assert f'<h2 id="r0">{recording}</h2>' in page


def test_remarks_on_calibration_and_domain_are_made_where_they_are_due_and_stand_on_the_page(toy_run, say, tmp_path):
    speech = ser_detect(toy_run, *(say("neutral", seed) for seed in (903, 904, 905)))
    assert "the posteriors (speech) are not calibrated for new speakers: they are too high" in speech.stderr
    assert "out of domain" not in speech.stderr
    for seed in range(3):
        noise = np.random.default_rng(seed).normal(0, 0.1, 32000)
        soundfile.write(tmp_path / f"{seed}.wav", noise, 16000)
    remark = "out of domain: 3 of 3 recordings or windows are unlike the training speech"
    done = ser_detect(toy_run, "--html", tmp_path / "out.html", "--window", 2, "--hop", 1, tmp_path)
    assert done.returncode == 0 and done.stderr.count(remark) == 1
    assert (tmp_path / "out.html").read_text().count(remark) == 1
