# shellcheck shell=bash
# The common part of steps/make_mfcc_pitch.sh and steps/make_logmel.sh: the options that both have, and the jobs that
# compute features for the utterances of a data dir. They source it after their own options.
#
# Reads wav.scp (files of any rate and channel count, or commands ending in a pipe), and segments and utt2augment if they
# exist. Writes feats.scp and utt2num_frames. Utterances that cannot be read, are too short for a frame or have only zeros
# are listed in left_out, with the reason, and removed from the data dir.

nj=4
cmd=utils/run.pl
compress=true                    # one byte per value: Kaldi's compression of speech features
max_left_out=                    # empty: the default of ser/kaldi/left_out.py

. utils/parse_options.sh
. ./path.sh
[[ $# -ge 1 && $# -le 3 ]] || { usage >&2; exit 1; }
data=$1
logs=${2:-$data/log}
arks=${3:-$data/data}
name=$(basename "$data")

# make_feats <name of the features> <option of ser.bin.make_features that chooses them>...
make_feats() {
  local kind=$1 made split options warning
  shift
  rm -f "$data"/{feats.scp,utt2num_frames}     # those of earlier features, whose archives may be gone
  utils/validate_data_dir.sh --no-feats --no-text --no-wav "$data"     # no check of waveforms: missing ones are left out
  limit_nj "$data"
  utils/split_data.sh "$data" "$nj"
  mkdir -p "$arks" "$logs"
  split=$data/split$nj
  made=$arks/raw_${kind}_$name.JOB
  options=(--compress "$compress" --leave-out-zeros true --max-left-out 1)
  [ ! -f "$data/segments" ] || options+=(--segments "$split/JOB/segments")
  [ ! -f "$data/utt2augment" ] || options+=(--utt2augment "$split/JOB/utt2augment")

  $cmd JOB=1:"$nj" "$logs/make_${kind}_$name.JOB.log" \
    python3 -m ser.bin.make_features "$@" "${options[@]}" --done "$made.done" \
    --left-out "$made.left_out" --write-num-frames "$made.num_frames" \
    "scp:$split/JOB/wav.scp" "ark,scp:$made.ark,$made.scp"

  utils/merge_jobs.sh --name-long-clips true ${max_left_out:+--max-left-out "$max_left_out"} --left-out "$made.left_out" "$data" "$nj" \
    "$made.scp:feats.scp" "$made.num_frames:utt2num_frames"
  for warning in "resampled to" "channels: their mean" "channels that cancel" "WAV header" "data chunk" "pad byte" "is whole"; do warn_once "$warning" "$nj" "$logs/make_${kind}_$name.JOB.log"; done
  log "$name: $kind features of $(wc -l < "$data/feats.scp") utterances in $arks"
}
