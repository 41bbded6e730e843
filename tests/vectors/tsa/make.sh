#!/usr/bin/env bash
# Makes the tokens of this directory anew, with OpenSSL 3: `tests/vectors/tsa/make.sh DIRECTORY`.
#
# They are over block 39 of tests/vectors/v1/plain. The keys are thrown away, so nobody can make others
# by the same certificates.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=$(mkdir -p "$1" && cd "$1" && pwd)
cargo run --release -p pow-cli -- stamp "$here/../v1/plain/run" --out "$out/head.header"
cd "$out"
conf=$here/openssl.cnf
keys=$(mktemp -d)
trap 'rm -rf "$keys"' EXIT
export SERIAL=$keys/serial
echo 01 >"$SERIAL"

request() { openssl req -config "$conf" -nodes -keyout "$keys/$1.key" "${@:2}"; }
certify() { # NAME ISSUER ISSUER_CERT EXTENSIONS
    openssl x509 -req -in "$keys/$1.csr" -CA "$3" -CAkey "$keys/$2.key" -out "$keys/$1.pem" -days 3650 \
        -extfile "$conf" -extensions "$4"
}

request root -x509 -newkey rsa:2048 -days 3650 -subj "/O=Vectors/CN=Root" -extensions ca -out root.pem
request middle -newkey ec -pkeyopt ec_paramgen_curve:P-384 -subj "/O=Vectors/CN=Middle" -out "$keys/middle.csr"
certify middle root root.pem ca
for name in rsa p256 p384; do
    case $name in
        rsa) key=(-newkey rsa:2048) ;;
        p256) key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256) ;;
        p384) key=(-newkey ec -pkeyopt ec_paramgen_curve:P-384) ;;
    esac
    request "$name" "${key[@]}" -subj "/O=Vectors/CN=TSA $name" -out "$keys/$name.csr"
done
certify rsa root root.pem tsa
certify p256 root root.pem tsa
certify p384 middle "$keys/middle.pem" tsa

answer() { # FILE NAME SECTION [OPTION...]
    openssl ts -reply -config "$conf" -section "$3" -queryfile head.header.tsq \
        -signer "$keys/$2.pem" -inkey "$keys/$2.key" -out "$1" "${@:4}"
}
answer rsa.tsr rsa sha512
answer p256.tsr p256 sha256
answer p384.tsr p384 sha384 -chain "$keys/middle.pem"
answer essv1.tsr p256 essv1
# A token alone, with RSA-PSS.
answer "$keys/plain.tok" rsa sha256 -token_out
at=$(openssl asn1parse -inform DER -in "$keys/plain.tok" | grep -m1 'OCTET STRING' | tr -d ' ' | cut -d: -f1)
openssl asn1parse -inform DER -in "$keys/plain.tok" -strparse "$at" -noout -out "$keys/info"
openssl cms -sign -binary -nodetach -nosmimecap -cades -md sha256 \
    -econtent_type 1.2.840.113549.1.9.16.1.4 -signer "$keys/rsa.pem" -inkey "$keys/rsa.key" \
    -keyopt rsa_padding_mode:pss -in "$keys/info" -outform DER -out pss.tsr
