/*
 * Whom a client trusts: a TLS context of our own, so that a CA that is given replaces the system's instead of adding to them.
 * Reference-counted; any thread. Host names and literal addresses are always checked against the certificate.
 */
#ifndef ACURAST_NET_TLS_H
#define ACURAST_NET_TLS_H

#include <acurast/status.h>

typedef struct acurast__tls acurast__tls;

/*
 * `ca_file` or `ca_pem` (the other "" or NULL), or neither for the system's roots: SSL_CERT_FILE if set, else the well-known bundles.
 * TLS where they cannot be read: `*detail` (static text) says why.
 */
acurast_status acurast__tls_client(const char *ca_file, const char *ca_pem, acurast__tls **tls, const char **detail);

void acurast__tls_release(acurast__tls *tls);

#endif
