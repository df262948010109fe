#!/usr/bin/env bash
# Makes a data dir of augmented copies of each utterance: reverberated, with noise, with music, with babble.
#
# --seed and the id of a copy decide how it is augmented; utt2augment records this, and make_features augments the
# original's waveform accordingly. With --write-wavs the augmented waveforms are written to files instead. Copies are
# called <utt>-<kind>, and utt2uniq names the original. vad.scp is copied if there is one, features are not.
#
# Usage: steps/augment_data_dir.sh [options] <data-in> <musan-data> <rirs-data> <data-out>
#  e.g.: steps/augment_data_dir.sh --kinds "reverb noise" data/voxceleb1 data/musan data/rirs data/voxceleb1_aug
# Options: --kinds "<kind> ..."  --proportion <share of the copies>  --seed <n>
#   --write-wavs <folder for FLAC files>  --sample-rate <their Hz>
set -euo pipefail

kinds="reverb noise music babble"
proportion=1.0        # share of the copies to make, drawn at random
seed=1
write_wavs=           # folder of the waveforms; empty: they are made with the features
sample_rate=16000     # of the waveforms written, in Hz

. utils/parse_options.sh
[ $# -eq 4 ] || { usage >&2; exit 1; }
. ./path.sh

options=(--kinds "$kinds" --proportion "$proportion" --seed "$seed")
[ -z "$write_wavs" ] || options+=(--write-wavs "$write_wavs" --sample-rate "$sample_rate")

python3 -m ser.bin.augment_data_dir "${options[@]}" "$1" "$2" "$3" "$4"
log "$(basename "$4"): $(wc -l < "$4/utt2spk") copies of the utterances of $1: $kinds"
