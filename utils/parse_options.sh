# shellcheck shell=bash
# Sets options from the command line: --some-name value or --some-name=value sets the variable some_name,
# which must have been set (to its default) before this is sourced. An option that is true or false, and has no value
# behind it, is true. --help prints the comment block at the
# head of the calling script. What is left in "$@" are the script's arguments. An unknown option is an error.

# Prints the comment block at the head of the script: the one text that tells how it is used.
usage() { awk '/^#(!| shellcheck)/ { next } /^#/ { sub(/^# ?/, ""); print; next } { exit }' "$0"; }

while [ $# -gt 0 ]; do
  case "$1" in
    --help | -h) usage; exit 0 ;;
    --) shift; break ;;
    --*) ;;
    *) break ;;
  esac
  option_name="${1#--}"
  option_name="${option_name%%=*}"
  option_variable="${option_name//-/_}"
  if [[ ! "$option_variable" =~ ^[a-z][a-z0-9_]*$ ]] || [ -z "${!option_variable+set}" ]; then
    echo "$0: unknown option --$option_name; --help lists the options" >&2
    exit 1
  fi
  if [[ "$1" == *=* ]]; then
    option_value="${1#*=}"
    shift
  elif [[ "${!option_variable}" =~ ^(true|false)$ && ( $# -eq 1 || "$2" == --* ) ]]; then
    option_value=true
    shift
  elif [ $# -ge 2 ]; then
    option_value="$2"
    shift 2
  else
    echo "$0: option --$option_name needs a value" >&2
    exit 1
  fi
  case "${!option_variable}" in
    true | false)
      if [ "$option_value" != true ] && [ "$option_value" != false ]; then
        echo "$0: option --$option_name takes true or false, found '$option_value'" >&2
        exit 1
      fi ;;
  esac
  printf -v "$option_variable" '%s' "$option_value"
done
unset option_name option_variable option_value
