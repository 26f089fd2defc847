#!/bin/bash
# Lets the kubelet register its Node with the startup taint, so that no pod comes before the node's pools do.
# Both places, because kubeadm's unit reads the one (rpm) or the other (deb), as its last arguments.
set -euo pipefail

TAINT='@taint@'
ROOT=${SPIDERPOOL_AWS_ROOT:-}
OPTION=--register-with-taints=

for file in "$ROOT/etc/sysconfig/kubelet" "$ROOT/etc/default/kubelet"; do
    args=$(sed -n 's/^KUBELET_EXTRA_ARGS=//p' "$file" 2>/dev/null | tail -n 1)
    args=${args#[\"\']} args=${args%[\"\']}
    case " $args" in
        *"$OPTION"*"$TAINT"*) continue ;;
        # Given twice, the last one would count alone.
        *" $OPTION"*) args=${args/"$OPTION"/"$OPTION$TAINT,"} ;;
        *) args=${args:+$args }$OPTION$TAINT ;;
    esac
    mkdir -p "${file%/*}"
    {
        grep -v '^KUBELET_EXTRA_ARGS=' "$file" 2>/dev/null || true
        echo "KUBELET_EXTRA_ARGS=\"$args\""
    } >"$file.new"
    mv "$file.new" "$file"
done
