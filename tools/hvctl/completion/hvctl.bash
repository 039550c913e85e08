# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Completion of hvctl's command lines, for bash: sourced, or installed as
# /usr/share/bash-completion/completions/hvctl. Verbs and options are what hvctl itself says
# that it has.

_hvctl_verbs() {
	command "$1" --help 2>/dev/null | sed -n 's/^  \([a-z][a-z]*\) .*/\1/p'
}

# Of a verb, and of those whose options it says it takes, too
_hvctl_options() {
	local text
	text=$(command "$1" "$2" --help 2>/dev/null)
	[[ $2 != create && $2 != set && $2 != modify ]] || text+=$(command "$1" run --help 2>/dev/null)
	[[ $2 != set && $2 != modify ]] || text+=$(command "$1" create --help 2>/dev/null)
	grep -o -e '--[a-z][a-z-]*' <<<"$text" | sort -u
}

_hvctl_names() {
	command "$1" list 2>/dev/null | awk 'NR > 1 { print $1 }'
}

# Both set COMPREPLY to what begins like the current word.
_hvctl_words() {	# WORDS
	mapfile -t COMPREPLY < <(compgen -W "$1" -- "${COMP_WORDS[COMP_CWORD]}")
}

_hvctl_files() {
	compopt -o filenames 2>/dev/null || :
	mapfile -t COMPREPLY < <(compgen -f -- "${COMP_WORDS[COMP_CWORD]}")
}

# What can be the value of option $1
_hvctl_value() {
	case $1 in
	--kernel | --initrd | --module | --disk-img | --image | --share) _hvctl_files ;;
	--console | --hvc) _hvctl_words "stdio none $(compgen -f -- "${COMP_WORDS[COMP_CWORD]}")" ;;
	--agent) _hvctl_words "auto $(compgen -f -- "${COMP_WORDS[COMP_CWORD]}")" ;;
	--on-reset) _hvctl_words 'restart exit' ;;
	--disk)
		compopt -o nospace 2>/dev/null || :
		_hvctl_words 'path= vhost-user='
		;;
	--net)
		compopt -o nospace 2>/dev/null || :
		_hvctl_words 'tap= bridge= network= passt'
		;;
	--balloon)
		compopt -o nospace 2>/dev/null || :
		_hvctl_words size=
		;;
	--port)
		compopt -o nospace 2>/dev/null || :
		_hvctl_words name=
		;;
	--name) _hvctl_words "$(_hvctl_names "$2")" ;;
	--cpus | --memory | --memory-limit | --cpu-* | --cmdline | --vsock | --timeout | --env | \
		--user | --network | --datacenter | --debug-exit | --interval | --count | --without) ;;
	*) return 1 ;;
	esac
}

# Is there a word "--" before the current one? What follows is for others.
_hvctl_is_past_options() {
	local i
	for ((i = 2; i < COMP_CWORD; i++)); do
		[[ ${COMP_WORDS[i]} != -- ]] || return 0
	done
	return 1
}

_hvctl() {
	local hvctl=${COMP_WORDS[0]} verb=${COMP_WORDS[1]-}
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		_hvctl_words "$(_hvctl_verbs "$hvctl") --help --version"
	elif _hvctl_is_past_options; then
		[[ $verb != run ]] || _hvctl_files
	elif [[ $word == = || $before == = ]]; then
		# bash makes words of KEY, = and VALUE.
		[[ $before != = ]] || _hvctl_files
		[[ $word != = ]] || mapfile -t COMPREPLY < <(compgen -f)
	elif [[ $word != -* ]] && _hvctl_value "$before" "$hvctl"; then
		:
	elif [[ $word == -* ]]; then
		_hvctl_words "$(_hvctl_options "$hvctl" "$verb")"
	elif [[ $verb != run && $verb != create && $verb != list && $verb != top ]]; then
		_hvctl_words "$(_hvctl_names "$hvctl")"
	fi
}

complete -F _hvctl hvctl
