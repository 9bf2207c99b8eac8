/* Where this machine keeps the certificate authorities that its programs trust. */
#ifndef ACURAST_NET_CA_BUNDLE_H
#define ACURAST_NET_CA_BUNDLE_H

#include <stddef.h>

/*
 * At least one of `file` (certificates in PEM) and `folder` (one certificate a file, named by its hash, as c_rehash makes it), or
 * neither, and then `detail` is the text of an error that names every place. Nothing here is to be freed: a text is static,
 * or the environment's.
 */
typedef struct acurast__ca_bundle {
    const char *file;
    const char *folder;
    const char *detail;
} acurast__ca_bundle;

/*
 * What SSL_CERT_FILE and SSL_CERT_DIR name, where one of them is set; it is taken at its word, so that one that cannot be read is an
 * error, and no other authorities are trusted in its place. Else the first file of those that Linux distributions, macOS and
 * FreeBSD are known to have, if it can be read and is not empty. Any thread; it reads the environment.
 */
acurast__ca_bundle acurast__ca_bundle_find(void);

/* The same with `count` other places. */
acurast__ca_bundle acurast__ca_bundle_among(const char *const *places, size_t count);

/* What `detail` is: all of the known places. */
extern const char acurast__ca_bundle_missing[];

#endif
