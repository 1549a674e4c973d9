#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A dom0 that has the Debian packages: all of what is in them lies there, "make install" has put down nothing, and tool and
# daemon work from there. (make check-all runs all live tests on such a dom0.)
# timeout: 1200

. tests/lib/live.sh

# A first run makes them.
printf '#!/bin/sh\n' > "$scratch/nothing"
check "packages are made and unpacked" lab/xen-lab run --packages "$scratch/nothing"
for package in build/deb/"${XL_EXT_RELEASE:-$(. /etc/os-release && echo "$VERSION_CODENAME")}"/{xl-ext,libxlx0}_*.deb; do
    dpkg-deb --control "$package" "$scratch/control" && cat "$scratch/control/md5sums"
done > "$scratch/md5sums"
check "they say what is in them" grep -q ' usr/sbin/xl-ext$' "$scratch/md5sums"

cat > "$scratch/look" << 'END'
#!/bin/sh
exec 2>&1
command -v xl-ext
ls -d /usr/local/sbin/xl-ext /usr/local/lib/libxlx* /usr/local/lib/xl-ext 2> /dev/null
(cd / && md5sum --quiet -c /root/md5sums) && echo "all files are there"
xl-ext memd > /root/memd.log 2>&1 &
for try in $(seq 100); do [ -S /run/xl-ext/control.sock ] && break; sleep 0.2; done
[ -S /run/xl-ext/control.sock ] && echo "memd serves"
lab-puppet start web 200 400 instant
xl-ext mem-set -w web 160 > /dev/null && xenstore-read "/local/domain/$(xl domid web)/memory/target"
lab-guest create --agent pv db 160 160 && lab-guest exec db pidof xl-ext-agent > /dev/null && echo "a guest has the agent"
END
out=$(lab/xen-lab run --packages --copy "$scratch/md5sums:/root/md5sums" "$scratch/look" 2> "$scratch/err")
equal "/usr/sbin/xl-ext
all files are there
memd serves
163840
a guest has the agent" "$out" "all of them is in dom0, nothing else is, and it works"
finish
