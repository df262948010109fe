"""A card of a small run made by hand."""

from pathlib import Path

import pytest

from ser.errors import SerError
from ser.files import write_text
from ser.kaldi import datadir
from ser.protocol import audit
from ser.protocol.card import Entry, make_card, to_markdown, to_tsv
from ser.protocol.inventory import Corpora, Inventory
from ser.results import result_table
from ser.results.result_table import Result

ROOT = Path(__file__).parents[2]
MAP = "# Two classes. Source: a paper.\nanger mad\nfury mad  # stronger\nneutral calm\n"


@pytest.fixture
def run(tmp_path) -> tuple[Path, Corpora]:
    """Corpus `play` of 6 utterances by 3 speakers, of whom c is scored and a and b, with a copy, train."""
    native = {"a-1": "anger", "a-2": "fury", "b-1": "neutral", "b-2": "other", "c-1": "anger", "c-2": "neutral"}
    folds = {utt: "2" if utt[0] == "c" else "1" for utt in native}
    spk = {utt: utt[0] for utt in native}
    datadir.write_data_dir(tmp_path / "play", {"utt2spk": spk, "utt2emo": native, "utt2fold": folds})
    write_text(tmp_path / "play" / "left_out", "x.wav empty audio file\ny.wav empty audio file\nz.wav tied vote: a b\n")
    train = {"a-1": "mad", "a-1-noise": "mad", "a-2": "mad", "b-1": "calm"}
    uniq = {utt: utt.removesuffix("-noise") for utt in train}
    tables = {"utt2spk": {utt: utt[0] for utt in train}, "utt2emo": train, "utt2uniq": uniq}
    datadir.write_data_dir(tmp_path / "finetune_2", tables)
    test = {"c-1": "mad", "c-2": "calm"}
    datadir.write_data_dir(tmp_path / "test_2", {"utt2spk": dict.fromkeys(test, "c"), "utt2emo": test})
    corpora = Corpora([tmp_path / "play"])
    found = audit.audit(
        Inventory(tmp_path / "test_2", corpora), "finetune", Inventory(tmp_path / "finetune_2", corpora)
    )
    exp = tmp_path / "exp"
    write_text(exp / "audit" / "2.tsv", audit.to_tsv(found))
    write_text(exp / "commands.txt", "./run.sh --name x\n")
    write_text(exp / "text_used.txt", "play: its own words\n")
    write_text(exp / "finetune_2" / "config.yaml", "model:\n  dim: 3\nfit:\n  seed: 17\n")
    write_text(exp / "finetune_2" / "version.txt", "ser 0.1 (abc)\n")
    write_text(exp / "finetune_2" / "note.tsv", "")
    write_text(exp / "yamnet" / "config.yaml", "kind: yamnet\n")
    write_text(exp / "yamnet" / "SOURCE", "yamnet.h5 sha256 0a\nGoogle\n")
    write_text(exp / "toy" / "config.yaml", "kind: vggish\n")
    write_text(tmp_path / "two.map", MAP)
    return exp, corpora


def values(entries: list[Entry]) -> dict[tuple[str, str, str], str]:
    return {entry[:3]: entry.value for entry in entries}


def test_card_counts_what_was_scored_what_trained_and_what_was_left_out(run, tmp_path):
    exp, corpora = run
    write_text(tmp_path / "vggish" / "SOURCE", "vggish.pth sha256 1b\nApache\n")
    card = values(make_card(exp, corpora, tmp_path / "two.map", "gold", nets=[tmp_path / "vggish", tmp_path / "none"]))
    assert card["corpora", "play", "classes"] == "anger 2, fury 1, neutral 2, other 1"
    assert card["corpora", "play", "left out by preparation"] == "empty audio file 2, tied vote 1"
    assert card["label map", "says", ""] == "Two classes. Source: a paper."
    assert card["label map", "class mad", ""] == "anger, fury"
    assert card["label map", "left out of play", ""] == "other 1 (not in the map); kept 5"
    row = {key[2]: value for key, value in card.items() if key[:2] == ("data", "finetune_2")}
    assert row == {
        **{"role": "trains finetune", "utterances": "3", "copies": "1", "speakers": "2"},
        **{"of corpora": "play 3", "classes": "calm 1, mad 2", "folds": "-"},
    }
    assert card["data", "test_2", "role"] == "scored"
    assert card["audit", "2, finetune", "speakers"] == "ok"
    assert card["audit", "2, finetune", "recordings"] == "not told"
    assert card["models", "finetune_2", "fit.seed"] == "17"
    assert card["models", "finetune_2", "version"] == "ser 0.1 (abc)"
    assert card["models", "yamnet", "source"] == "yamnet.h5 sha256 0a; Google"
    assert card["models", f"{tmp_path}/vggish", "source"] == "vggish.pth sha256 1b; Apache"
    assert card["text", "play", ""] == "its own words"
    assert not [key for key in card if key[0] == "missing"]


def test_card_says_what_is_missing_and_is_made_all_the_same(tmp_path):
    card = values(make_card(tmp_path, Corpora(), None))
    missing = {key[1]: value for key, value in card.items() if key[0] == "missing"}
    assert missing.keys() == {str(tmp_path / "audit"), str(tmp_path / "commands.txt"), "label map"}
    assert card["text", "condition", ""] == "no text"
    assert card["run", "numpy", ""]


def test_page_has_a_table_for_each_section_and_the_file_a_line_for_each_entry():
    entries = [Entry("data", "a", "utts", "1"), Entry("data", "b", "speakers", "2|3"), Entry("run", "it", "", "x\ty")]
    assert to_tsv(entries) == "section\tkey\tvalue\ndata\ta: utts\t1\ndata\tb: speakers\t2|3\nrun\tit\tx y\n"
    page = to_markdown(entries, "Title")
    assert "| a | 1 |  |\n| b |  | 2\\|3 |\n" in page
    assert page.startswith("# Title\n\n## Data\n")


def test_card_marks_a_speaker_normalisation_as_what_it_is(run, tmp_path):
    exp, corpora = run
    names = ("x", "play", "play", "1", "all", "0", "-", "tdnn6", "speech", "plda", 0, "-", "ok")
    rows = [Result(*names, speaker_normalisation=words) for words in ("none", "all", "first 10")]
    write_text(exp / "results.tsv", result_table.to_tsv(rows[:1]))
    assert not [entry for entry in make_card(exp, corpora, None) if entry.section == "speaker normalisation"]
    write_text(exp / "results.tsv", result_table.to_tsv(rows))
    entries = make_card(exp, corpora, None)
    found = {entry.row: entry.value for entry in entries if entry.section == "speaker normalisation"}
    assert found == {"none": "1", "all": "1", "first 10": "1"}
    assert "it uses other recordings of this speaker, without their labels" in to_markdown(entries, "x")


def test_card_says_how_noisy_the_clips_are_where_that_was_measured(run, tmp_path):
    exp, corpora = run
    assert not any(entry.section == "signal-to-noise ratio" for entry in make_card(exp, corpora, tmp_path / "two.map"))
    lines = "".join(f"a-{number}\t{number}.0\n" for number in range(101))
    write_text(exp / "snr.tsv", f"utt\tsnr_db\n{lines}")
    card = make_card(exp, corpora, tmp_path / "two.map")
    found = {entry.row: entry.value for entry in card if entry.section == "signal-to-noise ratio"}
    assert found == {"clips": "101", "median": "50.0 dB", "5 to 95 % of the clips": "5.0 to 95.0 dB"}
    assert "## Signal-to-noise ratio\n\nWADA-SNR of the test corpus's clips" in to_markdown(card, "card")


def test_card_warns_where_utterances_have_no_known_speaker(run, tmp_path):
    exp, _ = run
    utts = {"a-1": "a", "b-2": "b-2", "c-3": "c-3"}
    datadir.write_data_dir(tmp_path / "play", {"utt2spk": utts, "utt2emo": dict.fromkeys(utts, "anger")})
    card = values(make_card(exp, Corpora([tmp_path / "play"]), tmp_path / "two.map"))
    assert card["corpora", "play", "speakers"].startswith("3; WARNING: 2 utterances have no known speaker")


def test_card_holds_what_to_know_of_the_system(run, tmp_path):
    exp, corpora = run
    write_text(tmp_path / "notes.tsv", "measure\tUAR and WA.\nwords\tSentences are shared.\n")
    entries = make_card(exp, corpora, tmp_path / "two.map", "gold", tmp_path / "notes.tsv")
    assert Entry("notes", "words", "", "Sentences are shared.") in entries
    assert "Sentences are shared." in to_markdown(entries, "x")
    write_text(tmp_path / "notes.tsv", "no tab here\n")
    with pytest.raises(SerError, match=r"notes.tsv:1: expected '<subject> tab <note>'; found 'no tab"):
        make_card(exp, corpora, tmp_path / "two.map", "gold", tmp_path / "notes.tsv")


def test_notes_of_system_b_are_read():
    entries = make_card(ROOT / "conf", Corpora(), None, notes=ROOT / "conf" / "asr_tdnn" / "traps.tsv")
    assert [entry.row for entry in entries if entry.section == "notes"][:3] == [
        "layers", "choice of the layer", "measure"
    ]  # fmt: skip
