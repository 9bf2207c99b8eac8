/*
 * What the libcrypto and libssl that the program finds cost: P-256, and a TLS 1.3 handshake without a network. It runs with another
 * version of the same major number unchanged, by LD_LIBRARY_PATH. Prints a line of JSON for each step, with the least CPU of its rounds:
 *
 *   sign, verify       one signature; one point of 33 bytes set and one signature verified, key and context being kept
 *   tls, server, group the server's part of a full handshake with a P-256 certificate; the key exchange is X25519, or the client's first choice
 *   tls, resumed       likewise with a session ticket, X25519
 */
#include "gauge.h"
#include "key.h"

#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ROUNDS = 15,
    SIGNATURES = 200,
    HANDSHAKES = 60,
    FLIGHTS = 8,
};

static const uint8_t digest[32] = {1, 2, 3};
static bench_key key;
static uint8_t der[80];
static size_t der_size;
static EVP_PKEY_CTX *signer, *verifier;

static void require(bool done, const char *what)
{
    if (done)
        return;
    fprintf(stderr, "%s failed\n", what);
    exit(1);
}

static uint64_t cpu(void)
{
    uint64_t now = 0;
    require(gauge_cpu(0, &now), "reading the CPU time");
    return now;
}

/* ---- signatures ---- */

static void sign_once(void)
{
    der_size = sizeof der;
    require(EVP_PKEY_sign(signer, der, &der_size, digest, sizeof digest) == 1, "signing");
}

static void verify_once(void)
{
    EVP_PKEY *pkey = EVP_PKEY_CTX_get0_pkey(verifier);
    require(EVP_PKEY_set1_encoded_public_key(pkey, key.public_key, PUBLIC_KEY_SIZE) == 1 &&
                EVP_PKEY_verify_init(verifier) == 1 &&
                EVP_PKEY_verify(verifier, der, der_size, digest, sizeof digest) == 1,
            "verifying");
}

static double least_of(void (*once)(void))
{
    double least = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t begin = cpu();
        for (int i = 0; i < SIGNATURES; i++)
            once();
        double each = (double)(cpu() - begin) / SIGNATURES / 1000;
        least = each < least ? each : least;
    }
    return least;
}

static void signatures(void)
{
    EVP_PKEY *blank = EVP_EC_gen("P-256");
    signer = EVP_PKEY_CTX_new(key.pair, NULL);
    verifier = EVP_PKEY_CTX_new(blank, NULL);
    require(signer && verifier && EVP_PKEY_sign_init(signer) == 1, "making contexts");
    printf("{\"step\": \"sign\", \"cpu_us\": %.1f}\n", least_of(sign_once));
    printf("{\"step\": \"verify\", \"cpu_us\": %.1f}\n", least_of(verify_once));
    EVP_PKEY_CTX_free(signer);
    EVP_PKEY_CTX_free(verifier);
    EVP_PKEY_free(blank);
}

/* ---- TLS ---- */

static SSL_SESSION *ticket;

static int keep_ticket(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl;
    SSL_SESSION_free(ticket);
    ticket = session;
    return 1;
}

static X509 *certificate(void)
{
    X509 *made = X509_new();
    require(made && X509_set_version(made, 2) && ASN1_INTEGER_set(X509_get_serialNumber(made), 1) &&
                X509_gmtime_adj(X509_getm_notBefore(made), -3600) && X509_gmtime_adj(X509_getm_notAfter(made), 86400) &&
                X509_set_pubkey(made, key.pair) && X509_sign(made, key.pair, EVP_sha256()),
            "making a certificate");
    return made;
}

static SSL_CTX *context_new(const SSL_METHOD *method)
{
    SSL_CTX *context = SSL_CTX_new(method);
    require(context && SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) &&
                SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") && SSL_CTX_set_num_tickets(context, 1),
            "making a context");
    return context;
}

static SSL *end_new(SSL_CTX *context, BIO *reads, BIO *writes)
{
    SSL *end = SSL_new(context);
    require(end && BIO_up_ref(reads) && BIO_up_ref(writes), "making an end");
    SSL_set_bio(end, reads, writes);
    return end;
}

/* The server's CPU for one handshake: nanoseconds. */
static uint64_t handshake(SSL_CTX *client_context, SSL_CTX *server_context, bool resumed)
{
    BIO *up = BIO_new(BIO_s_mem()), *down = BIO_new(BIO_s_mem());
    SSL *client = end_new(client_context, down, up), *server = NULL;
    uint64_t spent = 0;
    char none;
    SSL_set_connect_state(client);
    if (resumed)
        SSL_set_session(client, ticket);
    for (int flight = 0; flight < FLIGHTS; flight++) {
        SSL_do_handshake(client);
        uint64_t begin = cpu();
        if (!server) {
            server = end_new(server_context, up, down);
            SSL_set_accept_state(server);
        }
        SSL_do_handshake(server);
        spent += cpu() - begin;
    }
    SSL_read(client, &none, 1); /* takes the ticket */
    require(SSL_is_init_finished(server) && SSL_is_init_finished(client) && SSL_session_reused(server) == (int)resumed,
            "a handshake");
    SSL_shutdown(client); /* or its ticket would be worth nothing */
    SSL_shutdown(server);
    SSL_free(client);
    uint64_t begin = cpu();
    SSL_free(server);
    spent += cpu() - begin;
    BIO_free(up);
    BIO_free(down);
    return spent;
}

static void tls(const char *name, const char *groups, bool resumed)
{
    SSL_CTX *server = context_new(TLS_server_method()), *client = context_new(TLS_client_method());
    X509 *own = certificate();
    require(SSL_CTX_use_certificate(server, own) == 1 && SSL_CTX_use_PrivateKey(server, key.pair) == 1, "the server");
    require(!groups || (SSL_CTX_set1_groups_list(client, groups) && SSL_CTX_set1_groups_list(server, groups)),
            "the group");
    SSL_CTX_set_session_cache_mode(client, SSL_SESS_CACHE_CLIENT);
    SSL_CTX_sess_set_new_cb(client, keep_ticket);
    double least = 1e9;
    handshake(client, server, false);
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t spent = 0;
        for (int i = 0; i < HANDSHAKES; i++)
            spent += handshake(client, server, resumed);
        double each = (double)spent / HANDSHAKES / 1000;
        least = each < least ? each : least;
    }
    printf("{\"step\": \"tls, %s\", \"cpu_us\": %.1f}\n", name, least);
    X509_free(own);
    SSL_CTX_free(server);
    SSL_CTX_free(client);
}

int main(void)
{
    require(key_generate(&key), "making a key");
    printf("{\"version\": \"%s\"}\n", OpenSSL_version(OPENSSL_VERSION));
    signatures();
    tls("X25519", "X25519", false);
    tls("first choice", NULL, false);
    tls("resumed", "X25519", true);
    SSL_SESSION_free(ticket);
    key_clear(&key);
    return 0;
}
