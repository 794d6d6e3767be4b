#!/bin/bash
# An S3 server under the name, the arguments and the keys of Versity's gateway: Ceph's, which keeps in the volume what it
# has answered for, with a monitor and a disk of its own. Each directory in the volume is a bucket, as there.
#   versitygw --port :7070 posix /data
set -eu
port=${2#:} data=$4
home=$data/.ceph
export CEPH_CONF=/tmp/ceph.conf
mkdir -p "$home"
cat > $CEPH_CONF <<END
[global]
fsid = 6b0f4f3c-3e43-4f0c-9d53-0d5f6a7c1b11
mon host = [v2:127.0.0.1:3300]
mon initial members = a
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind msgr1 = false
keyring = $home/keyring
run dir = /tmp
admin socket =
pid file =
log file = /dev/null
log to stderr = false
mon data = $home/mon
osd data = $home/osd
osd objectstore = bluestore
bluestore block size = 4294967296
bluestore cache autotune = false
bluestore cache size = 33554432
osd memory target = 939524096
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
paxos propose interval = 0.01
paxos min wait = 0.01
rgw frontends = beast endpoint=0.0.0.0:$port tcp_nodelay=1
rgw data = /tmp/rgw
rgw thread pool size = 32
END
cd "$home"
if [ ! -e made ]; then
	rm -rf keyring monmap mon osd
	ceph-authtool -C keyring --gen-key -n mon. --cap mon 'allow *'
	ceph-authtool keyring --gen-key -n client.admin --cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *'
	ceph-authtool keyring --gen-key -n osd.0 --cap mon 'allow profile osd' --cap osd 'allow *'
	fsid=$(sed -n 's/^fsid = //p' $CEPH_CONF)
	monmaptool --create --fsid "$fsid" --addv a '[v2:127.0.0.1:3300]' monmap
	ceph-mon --mkfs -i a --monmap monmap --keyring keyring
fi
ceph-mon -i a -f &
if [ ! -e made ]; then
	osd=$(cat /proc/sys/kernel/random/uuid)
	ceph --connect-timeout 30 osd new "$osd"
	mkdir osd
	ceph-osd -i 0 --mkfs --osd-uuid "$osd"
fi
ceph-osd -i 0 -f &
if [ ! -e made ]; then
	radosgw-admin user create --uid root --display-name root \
		--access-key "$ROOT_ACCESS_KEY" --secret "$ROOT_SECRET_KEY" >/tmp/user
	touch made
fi
(
	until nc -z 127.0.0.1 "$port"; do sleep 0.2; done
	for bucket in "$data"/*/; do
		curl --silent --show-error --fail --request PUT --header x-amz-content-sha256:UNSIGNED-PAYLOAD \
			--aws-sigv4 aws:amz:us-east-1:s3 --user "$ROOT_ACCESS_KEY:$ROOT_SECRET_KEY" "http://127.0.0.1:$port/$(basename "$bucket")"
	done
) &
exec radosgw -n client.admin -f
