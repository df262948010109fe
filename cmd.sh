# shellcheck shell=bash disable=SC2034
# How jobs run here: the one file to change for another machine or cluster. Every step takes one of these as --cmd, and
# calls
#   $cmd [--mem 4G] [--num-threads N] [--gpu N] [--max-jobs-run N] JOB=1:$nj LOG COMMAND...
# in Kaldi's interface, so that a wrapper of yours fits in here as it is.
train_cmd="utils/run.pl --mem 4G"      # feature extraction, back end: many small jobs
cuda_cmd="utils/run.pl --gpu 1"        # training of nets: takes a GPU where there is one

# SLURM; conf/slurm.conf says what the options become on sbatch's command line:
#   train_cmd="utils/slurm.pl --mem 4G --time 4:00:00 --retries 1"
#   cuda_cmd="utils/slurm.pl --mem 16G --gpu 1 --time 48:00:00 --retries 2"
# Grid Engine; conf/queue.conf, and options with one dash go to qsub as they are:
#   train_cmd="utils/queue.pl --mem 4G --retries 1 -q all.q"
#   cuda_cmd="utils/queue.pl --mem 16G --gpu 1 --retries 2 -q gpu.q"
# --retries: how often a job that fails, or is lost with its node, is run again. A training goes on from its checkpoint.
