/* The bundle of the library below is where it was built, and not here; so the places of all systems are looked into. */
#include "net/ca_bundle.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* In the order of how common they are; each is the concatenated PEM of its system. */
#define PLACES(X)                                                                                                      \
    X("/etc/ssl/certs/ca-certificates.crt")                /* Debian, Ubuntu, Alpine, Arch */                          \
    X("/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem") /* Fedora, RHEL */                                          \
    X("/etc/pki/tls/certs/ca-bundle.crt")                  /* the same, before Fedora 43 */                            \
    X("/etc/ssl/ca-bundle.pem")                            /* openSUSE */                                              \
    X("/etc/ssl/certs/ca-bundle.crt")                      /* NixOS */                                                 \
    X("/etc/ssl/cert.pem")                                 /* macOS, Alpine's base, the BSDs */                        \
    X("/usr/local/share/certs/ca-root-nss.crt")            /* FreeBSD */                                               \
    X("/opt/homebrew/etc/ca-certificates/cert.pem")        /* Homebrew on Apple's processors */                        \
    X("/usr/local/etc/ca-certificates/cert.pem")           /* Homebrew on Intel's */

#define ELEMENT(place) place,
#define WORD(place) ", " place

static const char *const known[] = {PLACES(ELEMENT)};
const char acurast__ca_bundle_missing[] =
    "no certificate authorities: looked for SSL_CERT_FILE, SSL_CERT_DIR" PLACES(WORD);

static const char *set(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

/* A bare system may have the file empty. */
static int holds_something(const char *file)
{
    struct stat found;
    return stat(file, &found) == 0 && S_ISREG(found.st_mode) && found.st_size > 0 && access(file, R_OK) == 0;
}

acurast__ca_bundle acurast__ca_bundle_among(const char *const *places, size_t count)
{
    acurast__ca_bundle bundle = {.file = set("SSL_CERT_FILE"), .folder = set("SSL_CERT_DIR")};
    if (bundle.file || bundle.folder)
        return bundle;
    for (size_t i = 0; i < count; i++)
        if (holds_something(places[i]))
            return (acurast__ca_bundle){.file = places[i]};
    return (acurast__ca_bundle){.detail = acurast__ca_bundle_missing};
}

acurast__ca_bundle acurast__ca_bundle_find(void)
{
    return acurast__ca_bundle_among(known, sizeof known / sizeof *known);
}
