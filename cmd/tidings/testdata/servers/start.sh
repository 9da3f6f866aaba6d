#!/usr/bin/env bash
# Runs real mail servers: Postfix, which verifies DKIM with OpenDKIM, and OpenSMTPD. Both hand over to Dovecot, where the mail can be
# read by IMAP. They use no DNS. All that they write is below DIR; no file of the system is changed. It has to be run by root.
#
#   start.sh DIR ADDRESS     a folder that every user can enter, and an address in 127.0.0.0/8
#
# DIR has to hold two files:
#   people   the addresses that have a mailbox, one a line
#   keys     public keys for OpenDKIM's TestPublicKeys, one a line: name in DNS, space, record
#
# Ports: 10587 Postfix, with STARTTLS by DIR/cert.pem and a login; 10025 OpenSMTPD; 10143 IMAP; 10024 LMTP. To log in, any name will do,
# with the password "secret". The logs are DIR/*.log. The servers run until standard input ends, for five minutes at most, or until SIGTERM.
set -euo pipefail
umask 022

dir=$1 address=$2
here=$(cd "$(dirname "$0")" && pwd)
root=$dir/opensmtpd # what OpenSMTPD takes for /

# place writes a template of this folder to a file.
place() { sed "s|@DIR@|$dir|g; s|@ADDRESS@|$address|g" "$here/$1" >"$2"; }

certificate() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$address" -addext "subjectAltName=IP:$address" \
    -keyout "$dir/key.pem" -out "$dir/cert.pem"
}

prepare_postfix() {
  mkdir "$dir/postfix" "$dir/queue"
  install -d -o postfix "$dir/postfix-data"
  place main.cf "$dir/postfix/main.cf"
  place master.cf "$dir/postfix/master.cf"
  sed 's/$/ mailbox/' "$dir/people" >"$dir/postfix/people"
  postfix -c "$dir/postfix" check 2>"$dir/postfix-check.log"
}

prepare_opendkim() {
  install -d -o opendkim "$dir/opendkim"
  place opendkim.conf "$dir/opendkim/opendkim.conf"
}

prepare_dovecot() {
  mkdir "$dir/dovecot"
  install -d -o mail -g mail "$dir/mail"
  place dovecot.conf "$dir/dovecot/dovecot.conf"
  sed 's/$/:::::::/' "$dir/people" >"$dir/dovecot/people"
}

# OpenSMTPD's paths are fixed when it is built, so it gets a root of its own, with its users and the libraries that it needs.
prepare_opensmtpd() {
  local program
  program=$(command -v smtpd)
  mkdir -p "$root"/{etc,run,usr/sbin,var/lib/opensmtpd/empty,var/spool}
  mkdir -m 711 "$root/var/spool/smtpd"
  ln -s ../run "$root/var/run"
  ldd "$program" | grep -o '/[^ ]*' | xargs cp -L --parents -t "$root"
  cp "$program" "$root/usr/sbin/smtpd"
  printf '%s\n' root:x:0:0::/:/ opensmtpd:x:901:901::/:/ opensmtpq:x:902:902::/:/ >"$root/etc/passwd"
  printf '%s\n' root:x:0: opensmtpd:x:901: opensmtpq:x:902: >"$root/etc/group"
  echo "$address" mx.example.net >"$root/etc/hosts"
  place smtpd.conf "$root/etc/smtpd.conf"
  cp "$dir/people" "$root/etc/people"
}

# await waits for a socket.
await() {
  for _ in {1..200}; do
    [ -S "$1" ] && return
    sleep 0.05
  done
  echo "$1 does not appear" >&2
  exit 1
}

# stop ends the servers and waits until they are gone.
stop() {
  trap - EXIT TERM INT
  kill "${pids[@]}" 2>/dev/null || true
  wait
}

certificate
prepare_postfix
prepare_opendkim
prepare_dovecot
prepare_opensmtpd

pids=()
trap stop EXIT
trap 'exit 143' TERM INT
dovecot -F -c "$dir/dovecot/dovecot.conf" </dev/null 2>"$dir/dovecot-start.log" & pids+=($!)
opendkim -f -x "$dir/opendkim/opendkim.conf" </dev/null 2>"$dir/opendkim.log" & pids+=($!)
await "$dir/dovecot/login"
await "$dir/opendkim/socket"
"$(postconf -dh daemon_directory)/master" -c "$dir/postfix" -s </dev/null 2>"$dir/postfix-start.log" & pids+=($!)
chroot "$root" /usr/sbin/smtpd -d </dev/null >"$dir/opensmtpd.log" 2>&1 & pids+=($!)
read -r -t 300 || true
