import logging
import sys
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from ser.corpora import records, table, table_sources
from ser.corpora.folds import balance_folds
from ser.errors import SerError

EMOTIONS = ("Happy", "sad", "ANGRY", "neutral")


@pytest.fixture
def corpus(tmp_path):
    """Audio files of ten speakers, all with other bytes: eight clips each, two of each emotion."""
    folder = tmp_path / "mine"
    for speaker in range(10):
        for number in range(8):
            path = folder / f"wav/s{speaker}/{EMOTIONS[number % 4]}_{number}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"RIFF" + f"{speaker} {number}".encode().ljust(60))
    return folder


def rows_of(corpus: Path) -> list[str]:
    return [
        f"{path.relative_to(corpus)},{path.parent.name},{'male' if int(path.parent.name[1]) < 5 else 'F'},"
        f"{path.stem.split('_')[0]}"
        for path in sorted(corpus.rglob("*.wav"))
    ]


def write(corpus: Path, lines: list[str], header: str = "file,speaker,gender,emotion") -> Path:
    path = corpus / "mine.csv"
    path.write_text("\n".join([header, *lines, ""]), encoding="utf-8")
    return path


def prepare(rows, audio_dir, folds=None, name="mine", **chosen):
    columns = table.choose_columns(rows, chosen)
    clips, left_out = table.find_clips(rows, columns, audio_dir)
    return table.make_utterances(clips, columns, folds, name), left_out


def test_row_gives_speaker_sex_emotion_and_an_id_that_tells_none(corpus):
    utterances, left_out = prepare(table_sources.read_csv(write(corpus, rows_of(corpus))), corpus)
    first = min(utterances, key=lambda item: item.wav)
    assert left_out == []
    assert len(utterances) == 80
    assert (first.spk, first.gender, first.emotion) == ("mine_s0", "m", "anger")
    assert first.wav == str(corpus / "wav/s0/ANGRY_2.wav")
    assert first.utt == f"mine_s0-{records.opaque('wav/s0/ANGRY_2.wav')}"


def test_speaker_folds_are_disjoint_and_alike_in_classes_and_sex(corpus):
    utterances, _ = prepare(table_sources.read_csv(write(corpus, rows_of(corpus))), corpus, "speaker:5")
    speakers = defaultdict(set)
    for item in utterances:
        speakers[item.fold].add((item.spk, item.gender))
    assert sorted(speakers) == list("12345")
    assert all(sorted(gender for _, gender in members) == ["f", "m"] for members in speakers.values())
    assert set(Counter((item.fold, item.emotion) for item in utterances).values()) == {4}


def test_known_sexes_are_balanced_where_others_are_unknown(corpus):
    # By names alone, one fold would have the men, who have even numbers, and the other the women.
    sexes = dict(zip((f"s{number}" for number in range(8)), "mfmfmfmf", strict=True))
    fields = [row.split(",") for row in rows_of(corpus)]
    lines = [f"{file},{spk},{sexes.get(spk, '')},{emotion}" for file, spk, _, emotion in fields]
    utterances, _ = prepare(table_sources.read_csv(write(corpus, lines)), corpus, "speaker:2")
    found = Counter((fold, gender) for fold, gender, _ in {(item.fold, item.gender, item.spk) for item in utterances})
    assert found == {(fold, gender): 2 for fold in "12" for gender in "mf"} | {("1", None): 1, ("2", None): 1}


def test_folds_are_balanced_where_speakers_differ_in_their_classes():
    # Four speakers have anger only, four sadness only: by names alone a fold would have one class.
    counts = {f"a{n}": {"anger": 10, "f": 1} for n in range(4)} | {f"b{n}": {"sadness": 10, "m": 1} for n in range(4)}
    folds = balance_folds(counts, 4)
    assert set(Counter((fold, speaker[0]) for speaker, fold in folds.items()).values()) == {1}


def test_folds_are_refused_that_would_be_empty(corpus):
    rows = table_sources.read_csv(write(corpus, rows_of(corpus)))
    with pytest.raises(SerError, match="11 folds of 10 speakers"):
        prepare(rows, corpus, "speaker:11")
    with pytest.raises(SerError, match="--folds speakers: expected speaker:5, session, column:NAME"):
        prepare(rows, corpus, "speakers")
    with pytest.raises(SerError, match="--folds column:set: no such column; the table has file, speaker"):
        prepare(rows, corpus, "column:set")


def test_folds_of_a_column_that_share_speakers_are_said(corpus, caplog):
    lines = [f"{row},{number % 2}" for number, row in enumerate(rows_of(corpus))]
    rows = table_sources.read_csv(write(corpus, lines, "file,speaker,gender,emotion,set"))
    utterances, _ = prepare(rows, corpus, "column:set")
    assert {item.fold for item in utterances} == {"0", "1"}
    assert "10 of 10 speakers are in several folds" in caplog.text


def test_without_speakers_each_utterance_is_its_own_and_a_warning_says_so(corpus, caplog):
    rows = [line.split(",") for line in rows_of(corpus)]
    path = write(corpus, [f"{row[0]},{row[3]}" for row in rows], "file,emotion")
    utterances, _ = prepare(table_sources.read_csv(path), corpus)
    assert all(item.utt == item.spk for item in utterances)
    assert len({item.spk for item in utterances}) == 80
    assert "80 of 80 utterances have no speaker" in caplog.text


def test_usual_names_are_found_and_others_are_named(corpus, caplog):
    caplog.set_level(logging.INFO)
    lines = [f"{row},hello" for row in rows_of(corpus)]
    path = write(corpus, lines, "WAV;Spkr;Sex;mood;words".replace(";", ","))
    utterances, _ = prepare(table_sources.read_csv(path), corpus, emotion="Mood")
    assert {item.text for item in utterances} == {"hello"}
    assert "columns: file 'WAV', speaker 'Spkr', emotion 'mood', text 'words', gender 'Sex'" in caplog.text
    with pytest.raises(SerError, match="--emotion mode: no such column; the table has WAV, Spkr, Sex, mood, words"):
        prepare(table_sources.read_csv(path), corpus, emotion="mode")


def test_words_for_an_emotion_become_one_name_and_strange_ones_are_said(corpus, caplog):
    lines = rows_of(corpus)
    lines[0] = lines[0].replace(",ANGRY", ",Mild Irritation")
    utterances, _ = prepare(table_sources.read_csv(write(corpus, lines)), corpus)
    counts = Counter(item.emotion for item in utterances)
    assert counts == {"happiness": 20, "sadness": 20, "anger": 19, "neutral": 20, "mild_irritation": 1}
    assert "'mild_irritation' is in no label map" in caplog.text


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("0 days 00:00:01.500000", "0 days 00:00:02.250000", (1.5, 2.25)),
        ("1.5", "2.25", (1.5, 2.25)),
        ('"1,5"', '"2,25"', (1.5, 2.25)),
        ("0 days", "NaT", (0.0, -1.0)),
        ("", "", (0.0, -1.0)),
    ],
)
def test_start_and_end_make_segments(corpus, tmp_path, start, end, expected):
    lines = [f"{row},{start},{end}" for row in rows_of(corpus)] + ["wav/s0/ANGRY_2.wav,s0,m,sad,4,5"]
    rows = table_sources.read_csv(write(corpus, lines, "file,speaker,gender,emotion,start,end"))
    utterances, left_out = prepare(rows, corpus)
    records.write_data_dir(tmp_path / "data", utterances, left_out)
    segments = [line.split() for line in (tmp_path / "data/segments").read_text().splitlines()]
    assert len(segments) == 81
    assert len((tmp_path / "data/wav.scp").read_text().splitlines()) == 80
    assert Counter((float(first), float(last)) for _, _, first, last in segments) == {expected: 80, (4.0, 5.0): 1}


def test_segment_that_ends_before_it_starts_is_refused(corpus):
    rows = table_sources.read_csv(write(corpus, ["wav/s0/ANGRY_2.wav,3,2"], "file,start,end"))
    with pytest.raises(SerError, match=r"mine.csv:2: the segment ends at 2 s and starts at 3 s"):
        prepare(rows, corpus)
    rows = table_sources.read_csv(write(corpus, ["wav/s0/ANGRY_2.wav,,0"], "file,start,end"))
    with pytest.raises(SerError, match=r"mine.csv:2: the segment ends at 0 s and starts at 0 s"):
        prepare(rows, corpus)
    rows = table_sources.read_csv(write(corpus, ["wav/s0/ANGRY_2.wav,soon"], "file,start"))
    with pytest.raises(SerError, match=r"mine.csv:2: expected seconds or '0 days 00:00:01.5', found 'soon'"):
        prepare(rows, corpus)


@pytest.mark.parametrize("copy", [None, "wav/s1/copy.wav", "elsewhere/again.wav"])
@pytest.mark.parametrize(
    ("row", "message"),
    [("s0,m,sad", "two emotions, 'anger'"), ("s9,m,ANGRY", "two speakers, 's0'")],
)
def test_one_recording_under_two_labels_or_speakers_is_refused_by_name(corpus, copy, row, message):
    lines = rows_of(corpus)
    if copy:
        (corpus / copy).parent.mkdir(exist_ok=True)
        (corpus / copy).write_bytes((corpus / "wav/s0/ANGRY_2.wav").read_bytes())
    name = copy or "wav/s0/ANGRY_2.wav"
    rows = table_sources.read_csv(write(corpus, [*lines, f"{name},{row}"]))
    with pytest.raises(SerError, match=rf"wav/s0/ANGRY_2.wav and {name} are one recording with {message}"):
        prepare(rows, corpus)


def test_same_row_twice_is_kept_once_and_listed(corpus):
    lines = rows_of(corpus)
    utterances, left_out = prepare(table_sources.read_csv(write(corpus, [*lines, lines[3]])), corpus)
    assert len(utterances) == 80
    assert [(item.name, item.chosen) for item in left_out] == [("wav/s0/Happy_4.wav", True)]


def test_missing_files_are_listed_and_above_5_percent_refused_with_their_names(corpus, tmp_path):
    rows = rows_of(corpus)
    some = table_sources.read_csv(write(corpus, [*rows, "gone.wav,s0,m,sad"]))
    _, left_out = prepare(some, corpus)
    assert [item.name for item in left_out] == ["gone.wav"]
    table.check_loss(tmp_path / "data", 80, left_out)
    many = table_sources.read_csv(write(corpus, [*rows, *(f"gone{n}.wav,s0,m,sad" for n in range(5))]))
    _, left_out = prepare(many, corpus)
    with pytest.raises(SerError, match=r"5 of 85 rows cannot be used.* gone0.wav, gone1.wav, gone2.wav, gone3.wav, g"):
        table.check_loss(tmp_path / "data", 80, left_out)
    assert len((tmp_path / "data/left_out").read_text().splitlines()) == 5


def test_speakers_of_two_sexes_are_refused(corpus):
    lines = rows_of(corpus)
    lines[0] = lines[0].replace(",male", ",female")
    with pytest.raises(SerError, match=r"mine.csv:3: speaker 's0' is 'm' here and 'f' at .*mine.csv:2"):
        prepare(table_sources.read_csv(write(corpus, lines)), corpus)


def test_names_of_speakers_make_ids_that_sort_as_they_do(corpus, tmp_path):
    names = {"s0": "anna", "s1": "anna-maria", "s2": "anna maria", "s3": "Ägir", "s4": "o'neil"}
    lines = [
        line.replace(f",{old},", f",{new},") for line in rows_of(corpus) for old, new in names.items() if old in line
    ]
    utterances, left_out = prepare(table_sources.read_csv(write(corpus, lines)), corpus)
    records.write_data_dir(tmp_path / "data", utterances, left_out)
    speakers = {item.spk for item in utterances}
    assert len(speakers) == 5
    assert "mine_anna" in speakers and "mine_Ägir" in speakers


def test_semicolons_tabs_byte_order_mark_and_quotes_are_read(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes('\ufefffile;text\r\n"a;b.wav";"he said ""no"""\r\n'.encode())
    assert table_sources.read_csv(path)[0].values == {"file": "a;b.wav", "text": 'he said "no"'}
    path.write_text("file\ttext\na.wav\tone, two\n")
    assert table_sources.read_csv(path)[0].values == {"file": "a.wav", "text": "one, two"}


def test_tables_that_spreadsheets_save_are_read(tmp_path, caplog):
    path = tmp_path / "t.csv"
    path.write_bytes("sep=;\r\nfile;speaker\r\na,b.wav;Jürgen – M\r\n".encode("cp1252"))
    assert table_sources.read_csv(path)[0].values == {"file": "a,b.wav", "speaker": "Jürgen – M"}
    assert "t.csv: not UTF-8, so it is read as cp1252" in caplog.text
    path.write_bytes(b"file,speaker\na.wav,\x81\n")  # a byte that Windows's encoding lacks
    with pytest.raises(SerError, match=r"t.csv: not UTF-8: b'\\x81.*saved as UTF-8"):
        table_sources.read_csv(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,emotion\na.wav\n", r"t.csv:2: expected 2 fields as in line 1, found 1"),
        ("file,emotion\n", "no row below the names"),
        ("file,file\na,b\n", "the column 'file' comes twice"),
    ],
)
def test_broken_table_is_refused(tmp_path, text, message):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(SerError, match=message):
        table_sources.read_csv(tmp_path / "t.csv")


def test_pattern_reads_names_whatever_their_suffix_is_called(corpus):
    (corpus / "wav/s0/ANGRY_2.wav").rename(corpus / "wav/s0/ANGRY_2.WAV")
    (corpus / "wav/s0/._ANGRY_2.wav").write_bytes(b"x")
    (corpus / "wav/s0/notes.wav").write_bytes(b"RIFF")
    rows, others = table_sources.read_folder(corpus / "wav", "{speaker}/{emotion}_{n}.wav")
    assert len(rows) == 80 and others == ["s0/notes.wav"]
    utterances, _ = prepare(rows, corpus / "wav")
    assert Counter(item.spk for item in utterances)["mine_s0"] == 8
    assert Counter(item.emotion for item in utterances)["anger"] == 20


def test_pattern_of_widths_reads_names_without_separators(tmp_path):
    (tmp_path / "03a01Wa.wav").write_bytes(b"RIFF")
    rows, _ = table_sources.read_folder(tmp_path, "{speaker:2}{sentence:3}{emotion:1}{take}.wav")
    assert rows[0].values == {"file": "03a01Wa.wav", "speaker": "03", "sentence": "a01", "emotion": "W", "take": "a"}


def test_pattern_that_fits_in_two_ways_or_never_is_refused(tmp_path):
    (tmp_path / "very_sad_1.wav").write_bytes(b"RIFF")
    with pytest.raises(SerError, match=r"fits '{emotion}_{n}.wav' in two ways: emotion 'very' or 'very_sad'; write"):
        table_sources.read_folder(tmp_path, "{emotion}_{n}.wav")
    assert table_sources.read_folder(tmp_path, "{emotion}_{n:d}.wav")[0][0].values["emotion"] == "very_sad"
    with pytest.raises(
        SerError, match=r"none of its 1 audio files fits '{speaker}/{emotion}.wav', e.g. very_sad_1.wav"
    ):
        table_sources.read_folder(tmp_path, "{speaker}/{emotion}.wav")
    with pytest.raises(SerError, match="write a field as"):
        table_sources.read_folder(tmp_path, "{emotion.wav")


def emobox(tmp_path: Path, num_folds: int) -> Path:
    folder = tmp_path / "data/mini"
    lines = [f'{{"key": "mini-{n}", "wav": "w/{n}.wav", "emo": "happy", "length": 1.5}}' for n in range(6)]
    for fold in range(1, num_folds + 1):
        (folder / f"fold_{fold}").mkdir(parents=True)
        test = [line for number, line in enumerate(lines) if number % max(num_folds, 2) == fold - 1]
        train = [line for line in lines if line not in test]
        for part, of_it in (("test", test), ("train", train)):
            (folder / f"fold_{fold}/mini_{part}_fold_{fold}.jsonl").write_text("\n".join(of_it) + "\n")
    (folder / "mini.jsonl").write_text("\n".join(lines) + "\n")
    for number in range(6):
        (folder / f"w/{number}.wav").parent.mkdir(exist_ok=True)
        (folder / f"w/{number}.wav").write_bytes(f"RIFF{number}".encode())
    return folder / "mini.jsonl"


def test_emobox_table_brings_its_folds(tmp_path):
    path = emobox(tmp_path, 3)
    utterances, _ = prepare(table_sources.read_jsonl(path), path.parent)
    assert Counter(item.fold for item in utterances) == {"1": 2, "2": 2, "3": 2}
    assert {item.emotion for item in utterances} == {"happiness"}
    by_file = {Path(item.wav).stem: item.fold for item in utterances}
    assert by_file["0"] == by_file["3"] == "1" and by_file["5"] == "3"


def test_single_emobox_fold_is_a_division_into_parts(tmp_path):
    path = emobox(tmp_path, 1)
    utterances, _ = prepare(table_sources.read_jsonl(path), path.parent)
    assert Counter(item.part for item in utterances) == {"test": 3, "train": 3}
    assert {item.fold for item in prepare(table_sources.read_jsonl(path), path.parent, "none")[0]} == {None}


@pytest.mark.parametrize("num_folds", [1, 3])
def test_what_a_mac_puts_beside_the_folds_of_emobox_is_passed_over(tmp_path, num_folds):
    path = emobox(tmp_path, num_folds)
    for file in list(path.parent.rglob("*.jsonl")):
        file.with_name(f"._{file.name}").write_bytes(b"\0\5\x16\7 Mac")
    assert len(table_sources.read_jsonl(path)) == 6


def test_emobox_clip_in_two_test_folds_or_none_is_refused(tmp_path):
    path = emobox(tmp_path, 3)
    fold = path.parent / "fold_2/mini_test_fold_2.jsonl"
    text = fold.read_text()
    fold.write_text(text.replace("mini-1", "mini-0"))
    with pytest.raises(SerError, match="'mini-0' is in fold 1 too"):
        table_sources.read_jsonl(path)
    fold.write_text(text.splitlines()[0] + "\n")
    with pytest.raises(SerError, match=r"mini.jsonl:5: in none of the folds"):
        table_sources.read_jsonl(path)


def test_without_datasets_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(SerError, match=r"needs the package datasets; .*utils/make_venv\.sh --extras datasets$"):
        table_sources.read_saved_dataset(tmp_path, tmp_path / "audio")


def test_saved_dataset_gives_its_audio_class_names_and_parts(tmp_path, silence):
    datasets = pytest.importorskip("datasets")
    features = datasets.Features(
        {
            "audio": datasets.Audio(decode=False),
            "label": datasets.ClassLabel(names=["angry", "happy"]),
            "speaker_id": datasets.Value("int64"),
            "array": datasets.Sequence(datasets.Value("float32")),
        }
    )
    plain = datasets.Features(
        {**features, "audio": {"bytes": datasets.Value("binary"), "path": datasets.Value("string")}}
    )

    def part(first: int):
        header, samples = silence.read_bytes()[:44], silence.read_bytes()[44:]
        data = [header + bytes([first, number]) + samples[2:] for number in range(4)]
        return datasets.Dataset.from_dict(
            {
                "audio": [{"bytes": each, "path": None} for each in data],
                "label": [0, 1, 0, 1],
                "speaker_id": [7, 7, 8, 8],
                "array": [[0.0]] * 4,
            },
            features=plain,
        ).cast(features)

    datasets.DatasetDict({"train": part(0), "test": part(1)}).save_to_disk(str(tmp_path / "saved"))
    assert table_sources.is_saved_dataset(tmp_path / "saved")
    rows = table_sources.read_saved_dataset(tmp_path / "saved", tmp_path / "data/audio")
    utterances, left_out = prepare(rows, tmp_path / "saved")
    records.write_data_dir(tmp_path / "data", utterances, left_out)
    assert Counter((item.spk, item.part, item.emotion) for item in utterances) == {
        (f"mine_{spk}", part, emotion): 1
        for spk in (7, 8)
        for part in ("train", "test")
        for emotion in ("anger", "happiness")
    }
    assert (tmp_path / "data/audio/train_000000.wav").read_bytes().startswith(silence.read_bytes()[:44])
