#!/bin/sh
# smart-host-names-child.sh NODE: run by smart-host-names.test.ts in a mount and a network namespace of its own. Gives it a
# hosts file and the resolv.conf of a pod, and sends a message to each of some smart hosts.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
ip link set lo up
printf '127.0.0.1 localhost\n127.0.0.3 mail.corp.example\n' > "$folder/hosts"
printf 'nameserver 127.77.0.53\nsearch shop.svc.cluster.local svc.cluster.local\noptions ndots:5 timeout:1 attempts:1\n' \
  > "$folder/resolv.conf"
mount --bind "$folder/hosts" /etc/hosts
mount --bind "$folder/resolv.conf" /etc/resolv.conf
"$1" "$(dirname "$0")/smart-host-names-child.ts"
