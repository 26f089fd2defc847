#!/bin/bash
# Runs the user's own script that joins the cluster, from an SSM parameter. Until it is there it is looked for every
# minute; it runs once. cloud-init runs this once for an instance, spiderpool-aws-join.timer again while there is cause.
set -euo pipefail
umask 077

PARAMETER='@parameter@'
# For what takes the taint in another way than kubeadm's kubelet does, e.g. `--node-taint` of k3s.
export SPIDERPOOL_AWS_STARTUP_TAINT='@taint@'
ROOT=${SPIDERPOOL_AWS_ROOT:-}
IMDS=${SPIDERPOOL_AWS_IMDS:-http://169.254.169.254}
STARTED=$ROOT/var/lib/cloud/instance/spiderpool-aws-join-started
RUN=$ROOT/run/spiderpool-aws

say() { echo "spiderpool-aws: $*" >&2; }
look_again() {
    say "$*"
    say "This node has not joined a cluster. It looks again every minute."
    systemctl enable --now --no-block spiderpool-aws-join.timer
    exit 0
}

[ ! -e "$STARTED" ] || { systemctl disable --now --no-block spiderpool-aws-join.timer; exit 0; }
# cloud-init runs the NICs' script once and does not mind if it fails; its unit tries it again.
[ -e "$RUN/nics-ready" ] || {
    systemctl start --no-block spiderpool-aws-nics
    look_again "The NICs are not set up: see /var/log/cloud-init-output.log and journalctl -u spiderpool-aws-nics," \
        "which tries it again."
}
command -v aws >/dev/null || look_again "This image has no AWS CLI, with which the parameter $PARAMETER is read."
token=$(curl -fsS --retry 10 --retry-connrefused -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 300' \
    "$IMDS/latest/api/token") || look_again "The instance metadata do not answer."
region=$(curl -fsS --retry 10 --retry-connrefused -H "X-aws-ec2-metadata-token: $token" \
    "$IMDS/latest/meta-data/placement/region") || look_again "The instance metadata do not answer."

if ! aws ssm get-parameter --region "$region" --name "$PARAMETER" --with-decryption \
    --query Parameter.Value --output text >"$RUN/join" 2>"$RUN/join.error"; then
    grep -q ParameterNotFound "$RUN/join.error" ||
        look_again "The SSM parameter $PARAMETER could not be read: $(tail -n 1 "$RUN/join.error")"
    look_again "There is no SSM parameter $PARAMETER. Put the script that joins a node there:" \
        "aws ssm put-parameter --region $region --type SecureString --name $PARAMETER --value file://join.sh"
fi

touch "$STARTED"
trap 'rm -f "$RUN/join"' EXIT
systemctl disable --now --no-block spiderpool-aws-join.timer
bash "$RUN/join" || { rc=$? && say "The script of $PARAMETER failed with exit code $rc; what it said is above." \
    "To run it again: rm $STARTED && systemctl start spiderpool-aws-join" && exit $rc; }
say "The script of $PARAMETER has ended well."
