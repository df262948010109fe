# shellcheck shell=bash disable=SC2034,SC2154
# Grid Engine (Debian's 8.1.9) on one node, for with_scheduler.sh, on copies of the cell that the packages made.
packages=(msmtp-mta gridengine-master gridengine-exec gridengine-client)     # any other mailer would be exim4
command_of_kind="qsub"
export SGE_ROOT=/var/lib/gridengine SGE_CELL=default

# The packages ask who the master is.
answer_questions() {
  local package
  for package in common client exec master; do
    printf 'gridengine-%s shared/gridengineconfig boolean true\n' "$package"
    printf 'gridengine-%s shared/gridenginecell string default\n' "$package"
    printf 'gridengine-%s shared/gridenginemaster string %s\n' "$package" "$(hostname -s)"
  done | debconf-set-selections
}

configure() { qconf "$@" > "$state/qconf.log" 2>&1 || { cat "$state/qconf.log" >&2; return 1; }; }

start_scheduler() {
  local folder host memory
  host=$(hostname -s)
  memory=$(awk '/MemTotal/ { printf "%dM", $2 / 1024 * 0.9 }' /proc/meminfo)
  for folder in /var/lib/gridengine /var/spool/gridengine; do
    cp -a "$folder" "$state/$(dirname "$folder" | tr / _)"
    mount --bind "$state/$(dirname "$folder" | tr / _)" "$folder"
  done
  rm -rf /var/spool/gridengine/execd/*
  # Both names of 127.0.0.1 are one host, else every command is refused.
  echo "$host localhost" > "$SGE_ROOT/$SGE_CELL/common/host_aliases"
  echo "$host" > "$SGE_ROOT/$SGE_CELL/common/act_qmaster"
  chown sgeadmin "$SGE_ROOT/$SGE_CELL"/common/{host_aliases,act_qmaster}
  sge_qmaster
  wait_for qconf -sh
  # root may submit; the scheduler looks at once, not every 15 s.
  qconf -sconf global | sed -e '/^#/d' -e 's/^\(min_[ug]id\) .*/\1 0/' -e 's/^load_report_time .*/load_report_time 00:00:05/' \
    -e 's/^mailer .*/mailer \/bin\/true/' > "$state/global"
  configure -Mconf "$state/global"
  qconf -ssconf | sed -e 's/^schedule_interval .*/schedule_interval 0:0:1/' -e 's/^\(flush_[a-z]*_sec\) .*/\1 1/' > "$state/scheduler"
  configure -Msconf "$state/scheduler"
  # What conf/queue.conf asks for. JOB, not YES: a request is of the job, whatever its slots.
  { qconf -sc | grep -v '^#'; echo "ram_free ram_free MEMORY <= YES JOB 0 0"; echo "gpu gpu INT <= YES JOB 0 0"; } > "$state/complexes"
  configure -Mc "$state/complexes"
  configure -as "$host"
  cat > "$state/host" << HOST
hostname $host
load_scaling NONE
complex_values slots=$(nproc),ram_free=$memory,gpu=2
user_lists NONE
xuser_lists NONE
projects NONE
xprojects NONE
usage_scaling NONE
report_variables NONE
HOST
  configure -Ae "$state/host"
  configure -Ap /usr/share/gridengine/util/resources/pe/smp
  printf 'group_name @allhosts\nhostlist %s\n' "$host" > "$state/hosts_group"
  configure -Ahgrp "$state/hosts_group"
  qconf -sq | sed -e 's/^qname .*/qname all.q/' -e 's/^hostlist .*/hostlist @allhosts/' -e "s/^slots .*/slots $(nproc)/" \
    -e 's/^load_thresholds .*/load_thresholds NONE/' -e 's/^pe_list .*/pe_list smp/' > "$state/queue"
  configure -Aq "$state/queue"
  sge_execd
}

# The load is known, and no letter of trouble stands in the queue's last column.
scheduler_is_ready() { qstat -f | awk '/^all.q@/ && $4 != "-NA-" && $6 == "" { ready = 1 } END { exit !ready }'; }

stop_scheduler() {
  stop_daemon sge_execd /var/spool/gridengine/execd/*/execd.pid
  stop_daemon sge_qmaster /var/spool/gridengine/qmaster/qmaster.pid
}
