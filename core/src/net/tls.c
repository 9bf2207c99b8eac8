/*
 * Trust of clients. libwebsockets would add a given CA to the system's, so the TLS context is ours; each loop that
 * uses it wraps it in a vhost of its own, kept while any connection needs it.
 */
#include "net/tls_internal.h"

#include "base/memory.h"
#include "net/callback.h"
#include "net/lws.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct acurast__tls {
    atomic_uint references;
    SSL_CTX *context;
};

/* What a vhost's user pointer points to. */
typedef struct trust {
    acurast__list link; /* in loop->trusts */
    acurast__tls *tls;  /* NULL: plain */
    struct lws_vhost *vhost;
    size_t users;
} trust;

static const char *const bundles[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
};

static bool load_file(SSL_CTX *context, const char *file)
{
    return SSL_CTX_load_verify_locations(context, file, NULL) == 1;
}

static bool load_system(SSL_CTX *context)
{
    const char *file = getenv("SSL_CERT_FILE");
    if (file && *file)
        return load_file(context, file);
    for (size_t i = 0; i < sizeof bundles / sizeof *bundles; i++)
        if (access(bundles[i], R_OK) == 0 && load_file(context, bundles[i]))
            return true;
    return SSL_CTX_set_default_verify_paths(context) == 1;
}

static bool load_pem(SSL_CTX *context, const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509_STORE *store = SSL_CTX_get_cert_store(context);
    size_t loaded = 0;
    X509 *certificate;
    while (bio && (certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
        loaded += X509_STORE_add_cert(store, certificate) == 1;
        X509_free(certificate);
    }
    BIO_free(bio);
    ERR_clear_error(); /* the end of the text is an error to OpenSSL */
    return loaded > 0;
}

static bool given(const char *text)
{
    return text && *text;
}

static const char *load_trust(SSL_CTX *context, const char *ca_file, const char *ca_pem)
{
    if (given(ca_file) && given(ca_pem))
        return "ca-file and ca-pem cannot be given together";
    if (given(ca_file))
        return load_file(context, ca_file) ? NULL : "ca-file cannot be read as PEM certificates";
    if (given(ca_pem))
        return load_pem(context, ca_pem) ? NULL : "ca-pem holds no PEM certificate";
    return load_system(context) ? NULL : "the system's certificate authorities cannot be read";
}

static SSL_CTX *new_context(void)
{
    static const unsigned char alpn[] = "\x08http/1.1";
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (!context)
        return NULL;
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_mode(context,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_alpn_protos(context, alpn, sizeof alpn - 1);
    return context;
}

acurast_status acurast__tls_client(const char *ca_file, const char *ca_pem, acurast__tls **out, const char **detail)
{
    *detail = "out of memory";
    if (!acurast__lws_tls_ready())
        return ACURAST_NO_MEMORY;
    acurast__tls *tls = acurast__alloc_zero(sizeof *tls);
    if (!tls)
        return ACURAST_NO_MEMORY;
    atomic_init(&tls->references, 1);
    tls->context = new_context();
    *detail = tls->context ? load_trust(tls->context, ca_file, ca_pem) : "out of memory";
    ERR_clear_error();
    if (*detail) {
        acurast__tls_release(tls);
        return ACURAST_TLS;
    }
    *out = tls;
    return ACURAST_OK;
}

acurast__tls *acurast__tls_retain(const acurast__tls *tls)
{
    acurast__tls *mutable = (acurast__tls *)(uintptr_t)tls;
    if (mutable)
        atomic_fetch_add(&mutable->references, 1);
    return mutable;
}

void acurast__tls_release(acurast__tls *tls)
{
    if (!tls || atomic_fetch_sub(&tls->references, 1) != 1)
        return;
    SSL_CTX_free(tls->context);
    acurast__free(tls);
}

/* ---- vhosts ---- */

static struct lws_vhost *create_vhost(acurast__loop *loop, const acurast__tls *tls)
{
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .protocols = acurast__protocols,
        .vhost_name = tls ? "acurast-client-tls" : "acurast-client",
        .retry_and_idle_policy = &acurast__no_lws_policy,
    };
    if (tls) {
        info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
        info.provided_client_ssl_ctx = tls->context;
    }
    return acurast__lws_vhost(loop->lws, &info);
}

struct lws_vhost *acurast__tls_vhost(acurast__loop *loop, const acurast__tls *tls)
{
    trust *t = NULL;
    for (acurast__list *at = loop->trusts.next; at != &loop->trusts; at = at->next) {
        t = ACURAST__CONTAINER(at, trust, link);
        if (t->tls == tls) {
            t->users++;
            return t->vhost;
        }
    }
    t = acurast__alloc_zero(sizeof *t);
    if (!t)
        return NULL;
    t->vhost = create_vhost(loop, tls);
    if (!t->vhost) {
        acurast__free(t);
        return NULL;
    }
    t->tls = acurast__tls_retain(tls);
    t->users = 1;
    acurast__list_append(&loop->trusts, &t->link);
    return t->vhost;
}

void acurast__tls_vhost_let(acurast__loop *loop, struct lws_vhost *vhost)
{
    for (acurast__list *at = loop->trusts.next; at != &loop->trusts; at = at->next) {
        trust *t = ACURAST__CONTAINER(at, trust, link);
        if (t->vhost == vhost) {
            t->users--;
            loop->sweep |= !t->users && t->tls;
            return;
        }
    }
}

void acurast__tls_vhosts_sweep(acurast__loop *loop, bool all)
{
    loop->sweep = false;
    for (acurast__list *at = loop->trusts.next, *next; at != &loop->trusts; at = next) {
        next = at->next;
        trust *t = ACURAST__CONTAINER(at, trust, link);
        if (!all && (t->users || !t->tls))
            continue;
        acurast__list_remove(at);
        if (!all)
            lws_vhost_destroy(t->vhost);
        acurast__tls_release(t->tls);
        acurast__free(t);
    }
}
