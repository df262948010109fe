# shellcheck shell=bash
# Sets options from the command line: --some-name value or --some-name=value sets the variable some_name.
#
# The options of a script are the variables of its lines name=default above the line that sources this file; those of a
# file in between (the script sources it, and it sources this one); and the names in the array common_options
# (utils/recipe.sh). Variables of the environment are not options. A value that begins with -- needs the form with =. An
# option that takes true or false is true if no value follows. --help prints the comment block at the head of the calling
# script. An unknown option is an error. Afterwards "$@" has the script's arguments, and option_names its options.

# Prints the comment block at the head of the script, which is its help text.
# shellcheck disable=SC2154  # utils/recipe.sh sets common_options
usage() {
  local file
  for file in "$0" ${common_options[@]+utils/recipe.sh}; do
    awk '/^#(!| shellcheck)/ { next } /^#/ { sub(/^# ?/, ""); print; next } { exit }' "$file"
  done
}

option_names=" ${common_options[*]-} "
for ((option_level = 1; option_level < ${#BASH_SOURCE[@]}; option_level++)); do
  mapfile -t -n "${BASH_LINENO[option_level - 1]}" option_lines < "${BASH_SOURCE[option_level]}"
  for option_line in "${option_lines[@]}"; do
    if [[ "$option_line" =~ ^([a-z][a-z0-9_]*)= ]]; then option_names+="${BASH_REMATCH[1]} "; fi
  done
done

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
  if [[ ! "$option_variable" =~ ^[a-z][a-z0-9_]*$ || "$option_names" != *" $option_variable "* ]]; then
    echo "$0: unknown option --$option_name; --help lists the options" >&2
    exit 1
  fi
  if [[ "$1" == *=* ]]; then
    option_value="${1#*=}"
    shift
  elif [[ "${!option_variable}" =~ ^(true|false)$ && ( $# -eq 1 || "$2" == --* ) ]]; then
    option_value=true
    shift
  elif [[ $# -ge 2 && "$2" != --* ]]; then
    option_value="$2"
    shift 2
  else
    echo "$0: option --$option_name needs a value${2+, found the option $2; write --$option_name=$2 if it is the value}" >&2
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
unset option_name option_variable option_value option_level option_lines option_line
