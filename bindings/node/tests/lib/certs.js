'use strict';
// A certificate authority of our own, and a certificate of it for this machine, made by openssl into a folder.

const { execFileSync } = require('node:child_process');
const path = require('node:path');

const openssl = (...words) => execFileSync('openssl', words, { stdio: 'pipe' });

/** Makes the authority `name` in `folder`, with one certificate for localhost, 127.0.0.1 and ::1; their paths. */
function authority(folder, name) {
  const at = (suffix) => path.join(folder, `${name}-${suffix}.pem`);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  openssl('req', '-x509', ...key, '-keyout', at('ca-key'), '-out', at('ca'), '-subj', `/CN=${name}`);
  const names = 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1';
  const signed = ['-CA', at('ca'), '-CAkey', at('ca-key'), '-addext', names, '-addext', 'basicConstraints=critical,CA:FALSE'];
  openssl('req', '-x509', ...key, '-keyout', at('key'), '-out', at('cert'), '-subj', '/CN=localhost', ...signed);
  return { ca: at('ca'), cert: at('cert'), key: at('key') };
}

module.exports = { authority };
