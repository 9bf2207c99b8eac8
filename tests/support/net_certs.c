#include "support/net_certs.h"

#include "support/unit.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static long next_serial = 1;

static void extend(X509 *certificate, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    assert_non_null(extension);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

static X509 *make(EVP_PKEY *key, const char *subject, const X509_NAME *issuer)
{
    X509 *certificate = X509_new();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), next_serial++);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC, (const unsigned char *)subject,
                               -1, -1, 0);
    X509_set_issuer_name(certificate, issuer ? issuer : X509_get_subject_name(certificate));
    return certificate;
}

static void write_certificate(X509 *certificate, const char *file)
{
    FILE *to = fopen(file, "w");
    assert_non_null(to);
    PEM_write_X509(to, certificate);
    fclose(to);
}

static char *text_of(X509 *certificate)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *data;
    PEM_write_bio_X509(bio, certificate);
    long size = BIO_get_mem_data(bio, &data);
    char *text = calloc(1, (size_t)size + 1);
    memcpy(text, data, (size_t)size);
    BIO_free(bio);
    return text;
}

void authority_make(authority *a)
{
    snprintf(a->folder, sizeof a->folder, "/tmp/acurast-test-XXXXXX");
    assert_non_null(mkdtemp(a->folder));
    snprintf(a->file, sizeof a->file, "%s/ca.pem", a->folder);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = make(key, "Test authority", NULL);
    extend(certificate, NID_basic_constraints, "critical,CA:TRUE");
    X509_sign(certificate, key, EVP_sha256());
    write_certificate(certificate, a->file);
    a->pem = text_of(certificate);
    a->key = key;
    a->certificate = certificate;
}

leaf authority_sign(authority *a, const char *names, const char *file)
{
    leaf l;
    snprintf(l.cert, sizeof l.cert, "%s/%s.pem", a->folder, file);
    snprintf(l.key, sizeof l.key, "%s/%s.key", a->folder, file);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = make(key, "leaf", X509_get_subject_name(a->certificate));
    extend(certificate, NID_subject_alt_name, names);
    X509_sign(certificate, a->key, EVP_sha256());
    write_certificate(certificate, l.cert);
    FILE *to = fopen(l.key, "w");
    assert_non_null(to);
    PEM_write_PrivateKey(to, key, NULL, NULL, 0, NULL, NULL);
    fclose(to);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return l;
}

void authority_end(authority *a)
{
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", a->folder);
    assert_int_equal(system(command), 0);
    EVP_PKEY_free(a->key);
    X509_free(a->certificate);
    free(a->pem);
}

authority world_authority;
leaf world_certificate;

int world_certify(void **state)
{
    (void)state;
    authority_make(&world_authority);
    world_certificate = authority_sign(&world_authority, "DNS:localhost,IP:127.0.0.1", "service");
    return 0;
}

int world_uncertify(void **state)
{
    (void)state;
    authority_end(&world_authority);
    return 0;
}
