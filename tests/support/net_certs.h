/* An authority and certificates of it, made on the spot in a folder of their own. */
#ifndef TESTS_SUPPORT_NET_CERTS_H
#define TESTS_SUPPORT_NET_CERTS_H

#include <stddef.h>

typedef struct authority {
    char folder[64];
    char file[96]; /* its certificate, PEM */
    char *pem;     /* the same as text */
    void *key;
    void *certificate;
} authority;

typedef struct leaf {
    char cert[128];
    char key[128];
} leaf;

void authority_make(authority *a);

/* A certificate for `names`, as OpenSSL writes them: "DNS:localhost,IP:127.0.0.1". `file`: its name in the folder, overwritten. */
leaf authority_sign(authority *a, const char *names, const char *file);

void authority_end(authority *a);

/*
 * One authority and one certificate of it, for localhost and 127.0.0.1, for all tests of a program: set-up and tear-down of its group.
 */
extern authority world_authority;
extern leaf world_certificate;
int world_certify(void **state);
int world_uncertify(void **state);

#endif
