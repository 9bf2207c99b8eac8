/*
 * Whom a client trusts: a TLS context of our own, so that a CA that is given replaces the system's instead of adding to them.
 * Reference-counted; any thread. Host names and literal addresses are always checked against the certificate.
 */
#ifndef ACURAST_NET_TLS_H
#define ACURAST_NET_TLS_H

#include <acurast/status.h>

#include <openssl/ssl.h>

typedef struct acurast__tls acurast__tls;

/*
 * `ca_file` or `ca_pem` (the other "" or NULL), or neither for the system's roots, as net/ca_bundle.h finds them.
 * TLS where they cannot be read: `*detail` (static text) says why.
 */
acurast_status acurast__tls_client(const char *ca_file, const char *ca_pem, acurast__tls **tls, const char **detail);

/* One more reference. */
acurast__tls *acurast__tls_retain(const acurast__tls *tls);
void acurast__tls_release(acurast__tls *tls);

/* For one connection to that host, a name or a literal address. NULL without memory. */
SSL *acurast__tls_new(const acurast__tls *tls, const char *host);

#define ACURAST__TLS_PROBLEM_SIZE 128u

/*
 * Says what was wrong, where `ssl` has failed with `error` of OpenSSL's error queue; 0: the peer hung up. Before and after the handshake, since a TLS 1.3
 * service refuses a client behind it.
 */
void acurast__tls_explain(const SSL *ssl, unsigned long error, char problem[ACURAST__TLS_PROBLEM_SIZE]);

#endif
