/*
 * The certificate of a service with its key, read once: what is in use was tried, whatever becomes of the files meanwhile. Any thread.
 */
#ifndef ACURAST_NET_CERTIFICATE_H
#define ACURAST_NET_CERTIFICATE_H

#include <stddef.h>
#include <stdint.h>

/* OpenSSL's SSL_CTX. */
typedef struct ssl_ctx_st acurast__certificate;

/*
 * Reads and checks a certificate chain and its key, both PEM files. The caller releases it; NULL with a text in `detail` where they do not fit. Takes
 * as long as the files do.
 */
acurast__certificate *acurast__certificate_read(const char *cert, const char *key, char *detail, size_t detail_size);
void acurast__certificate_release(acurast__certificate *certificate);

/* Of the first of the chain. */
typedef struct acurast__certificate_facts {
    int64_t not_after; /* the end of its time, in seconds since 1970 */
    char serial[48];   /* in hex, as its authority knows it; 20 bytes at most (RFC 5280) */
} acurast__certificate_facts;

acurast__certificate_facts acurast__certificate_describe(const acurast__certificate *certificate);

#endif
