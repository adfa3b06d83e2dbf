#!/usr/bin/env bash
# Makes the time stamps of this folder anew with openssl: three authorities, each with a root, a certificate between and one that stamps.
# What is stamped is `data`. Their keys are thrown away.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf 'cctv.example.gov.uk/hub/1\n5\nwT+136BFZ0WxpMPnlFuuZU1qtEzdHeDfDai9ed2YbUw=\n' >data
# NAME KEY-ALGORITHM KEY-OPTION HASH ESS-HASH
authority() {
    local name=$1 kind=$2 option=$3 hash=$4 ess=$5 w=$work/$1
    mkdir "$w"
    cat >"$w/cnf" <<CNF
[req]
distinguished_name=dn
prompt=no
[dn]
CN=Test
[root]
basicConstraints=critical,CA:TRUE
[between]
basicConstraints=critical,CA:TRUE
[leaf]
basicConstraints=CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=critical,timeStamping
[tsa]
default_tsa=t1
[t1]
serial=$w/serial
crypto_device=builtin
signer_cert=$w/leaf.pem
certs=$w/chain.pem
signer_key=$w/leaf.key
signer_digest=$hash
default_policy=1.2.3.4.1
digests=sha256
accuracy=secs:1
ordering=yes
tsa_name=yes
ess_cert_id_chain=no
ess_cert_id_alg=$ess
CNF
    echo 01 >"$w/serial"
    for one in root between leaf; do
        openssl genpkey -quiet -algorithm "$kind" -pkeyopt "$option" -out "$w/$one.key" 2>/dev/null
        openssl req -new -key "$w/$one.key" -subj "/O=Beadle tests/CN=$name $one" -config "$w/cnf" -out "$w/$one.csr"
    done
    openssl x509 -req -in "$w/root.csr" -signkey "$w/root.key" -days 36500 -"$hash" -extfile "$w/cnf" -extensions root -out "$w/root.pem" 2>/dev/null
    openssl x509 -req -in "$w/between.csr" -CA "$w/root.pem" -CAkey "$w/root.key" -set_serial 2 -days 36500 -"$hash" -extfile "$w/cnf" -extensions between -out "$w/between.pem" 2>/dev/null
    openssl x509 -req -in "$w/leaf.csr" -CA "$w/between.pem" -CAkey "$w/between.key" -set_serial 3 -days 36500 -"$hash" -extfile "$w/cnf" -extensions leaf -out "$w/leaf.pem" 2>/dev/null
    # The signer's own certificate is put in by openssl itself.
    cp "$w/between.pem" "$w/chain.pem"
    cp "$w/root.pem" "$name.pem"
    openssl ts -query -data data -sha256 -cert -out "$w/query" 2>/dev/null
    openssl ts -reply -config "$w/cnf" -queryfile "$w/query" -out "$name.tsr" 2>/dev/null
    openssl ts -verify -data data -in "$name.tsr" -CAfile "$name.pem"
}
authority rsa RSA rsa_keygen_bits:2048 sha256 sha256
authority p256 EC ec_paramgen_curve:P-256 sha256 sha1
authority p384 EC ec_paramgen_curve:P-384 sha384 sha384
