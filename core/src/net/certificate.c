/*
 * All loops have the same context, so a session is resumed on each of them: OpenSSL makes the keys of tickets with the context, and they come anew with
 * each reading of the files. A context is never changed: one that got a certificate of another kind of key would keep the old one as well.
 */
#include "net/certificate.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/*
 * Of TLS 1.2, what is authenticated encryption and forgets its keys; in TLS 1.3 everything is. AES with 128 bits first, which has ten rounds
 * and not fourteen; ChaCha where the client puts it first, as those do whose processors lack instructions for AES.
 */
#define TLS12_CIPHERS "ECDHE+AES128+AESGCM:ECDHE+CHACHA20:ECDHE+AESGCM"
#define TLS13_CIPHERS "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384"

/* ---- files ---- */

/* There is nobody to be asked. */
static int on_passphrase(char *buffer, int size, int writing, void *user)
{
    (void)writing;
    *(bool *)user = true;
    if (size > 0)
        buffer[0] = 0;
    return -1;
}

static bool refuse(const char *option, const char *file, const char *problem, char *detail, size_t detail_size)
{
    snprintf(detail, detail_size, "%s: %s: %s", option, file, access(file, R_OK) == 0 ? problem : strerror(errno));
    return false;
}

static bool load(SSL_CTX *context, const char *cert, const char *key, char *detail, size_t detail_size)
{
    bool encrypted = false;
    SSL_CTX_set_default_passwd_cb(context, on_passphrase);
    SSL_CTX_set_default_passwd_cb_userdata(context, &encrypted);
    if (SSL_CTX_use_certificate_chain_file(context, cert) != 1)
        return refuse("tls-cert", cert, "not a readable PEM certificate chain", detail, detail_size);
    if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1) {
        bool other = ERR_GET_REASON(ERR_peek_error()) == X509_R_KEY_VALUES_MISMATCH ||
                     ERR_GET_REASON(ERR_peek_error()) == X509_R_KEY_TYPE_MISMATCH;
        const char *problem = encrypted ? "it is encrypted, and there is nobody to ask for its passphrase"
                              : other   ? "not the key of tls-cert"
                                        : "not a readable PEM private key";
        return refuse("tls-key", key, problem, detail, detail_size);
    }
    SSL_CTX_set_default_passwd_cb(context, NULL);
    SSL_CTX_set_default_passwd_cb_userdata(context, NULL);
    return SSL_CTX_check_private_key(context) == 1 ||
           refuse("tls-key", key, "not the key of tls-cert", detail, detail_size);
}

/* ---- contexts ---- */

/* Of the protocols that a client offers; without a word where that is none of ours. */
static int choose_protocol(SSL *ssl, const unsigned char **chosen, unsigned char *size, const unsigned char *offered,
                           unsigned int offered_size, void *user)
{
    static const unsigned char ours[] = "\x08http/1.1";
    unsigned char *found = NULL;
    (void)ssl, (void)user;
    if (SSL_select_next_proto(&found, size, ours, sizeof ours - 1, offered, offered_size) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    *chosen = found;
    return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *new_context(void)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (!context)
        return NULL;
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF); /* tickets need none */
    SSL_CTX_set_num_tickets(context, 1); /* each costs; a client that connects again needs one */
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
    if (SSL_CTX_set_cipher_list(context, TLS12_CIPHERS) == 1 && SSL_CTX_set_ciphersuites(context, TLS13_CIPHERS) == 1)
        return context;
    SSL_CTX_free(context);
    return NULL;
}

acurast__certificate *acurast__certificate_read(const char *cert, const char *key, char *detail, size_t detail_size)
{
    ERR_clear_error();
    SSL_CTX *fresh = new_context();
    if (!fresh) {
        snprintf(detail, detail_size, "out of memory");
    } else if (!load(fresh, cert, key, detail, detail_size)) {
        SSL_CTX_free(fresh);
        fresh = NULL;
    }
    ERR_clear_error();
    return fresh;
}

void acurast__certificate_release(acurast__certificate *certificate)
{
    SSL_CTX_free(certificate);
}

/* ---- facts ---- */

static int64_t seconds_of(const ASN1_TIME *when)
{
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    int days = 0, seconds = 0;
    if (epoch)
        ASN1_TIME_diff(&days, &seconds, epoch, when);
    ASN1_TIME_free(epoch);
    return (int64_t)days * 86400 + seconds;
}

acurast__certificate_facts acurast__certificate_describe(const acurast__certificate *certificate)
{
    acurast__certificate_facts facts = {0};
    const X509 *first = SSL_CTX_get0_certificate(certificate);
    BIGNUM *serial = ASN1_INTEGER_to_BN(X509_get0_serialNumber(first), NULL);
    char *hex = serial ? BN_bn2hex(serial) : NULL;
    snprintf(facts.serial, sizeof facts.serial, "%s", hex ? hex : "");
    facts.not_after = seconds_of(X509_get0_notAfter(first));
    OPENSSL_free(hex);
    BN_free(serial);
    return facts;
}
