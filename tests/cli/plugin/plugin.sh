#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# A plugin and a program built outside the tree against an installation, and the plugins that must be left out.
# shellcheck source=tests/lib/cli.sh
. "$(dirname "$0")/../../lib/cli.sh"

here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
plugins=$work/plugins
mkdir -m 755 "$plugins"

# ---- building with what is installed, and nothing else ----

if ! (cd "$here/../../.." && MAKEFLAGS='' make -s install DESTDIR="$work/root" PREFIX=/usr/local) >"$work/log" 2>&1; then
    not_ok "make install DESTDIR= succeeds"
    sed 's/^/# /' "$work/log"
    finish
fi
flags=$(PKG_CONFIG_SYSROOT_DIR=$work/root PKG_CONFIG_PATH=$work/root/usr/local/lib/pkgconfig pkg-config --cflags --libs xlx)
cd "$work" || exit
cp "$here/example.c" "$here/program.c" .

# build FILE MACRO...
build() {
    out=$1
    shift
    # shellcheck disable=SC2086
    ${CC:-gcc} -Wall -Wextra -Werror -Wno-unused-parameter -Wno-missing-field-initializers -shared -fPIC "$@" \
        -o "$out" example.c $flags && chmod 644 "$out"
}

if build "$plugins/hello.so"; then
    ok "a plugin builds outside the tree with pkg-config alone"
else
    not_ok "a plugin builds outside the tree with pkg-config alone"
    finish
fi
plugindir=$(PKG_CONFIG_PATH=$work/root/usr/local/lib/pkgconfig pkg-config --variable=plugindir xlx)
[ -d "$work/root$plugindir" ] && ok "the plugin folder of xlx.pc is there" || not_ok "the plugin folder of xlx.pc is there"

# ---- a program on the library ----

# shellcheck disable=SC2086
check "a program builds outside the tree with pkg-config alone" ${CC:-gcc} -Wall -Wextra -Werror -o program program.c $flags -lxentoollog
export LD_LIBRARY_PATH="$work/root/usr/local/lib"
command_says 0 "^libxlx $(PKG_CONFIG_PATH=$work/root/usr/local/lib/pkgconfig pkg-config --modversion xlx)\$" \
    "the library that it finds tells its version" ./program
command_says 1 "." "what it asks for in vain is explained" ./program no-domain-of-that-name
unset LD_LIBRARY_PATH

# ---- a plugin at work ----

export XL_EXT_PLUGIN_PATH="$plugins"
says 0 "example (an example)" "help lists the plugin" help
says 0 "^  hello  *Greet somebody" "and its command" help
says 0 "-n, --times N  *how often" "help of its command shows the options" help hello
says 0 "^hello world  *1  no" "the command runs with its defaults" hello
says 0 "^hi you and me  *2  yes" "options reach the command" hello -l -n 2 --greeting hi --also me --also them you
says 0 '"greeting": "hello world"' "and so does --json" hello --json
says 4 "xl-ext: hello: there is nobody" "messages and exit status are the command's" hello nobody
says 0 "example stops" "the plugin is stopped at the end" hello
# A name could lead to another file than the one whose owner and mode were looked at.
LD_DEBUG=files "$tool" hello >"$work/loaded" 2>&1
if grep -q "file=/proc/self/fd/[0-9].*dynamically loaded" "$work/loaded" && ! grep -q "file=$plugins/" "$work/loaded"; then
    ok "the file that was looked at is loaded, by its descriptor and not by its name"
else
    not_ok "the file that was looked at is loaded, by its descriptor and not by its name" \
        "$(grep 'file=.*dynamically loaded' "$work/loaded")"
fi
says 2 "-n: .many.: a decimal number" "a bad value is refused before the command runs" hello -n many
says 2 "too many arguments" "as are too many arguments" hello a b

# Installed below $work, the library is not where the program was told; beside the program it is found.
mkdir -m 755 "$work/together"
cp "$work/root/usr/local/sbin/xl-ext" "$work/root/usr/local/lib/libxlx.so.0" "$work/together/"
if "$work/together/xl-ext" hello | grep -q "hello world"; then
    ok "it runs in the installed program too"
else
    not_ok "it runs in the installed program too"
fi

build "$plugins/second.so" -DPLUGIN='"second"' -DCOMMAND='"hello2"'
build "$plugins/third.so" -DPLUGIN='"third"' -DCOMMAND='"hello3"'
says 0 "hello world" "of three plugins the first works" hello
says 0 "hello world" "and the second" hello2
says 0 "hello world" "and the third" hello3
build "$plugins/fails.so" -DPLUGIN='"fails"' -DCOMMAND='"hello4"' -DSTART_RC=ERROR_TIMEDOUT
says 3 "plugin fails could not start" "a plugin that cannot start does not run" hello4

# ---- what must be left out ----

rm "$plugins"/*.so
build "$plugins/hello.so"
build good.so -DPLUGIN='"bad"' -DCOMMAND='"bad"'

# left_out PATTERN NAME: bad.so is in the folder; its command must not be there, and the good one must.
left_out() {
    says 0 "plugin bad.so is left out: .*$1" "$2 is left out, and it is said why" help
    if "$tool" help 2>/dev/null | grep -q "^  bad "; then
        not_ok "the command of $2 is not there"
    else
        ok "the command of $2 is not there"
    fi
    rm -f "$plugins/bad.so"
}

cp good.so "$plugins/bad.so"
says 0 "^  bad " "the plugin of these tests is good as it is" help
chmod 666 "$plugins/bad.so"
left_out "others than its owner may write it" "a plugin that others may write"
cp good.so "$plugins/bad.so"
chmod 664 "$plugins/bad.so"
left_out "others than its owner may write it" "a plugin that a group may write"
ln -s "$work/good.so" "$plugins/bad.so"
left_out "symbolic links" "a symbolic link"
mkfifo "$plugins/bad.so"
left_out "not of the right type" "a pipe"
echo "no object" > "$plugins/bad.so"
left_out "" "a file that is no shared object"
build "$plugins/bad.so" -DPLUGIN='"bad"' -DCOMMAND='"bad"' -DABI=99
left_out "built for plugin interface 99" "a plugin for another interface"
build "$plugins/bad.so" -DPLUGIN='"bad"' -DCOMMAND='"bad"' -DSYMBOL=other
left_out "symbol xlx_plugin" "a plugin without its symbol"
build "$plugins/bad.so" -DPLUGIN='"bad"' -DCOMMAND='"mem-set"'
left_out "'mem-set' is taken" "a plugin with a command of ours"
build "$plugins/bad.so" -DPLUGIN='"example"' -DCOMMAND='"bad"'
says 0 "plugin hello.so is left out: the name 'example' is taken" "of two plugins with one name the second is left out" help
rm "$plugins/bad.so"
build "$plugins/bad.so" -DPLUGIN='"bad"' -DCOMMAND='"Bad"'
left_out "other characters" "a plugin with a faulty table"

if [ "$(id -u)" = 0 ]; then
    cp good.so "$plugins/bad.so"
    chown 65534 "$plugins/bad.so"
    left_out "does not belong to root" "a plugin of another user"
    chown 65534 "$plugins"
    says 0 "folder .* is left out: it does not belong to root" "a folder of another user is left out" help
    chown 0 "$plugins"
else
    skip "a plugin of another user is left out" "needs root"
fi
chmod 777 "$plugins"
says 0 "folder .* is left out: others" "a folder that others may write is left out" help
chmod 755 "$plugins"

# A program with more rights than its user must not load what the user names.
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
    cp "$XL_EXT" "$work/setuid"
    chmod 4755 "$work/setuid"
    chmod 755 "$work"
    output=$(PATH=/nonexistent "$(command -v setpriv)" --reuid=65534 --regid=65534 --clear-groups "$work/setuid" hello 2>&1)
    case $output in
        *"not a command of xl-ext"*) ok "a setuid program does not look into a folder from the environment" ;;
        *) not_ok "a setuid program does not look into a folder from the environment"; echo "# $output" ;;
    esac
else
    skip "a setuid program does not look into a folder from the environment" "needs root and setpriv"
fi
finish
