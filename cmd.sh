# shellcheck shell=bash disable=SC2034
# How jobs run on this machine: the one file to change on another. Every step takes one of these as --cmd, and calls
#   $cmd [--mem 4G] [--num-threads N] [--gpu N] [--max-jobs-run N] JOB=1:$nj LOG COMMAND...
# in Kaldi's interface, so that a queue wrapper of yours (queue.pl, slurm.pl) fits in here as it is.
train_cmd="utils/run.pl --mem 4G"      # feature extraction, back end: many small jobs
cuda_cmd="utils/run.pl --gpu 1"        # training of nets: takes a GPU where there is one
