# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Completion of xl-ext for bash, and for zsh by its bashcompinit (_xl-ext). Everything is read from the tables of the
# installed program ("xl-ext help --tables"), once for each shell, so that commands of plugins are known too. What is xl's
# is completed as xl completes it.

_xl_ext_tables()
{
    printf '%s\n' "$_xl_ext_cache"
}

# The lines that begin with $1.
_xl_ext_reply()
{
    local line
    COMPREPLY=()
    while IFS= read -r line; do
        [[ $line == "$1"* ]] && COMPREPLY+=("$line")
    done
}

_xl_ext_commands()
{
    _xl_ext_tables | awk -F '\t' '$1 == "command" && $6 !~ /hidden/ { print $2 }'
}

# The line is carried out as it is completed: a name that would need quotes is left out.
_xl_ext_domains()
{
    "$1" mem-list 2>/dev/null | awk 'NR > 1 && $1 ~ /^[A-Za-z0-9_.:+@%-]+$/ { print $1 }'
}

_xl_ext()
{
    local tool=${COMP_WORDS[0]} current=${COMP_WORDS[COMP_CWORD]} previous='' command='' argument=0
    local domain_arg i word
    local -a given=()

    [ -n "${_xl_ext_cache-}" ] || _xl_ext_cache=$("$tool" help --tables 2>/dev/null)

    # The command: the first word that is neither an option nor an option's value.
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [ -n "$command" ]; then
            given+=("$word")
        elif [ "$word" = --timeout ]; then
            i=$((i + 1))
        elif [[ $word != -* ]]; then
            command=$word
        fi
    done
    COMPREPLY=()
    if [ -z "$command" ]; then
        if [[ $current == -* ]]; then
            _xl_ext_reply "$current" < <(printf '%s\n' --json --quiet --timeout --help --version -v)
        else
            _xl_ext_reply "$current" < <(echo help; _xl_ext_commands)
        fi
        return
    fi
    if [ "$command" = help ]; then
        _xl_ext_reply "$current" < <(_xl_ext_commands)
        return
    fi
    domain_arg=$(_xl_ext_tables | awk -F '\t' -v c="$command" '$1 == "command" && $2 == c { print $5 }')
    if [ -z "$domain_arg" ]; then
        typeset -f _xl >/dev/null && _xl
        return
    fi
    # An option that waits for its value: a file, or nothing that could be known here.
    [ ${#given[@]} -gt 0 ] && previous=${given[-1]}
    if [[ $previous == -* ]]; then
        word=$(_xl_ext_tables | awk -F '\t' -v c="$command" -v o="$previous" \
            '$1 == "option" && $2 == c && $5 != "-" && (o == "-" $3 || o == "--" $4) { print $5 }')
        case $word in
            '') ;;
            *FILE* | *FOLDER* | *DIR* | *PATH*)
                _xl_ext_reply "$current" < <(compgen -f -- "$current")
                return
                ;;
            *) return ;;
        esac
    fi
    if [[ $current == -* ]]; then
        _xl_ext_reply "$current" < <(printf '%s\n' --json --quiet --timeout --help; _xl_ext_tables |
            awk -F '\t' -v c="$command" '$1 == "option" && $2 == c {
                if ($3 != "-") print "-" $3; if ($4 != "-") print "--" $4 }')
        return
    fi
    # Which argument this is, options and their values left out.
    for ((i = 0; i < ${#given[@]}; i++)); do
        word=${given[i]}
        if [[ $word == -* && $argument = 0 ]]; then
            _xl_ext_tables | awk -F '\t' -v c="$command" -v o="$word" \
                '$1 == "option" && $2 == c && $5 != "-" && (o == "-" $3 || o == "--" $4) { found = 1 }
                END { exit !found }' && i=$((i + 1))
        else
            argument=$((argument + 1))
        fi
    done
    if [ "$domain_arg" -ge 0 ] && [ "$argument" -ge "$domain_arg" ]; then
        _xl_ext_reply "$current" < <(_xl_ext_domains "$tool")
    else
        _xl_ext_reply "$current" < <(compgen -f -- "$current")
    fi
}

complete -F _xl_ext xl-ext
