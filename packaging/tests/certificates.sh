#!/bin/sh
# An authority of our own and its certificate for localhost:  packaging/tests/certificates.sh FOLDER   (ca.pem, cert.pem, key.pem)
set -eu
cd "$1"
new='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2'
openssl req -x509 $new -keyout ca-key.pem -out ca.pem -subj /CN=packaging 2>/dev/null
openssl req -x509 $new -keyout key.pem -out cert.pem -subj /CN=localhost -CA ca.pem -CAkey ca-key.pem \
    -addext subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1 -addext basicConstraints=critical,CA:FALSE 2>/dev/null
rm ca-key.pem
chmod 644 key.pem # it is read by other users in bare systems
