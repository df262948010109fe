# shellcheck shell=bash disable=SC2034,SC2154
# SLURM on one node, for with_scheduler.sh: every daemon as root, all state in $state, listening on loopback only.
packages=(slurmctld slurmd slurm-client munge)
command_of_kind="sbatch"

start_munge() {
  mkdir -m 700 "$state/munge"
  head -c 128 /dev/urandom > "$state/munge/key"
  chmod 400 "$state/munge/key"
  munged --force --socket="$state/munge.socket" --key-file="$state/munge/key" --pid-file="$state/munge/pid" \
    --log-file="$state/munge/log" --seed-file="$state/munge/seed"
}

# Two pitfalls: proctrack/cgroup, the default, cannot start a job in a container, and reports it COMPLETED all the same;
# and a finished job is asked about until MinJobAge is over, 300 s by default, which here is short as on a busy cluster.
start_scheduler() {
  local memory host
  host=$(hostname -s)
  memory=$(awk '/MemTotal/ { print int($2 / 1024 * 0.9) }' /proc/meminfo)
  mkdir "$state/spool"
  export SLURM_CONF=$state/slurm.conf
  cat > "$SLURM_CONF" << CONF
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$state/munge.socket
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=2,batch_sched_delay=0,sched_min_interval=0
ReturnToService=2
MinJobAge=10
EnforcePartLimits=${ENFORCE_PART_LIMITS:-NO}
KillWait=2
MailProg=/bin/true
SlurmctldPidFile=$state/slurmctld.pid
SlurmdPidFile=$state/slurmd.pid
StateSaveLocation=$state/spool
SlurmdSpoolDir=$state/spool
SlurmctldLogFile=$state/slurmctld.log
SlurmdLogFile=$state/slurmd.log
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
GresTypes=gpu
DefMemPerCPU=512
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=$memory Gres=gpu:2 State=UNKNOWN
PartitionName=main Nodes=$host Default=YES MaxTime=60 State=UP
CONF
  printf "NodeName=$host Name=gpu File=/dev/%s\n" null zero > "$state/gres.conf"     # pretended GPUs
  start_munge
  slurmctld -c -f "$SLURM_CONF"
  slurmd -c -f "$SLURM_CONF"
}

scheduler_is_ready() { [ "$(timeout 3 sinfo --noheader --format %T)" = idle ]; }

stop_scheduler() {
  stop_daemon slurmd "$state/slurmd.pid"
  stop_daemon slurmctld "$state/slurmctld.pid"
  stop_daemon munged "$state/munge/pid"
}
