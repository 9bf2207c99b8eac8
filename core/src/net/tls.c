/* A client's side of TLS: whom it trusts, whom it expects, and what to say where that fails. */
#include "net/tls.h"

#include "base/memory.h"
#include "base/text.h"
#include "net/address.h"
#include "net/ca_bundle.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

struct acurast__tls {
    atomic_uint references;
    SSL_CTX *context;
};

static bool load_file(SSL_CTX *context, const char *file)
{
    return SSL_CTX_load_verify_locations(context, file, NULL) == 1;
}

/* NULL, or what is wrong. */
static const char *load_system(SSL_CTX *context)
{
    acurast__ca_bundle bundle = acurast__ca_bundle_find();
    if (bundle.detail)
        return bundle.detail;
    return SSL_CTX_load_verify_locations(context, bundle.file, bundle.folder) == 1
               ? NULL
               : "what SSL_CERT_FILE or SSL_CERT_DIR names, or the system's bundle, cannot be read";
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
    return load_system(context);
}

/* There is never one to be given, but it is good to know that it was asked for. */
static int on_certificate_wanted(SSL *ssl, X509 **certificate, EVP_PKEY **key)
{
    (void)certificate, (void)key;
    SSL_set_app_data(ssl, ssl);
    return 0;
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
    /* Of TLS 1.2: each takes as long as the first handshake, and nothing can be sent meanwhile. */
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_client_cert_cb(context, on_certificate_wanted);
    SSL_CTX_set_alpn_protos(context, alpn, sizeof alpn - 1);
    return context;
}

acurast_status acurast__tls_client(const char *ca_file, const char *ca_pem, acurast__tls **out, const char **detail)
{
    *detail = "out of memory";
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

/* ---- one connection ---- */

/*
 * The dot that may end a name in the DNS is no part of the name that a certificate has. OpenSSL takes any certificate for an empty name, and for one
 * that begins with a dot those of all hosts below it.
 */
static bool expect_name(SSL *ssl, const char *host)
{
    char name[256];
    size_t size = strlen(host);
    if (size && host[size - 1] == '.')
        size--;
    if (size >= sizeof name || !size || *host == '.')
        return false;
    memcpy(name, host, size);
    name[size] = 0;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set_tlsext_host_name(ssl, name) == 1 && SSL_set1_host(ssl, name) == 1;
}

static bool expect(SSL *ssl, const char *host)
{
    acurast__address address;
    if (acurast__address_parse(&address, host))
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
    return expect_name(ssl, host);
}

SSL *acurast__tls_new(const acurast__tls *tls, const char *host)
{
    SSL *ssl = SSL_new(tls->context);
    if (!ssl || !expect(ssl, host)) {
        SSL_free(ssl);
        ERR_clear_error();
        return NULL;
    }
    SSL_set_connect_state(ssl);
    return ssl;
}

/* ---- what was wrong ---- */

static const char *certificate_problem(long result)
{
    switch (result) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return "the certificate has expired, or this machine's clock is wrong";
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return "the certificate is not valid yet, or this machine's clock is wrong";
    case X509_V_ERR_HOSTNAME_MISMATCH:
        return "the certificate is for another host";
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return "the certificate is not for this address";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        return "the certificate is signed by itself: if it is meant, give it as ca-file";
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        return "the certificate is signed by an unknown authority: if it is meant, give it as ca-file";
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        return "the certificate is signed by an unknown authority, or came without its intermediate one";
    default:
        return X509_verify_cert_error_string(result);
    }
}

/* A fatal alert of the peer's (RFC 8446, 6.2). */
static const char *alert_problem(const SSL *ssl, int alert)
{
    bool wanted = SSL_get_app_data(ssl) != NULL;
    switch (alert) {
    case SSL_AD_PROTOCOL_VERSION:
        return "the service speaks no version of TLS from 1.2 on";
    case SSL_AD_UNRECOGNIZED_NAME:
        return "the service does not know this host name";
    case SSL_AD_CERTIFICATE_REQUIRED:
        return "the service wants a client certificate";
    case SSL_AD_HANDSHAKE_FAILURE:
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_ACCESS_DENIED:
        return wanted ? "the service wants a client certificate" : NULL;
    default:
        return NULL;
    }
}

static const char *library_problem(unsigned long error)
{
    const char *words = ERR_reason_error_string(error);
    return words ? words : "TLS has failed";
}

static bool is_old_version(int reason)
{
    return reason == SSL_R_UNSUPPORTED_PROTOCOL || reason == SSL_R_WRONG_SSL_VERSION;
}

void acurast__tls_explain(const SSL *ssl, unsigned long error, char problem[ACURAST__TLS_PROBLEM_SIZE])
{
    int reason = ERR_GET_REASON(error);
    long result = SSL_get_verify_result(ssl);
    const char *words = NULL;
    if (!error)
        words = SSL_is_init_finished(ssl) ? "the service hung up" : "the service hung up in the TLS handshake";
    else if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED && result != X509_V_OK)
        words = certificate_problem(result);
    else if (reason > SSL_AD_REASON_OFFSET)
        words = alert_problem(ssl, reason - SSL_AD_REASON_OFFSET);
    else if (is_old_version(reason))
        words = "the service speaks no version of TLS from 1.2 on";
    else if (SSL_get_state(ssl) == TLS_ST_CW_CLNT_HELLO)
        words = "the service does not speak TLS: is it ws:// instead of wss://?";
    if (!words && reason > SSL_AD_REASON_OFFSET)
        snprintf(problem, ACURAST__TLS_PROBLEM_SIZE, "the service ended TLS: %s",
                 SSL_alert_desc_string_long(reason - SSL_AD_REASON_OFFSET));
    else
        snprintf(problem, ACURAST__TLS_PROBLEM_SIZE, "%s", words ? words : library_problem(error));
}
