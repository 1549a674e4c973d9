#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The host is booted twice. Of the first boot only /etc and /var/lib reach the second, on a drive with a filesystem, whose power is cut:
# what was only on its way to the drive is lost. xenstore and /run start empty, and domains get other UUIDs. Everything is balanced as before.
# timeout: 900

. tests/lib/live.sh

# The drive, in place of both folders.
cat > "$scratch/drive-in-place" << 'END'
modprobe -a loop ext4
mkdir -p /mnt/drive /etc/xl-ext
mount -o loop /root/drive /mnt/drive || exit 125
if [ ! -d /mnt/drive/lib ]; then
    mkdir /mnt/drive/lib /mnt/drive/xl-ext
    cp -a /etc/xen /mnt/drive/
    cp -a /var/lib/xen /mnt/drive/lib/
    sync
fi
mount --bind /mnt/drive/xl-ext /etc/xl-ext && mount --bind /mnt/drive/xen /etc/xen && mount --bind /mnt/drive/lib /var/lib || exit 125
END
cat - "$scratch/drive-in-place" > "$scratch/first" << 'END'
#!/bin/sh
truncate -s 64M /root/drive
mkfs.ext4 -q /root/drive || exit 125
END
cat >> "$scratch/first" << 'END'
printf 'name = "mail"\ndynamic_memory_min = 170\nmemory_weight = 99\n' > /etc/xen/mail.cfg
sync
xl-ext memd > /root/memd.log 2>&1 &
for try in $(seq 100); do [ -S /run/xl-ext/control.sock ] && break; sleep 0.2; done
for name in web db; do
    lab-puppet start $name 200 400 instant || exit 125
done
xl-ext mem-range --save web 150 300 200 || exit 1
xl-ext mem-range --save --lend 25% db 160 400 || exit 1
xl-ext mem-range web 155 310   # not saved
cat /etc/xl-ext/ranges.cfg
END
{
    echo '#!/bin/sh'
    cat "$scratch/drive-in-place"
} > "$scratch/second"
cat >> "$scratch/second" << 'END'
xenstore-exists /local/domain/0/xl-ext/range && echo "xenstore is not empty"
ls /run/xl-ext/control.sock 2> /dev/null
xl-ext memd > /root/memd.log 2>&1 &
for try in $(seq 100); do [ -S /run/xl-ext/control.sock ] && break; sleep 0.2; done
for name in web db mail; do
    lab-puppet start $name 200 400 instant || exit 125
    for try in $(seq 50); do
        xl-ext mem-why --json $name > /root/why && [ "$(jq .managed /root/why)" = true ] && break
        sleep 0.2
    done
    jq -r '[.name, .range_source, .min_memkb / 1024, .max_memkb / 1024, .weight] | join(" ")' /root/why
done
lab-puppet stats web total-memory=209715200 available-memory=157286400
lab-puppet stats db total-memory=209715200 available-memory=0
for try in $(seq 100); do
    [ "$(xenstore-read "/local/domain/$(xl domid db)/memory/target")" -gt $((210 * 1024)) ] && echo "db grows" && break
    sleep 0.2
done
sed 's/^/memd: /' /root/memd.log
END
timeout 400 lab/xen-lab run --timeout 200 --fetch /root/drive:"$scratch/drive" "$scratch/first" > "$scratch/out" 2> "$scratch/err"
equal 0 $? "the first boot: ranges are saved" || tail "$scratch/err"
equal 'web = "min=150 max=300 weight=200"
db = "min=160 max=400 lend=25%"' "$(cat "$scratch/out")" "by name, in one file"
timeout 400 lab/xen-lab run --timeout 200 --copy "$scratch/drive":/root/drive "$scratch/second" > "$scratch/out" 2> "$scratch/err"
equal 0 $? "the second boot comes to its end" || tail "$scratch/err"
sed 's/^/# /' "$scratch/out"
check "web has the range that was saved, not the one of the moment" grep -qx "web ranges.cfg 150 300 200" "$scratch/out"
check "db has its own" grep -qx "db ranges.cfg 160 400 256" "$scratch/out"
check "mail has that of its configuration, without having been started by xl-ext" \
    grep -qx "mail config_dirs 170 400 99" "$scratch/out"
check "and memory moves to who needs it" grep -qx "db grows" "$scratch/out"
finish
