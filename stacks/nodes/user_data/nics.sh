#!/bin/bash
# Names the NICs of the policy by their device index, and keeps pod addresses off the host: the first NIC has only its
# primary addresses, the others are up without any. It may run again at any time; a second run changes nothing.
# cloud-init runs it once for an instance, spiderpool-aws-nics.service at every boot and for a NIC attached later.
set -euo pipefail

# <device index>=<the host's name for it>, as the policy has them.
NICS='@nics@'
ROOT=${SPIDERPOOL_AWS_ROOT:-}
IMDS=${SPIDERPOOL_AWS_IMDS:-http://169.254.169.254}
CONFIG=$ROOT/etc/systemd/network
# It sorts before what netplan (10-), ec2-net-utils (70-) and the image (80-) have: networkd takes the first that fits.
OURS=05-spiderpool-aws
# ec2-net-utils gives the NIC at device index N the rules of this priority plus N.
RULE_BASE=10000

say() { echo "spiderpool-aws: $*" >&2; }
fail() { say "$*"; exit 1; }

imds() { curl -fsS --retry 10 --retry-connrefused -H "X-aws-ec2-metadata-token: $token" "$IMDS/latest/meta-data/$1"; }
of_mac() { imds "network/interfaces/macs/$1/$2" 2>/dev/null || true; }

# Only a NIC has a device behind it; an ipvlan child of the same MAC has none.
physical() { local nic; for nic in "$ROOT"/sys/class/net/*; do [ ! -e "$nic/device" ] || echo "${nic##*/}"; done; }
mac_of() { cat "$ROOT/sys/class/net/$1/address"; }
name_of() { local nic; for nic in $(physical); do [ "$(mac_of "$nic")" != "$1" ] || echo "$nic"; done; }

put() { # file; its text comes on the standard input
    local text
    text=$(cat)
    kept+=" $1"
    [ "$(cat "$1" 2>/dev/null || true)" != "$text" ] || return 0
    mkdir -p "${1%/*}"
    printf '%s\n' "$text" >"$1.new"
    mv "$1.new" "$1"
    changed=yes
}

# The host's own IPv6 address: what was chosen before, else the only one, else the one that EC2 marks as primary.
own_ipv6() { # MAC, file of the first run
    local listed before
    listed=$(of_mac "$1" ipv6s)
    before=$(sed -n 's,^Address=\(.*\)/128$,\1,p' "$2" 2>/dev/null || true)
    if [ -n "$before" ] && grep -qxF "$before" <<<"$listed"; then
        echo "$before"
    elif [ "$(grep -c . <<<"$listed")" -le 1 ]; then
        echo "$listed"
    else
        aws ec2 describe-network-interfaces --region "$(imds placement/region)" \
            --network-interface-ids "$(of_mac "$1" interface-id)" --output text \
            --query 'NetworkInterfaces[0].Ipv6Addresses[?IsPrimaryIpv6].Ipv6Address' ||
            say "EC2 did not say which IPv6 address is the host's own, so it gets none"
    fi
}

# The first NIC: DHCP gives the primary IPv4 address only, the IPv6 address is fixed for as long as the NIC is.
first_network() { # MAC
    local file=$CONFIG/$OURS-0.network ipv6
    ipv6=$(own_ipv6 "$1" "$file")
    put "$file" <<EOF
[Match]
PermanentMACAddress=$1
[Link]
MTUBytes=9001
[Network]
DHCP=ipv4
IPv6AcceptRA=yes
LLMNR=no
${ipv6:+Address=$ipv6/128}
[DHCPv4]
UseHostname=no
[IPv6AcceptRA]
UseAutonomousPrefix=no
DHCPv6Client=no
EOF
}

other_network() { # file, how to match
    put "$1" <<EOF
[Match]
$2
[Link]
MTUBytes=9001
RequiredForOnline=no
[Network]
DHCP=no
IPv6AcceptRA=no
LinkLocalAddressing=no
LLMNR=no
EOF
}

write_config() {
    local entry index mac
    for entry in $NICS; do
        index=${entry%%=*} mac=${mac_at[${entry%%=*}]:-}
        if [ -z "$mac" ]; then
            say "there is no NIC at device index $index (${entry#*=}) yet"
            continue
        fi
        put "$CONFIG/$OURS-$index.link" <<<"[Match]
PermanentMACAddress=$mac
[Link]
Name=${entry#*=}"
        if [ "$index" = 0 ]; then first_network "$mac"; else
            other_network "$CONFIG/$OURS-$index.network" "PermanentMACAddress=$mac"
        fi
    done
    # A NIC that the policy does not name, or not yet: no second default route. A file 04-*.network wins over this one.
    other_network "$CONFIG/${OURS/05/06}-others.network" 'Driver=ena ixgbevf vif'
    for entry in "$CONFIG/$OURS-"*; do
        # From an image that was made of another node.
        [ ! -e "$entry" ] || [[ $kept == *" $entry"* ]] || { rm -f "$entry"; changed=yes; }
    done
}

mask_units() { # The units of ec2-net-utils that put every address of a NIC on the host, at boot and once a minute.
    local unit
    for unit in policy-routes@.service refresh-policy-routes@.service refresh-policy-routes@.timer; do
        [ "$(readlink "$ROOT/etc/systemd/system/$unit" || true)" = /dev/null ] && continue
        mkdir -p "$ROOT/etc/systemd/system"
        ln -sfn /dev/null "$ROOT/etc/systemd/system/$unit"
        systemctl stop "${unit/@/@*}" || true
        changed=yes
    done
}

rename() { # from, to: the kernel renames a NIC only while it is down, and to no name that is somebody's second one
    local nic
    say "the NIC $1 becomes $2"
    for nic in $(physical); do ip link property del dev "$nic" altname "$2" 2>/dev/null || true; done
    ip link set dev "$1" down
    ip link set dev "$1" name "$2"
    ip link set dev "$2" up
    changed=yes
}

rename_nics() {
    local entry mac nic
    for entry in $NICS; do
        # Whoever has the name and is not at the index makes room first: two NICs may have to change places.
        nic=${entry#*=} mac=${mac_at[${entry%%=*}]:-}
        [ ! -e "$ROOT/sys/class/net/$nic/device" ] || [ "$(mac_of "$nic")" = "$mac" ] || rename "$nic" "spare${entry%%=*}"
    done
    for entry in $NICS; do
        mac=${mac_at[${entry%%=*}]:-}
        [ -n "$mac" ] || continue
        nic=$(name_of "$mac")
        [ -n "$nic" ] || fail "the kernel has no NIC with the MAC $mac of device index ${entry%%=*}"
        [ "$nic" = "${entry#*=}" ] || rename "$nic" "${entry#*=}"
    done
}

drop_addresses() { # NIC, the addresses that may stay
    local address
    for address in $(ip -o address show dev "$1" scope global | awk '{print $4}'); do
        [[ " ${*:2} " == *" ${address%%/*} "* ]] || ip address del "$address" dev "$1"
    done
}

wait_for_dhcp() { # NIC
    local tries=60
    until ip -o -4 address show dev "$1" scope global | grep -q . || [ $((tries--)) = 0 ]; do sleep 1; done
}

apply() {
    local entry index family
    # Reload before the restart: networkd takes back what it made for the old configuration only while it remembers it.
    networkctl reload
    systemctl daemon-reload
    for entry in $NICS; do
        [ -z "${mac_at[${entry%%=*}]:-}" ] || networkctl reconfigure "${entry#*=}"
    done
    systemctl restart systemd-networkd
    for entry in $NICS; do
        index=${entry%%=*}
        [ -n "${mac_at[$index]:-}" ] || continue
        for family in -4 -6; do
            while ip $family rule del pref $((RULE_BASE + index)) 2>/dev/null; do :; done
        done
        if [ "$index" = 0 ]; then
            wait_for_dhcp "${entry#*=}"
            drop_addresses "${entry#*=}" "$primary" "$(sed -n 's,^Address=\(.*\)/128$,\1,p' "$CONFIG/$OURS-0.network")"
        else
            # networkd leaves alone what it did not configure itself.
            drop_addresses "${entry#*=}"
            for family in -4 -6; do ip $family route flush table all dev "${entry#*=}" || true; done
        fi
    done
}

find_nics() { # The metadata may be seconds behind the kernel when a NIC was attached.
    local macs mac nic unknown tries=30
    while :; do
        macs=$(imds network/interfaces/macs/)
        unknown=
        for nic in $(physical); do grep -q "^$(mac_of "$nic")/\?$" <<<"$macs" || unknown=$nic; done
        [ -n "$unknown" ] && [ $((tries--)) -gt 0 ] || break
        sleep 1
    done
    [ -z "$unknown" ] || say "the instance metadata does not name the NIC $unknown: it is left as it is"
    for mac in $macs; do
        mac=${mac%/}
        # A device index is one of a network card; the policy means card 0, of which older metadata say nothing.
        nic=$(of_mac "$mac" network-card)
        [ "${nic:-0}" != 0 ] || mac_at[$(of_mac "$mac" device-number)]=$mac
    done
}

mkdir -p "$ROOT/run/spiderpool-aws"
exec 9>"$ROOT/run/spiderpool-aws/nics.lock"
flock 9
systemctl is-active --quiet systemd-networkd ||
    fail "systemd-networkd does not run here: set up the NICs yourself, then create /run/spiderpool-aws/nics-ready"
token=$(curl -fsS --retry 10 --retry-connrefused -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 300' \
    "$IMDS/latest/api/token") || fail "the instance metadata do not answer"
primary=$(imds local-ipv4)
declare -A mac_at=()
changed='' kept=''
find_nics
[ -n "${mac_at[0]:-}" ] || fail "the instance metadata name no NIC at device index 0"
# A policy without index 0 leaves that NIC its name.
[[ " $NICS" == *" 0="* ]] || NICS="0=$(name_of "${mac_at[0]}") $NICS"
write_config
mask_units
rename_nics
[ -z "$changed" ] || apply
touch "$ROOT/run/spiderpool-aws/nics-ready"
say "the NICs are set up: $NICS"
