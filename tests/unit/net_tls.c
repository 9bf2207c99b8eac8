/* Whom a client trusts, whom a service shows itself as, and that many handshakes at once disturb nobody. */
#include "support/net_certs.h"
#include "support/net_raw.h"
#include "support/net_world.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static authority ours, theirs;
static leaf everywhere, elsewhere, strange;

static void connect_with(client *c, world *w, const char *host, const char *ca_file, const char *ca_pem)
{
    const char *detail;
    acurast__tls *tls;
    assert_int_equal(acurast__tls_client(ca_file, ca_pem, &tls, &detail), ACURAST_OK);
    client_init(c, w);
    c->target.host = host;
    c->target.tls = tls;
    client_connect(c);
    acurast__tls_release(tls);
}

static void check_good(world *w, const char *host, const char *ca_file, const char *ca_pem)
{
    client c;
    connect_with(&c, w, host, ca_file, ca_pem);
    box_await(&c.side.open, 1);
    side_send(&c.side, "hello", 5);
    box_await(&c.side.message, 1);
    assert_memory_equal(c.side.bytes, "hello", 5);
    client_end(&c);
}

static void check_bad(world *w, const char *host, const char *ca_file, const char *ca_pem)
{
    client c;
    connect_with(&c, w, host, ca_file, ca_pem);
    box_await(&c.side.closed, 1);
    if (c.side.status != ACURAST_TLS)
        fail_msg("%s: %s", acurast_status_text(c.side.status), c.side.reason);
    assert_int_equal(box_count(&c.side.open), 0);
}

static void open_tls(world *w, const world_options *options, const char *address, const leaf *as)
{
    world_options o = *options;
    o.address = address;
    o.tls_cert = as->cert;
    o.tls_key = as->key;
    world_open(w, &o);
}

static void trust(const world_options *options)
{
    world w;
    open_tls(&w, options, "127.0.0.1", &everywhere);
    check_good(&w, "127.0.0.1", ours.file, NULL);
    check_good(&w, "127.0.0.1", NULL, ours.pem);
    check_good(&w, "localhost", ours.file, "");
    check_bad(&w, "127.0.0.1", theirs.file, NULL);
    check_bad(&w, "127.0.0.1", NULL, theirs.pem);
    check_bad(&w, "localhost", NULL, NULL); /* the system's roots do not know it */
    world_close(&w);
}

static void only_the_given_authority_is_trusted(void **state)
{
    (void)state;
    trust(&(world_options){0});
}

static void names(const world_options *options)
{
    world w;
    open_tls(&w, options, "127.0.0.1", &elsewhere);
    check_bad(&w, "127.0.0.1", ours.file, NULL);
    check_bad(&w, "localhost", ours.file, NULL);
    world_close(&w);
    open_tls(&w, options, "::1", &everywhere);
    check_good(&w, "::1", ours.file, NULL);
    world_close(&w);
    open_tls(&w, options, "::1", &elsewhere);
    check_bad(&w, "::1", ours.file, NULL);
    world_close(&w);
    open_tls(&w, options, "::1", &strange);
    check_bad(&w, "::1", ours.file, NULL);
    world_close(&w);
}

static void a_certificate_for_somebody_else_is_refused(void **state)
{
    (void)state;
    names(&(world_options){0});
}

/* OpenSSL checks no name at all for the first two, and for the last one takes the certificate of any host below it. */
static void a_name_that_stands_for_many_is_refused(void **state)
{
    static const char *const hosts[] = {"", ".", "..", ".elsewhere.example"};
    const char *detail;
    acurast__tls *tls;
    (void)state;
    assert_int_equal(acurast__tls_client(ours.file, NULL, &tls, &detail), ACURAST_OK);
    for (size_t i = 0; i < ARRAY_SIZE(hosts); i++)
        assert_null(acurast__tls_new(tls, hosts[i]));
    SSL *ssl = acurast__tls_new(tls, "elsewhere.example.");
    assert_non_null(ssl);
    SSL_free(ssl);
    acurast__tls_release(tls);
}

static void trust_that_cannot_be_had(void **state)
{
    static const char *const files[] = {"/nowhere/ca.pem", "/dev/null"};
    acurast__tls *tls = NULL;
    const char *detail = NULL;
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        assert_int_equal(acurast__tls_client(files[i], NULL, &tls, &detail), ACURAST_TLS);
    assert_int_equal(acurast__tls_client(NULL, "no certificate", &tls, &detail), ACURAST_TLS);
    assert_non_null(strstr(detail, "ca-pem"));
    assert_int_equal(acurast__tls_client(ours.file, ours.pem, &tls, &detail), ACURAST_TLS);
    assert_null(tls);
}

/* ---- the wrong kind of talk ---- */

static void plain_on_tls(const world_options *options)
{
    static const char *const talk[] = {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\x16\x03\x01\xff\xff garbage",
                                       "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"};
    world w;
    raw r;
    client c;
    world_options o = *options;
    o.request_timeout_ms = 1000; /* one of them announces more than it sends */
    open_tls(&w, &o, "127.0.0.1", &everywhere);
    for (size_t i = 0; i < ARRAY_SIZE(talk); i++) {
        raw_connect(&r, w.port, false, 0);
        raw_write(&r, talk[i], i == 2 ? 10 : strlen(talk[i]));
        raw_await_end(&r);
        raw_end(&r);
    }
    client_init(&c, &w); /* ws:// where wss:// is spoken */
    c.target.connect_timeout_ms = 2000;
    client_connect(&c);
    box_await(&c.side.closed, 1);
    assert_int_equal(box_count(&c.side.open), 0);
    check_good(&w, "127.0.0.1", ours.file, NULL);
    world_close(&w);
}

static void who_does_not_speak_tls_is_hung_up(void **state)
{
    (void)state;
    plain_on_tls(&(world_options){0});
}

static void tls_on_plain(const world_options *options)
{
    world w;
    client c;
    world_open(&w, options);
    connect_with(&c, &w, "127.0.0.1", ours.file, NULL);
    box_await(&c.side.closed, 1);
    assert_int_equal(c.side.status, ACURAST_TLS);
    world_close(&w);
}

static void tls_where_none_is_spoken_fails(void **state)
{
    (void)state;
    tls_on_plain(&(world_options){0});
}

static void half_a_handshake(const world_options *options)
{
    world w;
    raw r;
    world_options o = *options;
    o.request_timeout_ms = 100;
    open_tls(&w, &o, "127.0.0.1", &everywhere);
    uint64_t since = acurast__clock_ms();
    raw_connect(&r, w.port, false, 0);
    raw_write(&r, "\x16\x03\x01\x02\x00\x01", 6);
    box_await(&w.left, 1);
    assert_true(acurast__clock_ms() - since >= 100);
    raw_await_end(&r);
    raw_end(&r);
    assert_true(acurast__clock_ms() - since < 4000);
    world_close(&w);
}

static void half_a_handshake_times_out(void **state)
{
    (void)state;
    half_a_handshake(&(world_options){0});
}

/* ---- certificates that change ---- */

static long serial_shown(uint16_t port)
{
    raw r;
    raw_connect(&r, port, true, 0);
    X509 *certificate = SSL_get1_peer_certificate(r.ssl);
    long serial = ASN1_INTEGER_get(X509_get_serialNumber(certificate));
    X509_free(certificate);
    raw_end(&r);
    return serial;
}

static void write_text(const char *file, const char *text)
{
    FILE *to = fopen(file, "w");
    assert_non_null(to);
    fputs(text, to);
    fclose(to);
}

static void reload(const world_options *options)
{
    world w;
    client c;
    char detail[256];
    leaf changing = authority_sign(&ours, "IP:127.0.0.1", "changing");
    open_tls(&w, options, "127.0.0.1", &changing);
    connect_with(&c, &w, "127.0.0.1", ours.file, NULL);
    box_await(&c.side.open, 1);
    long first = serial_shown(w.port);
    authority_sign(&ours, "IP:127.0.0.1", "changing");
    assert_int_equal(serial_shown(w.port), first);
    acurast__certificate *fresh = acurast__certificate_read(changing.cert, changing.key, detail, sizeof detail);
    assert_non_null(fresh);
    acurast__listener_renew(w.listener, fresh);
    acurast__certificate_release(fresh);
    world_memory(&w);
    long second = serial_shown(w.port);
    assert_int_not_equal(second, first);
    write_text(changing.cert, "nonsense");
    assert_null(acurast__certificate_read(changing.cert, changing.key, detail, sizeof detail));
    assert_non_null(strstr(detail, "tls-cert"));
    world_memory(&w);
    assert_int_equal(serial_shown(w.port), second);
    side_send(&c.side, "still here", 10); /* what was open stays so */
    box_await(&c.side.message, 1);
    client_end(&c);
    world_close(&w);
}

static void certificates_are_reloaded_and_bad_ones_are_not(void **state)
{
    (void)state;
    reload(&(world_options){0});
}

static void bad_certificates(void **state)
{
    char detail[256], nonsense[128];
    (void)state;
    snprintf(nonsense, sizeof nonsense, "%s/nonsense", ours.folder);
    write_text(nonsense, "nonsense");
    const struct {
        const char *cert, *key, *says;
    } cases[] = {
        {"/nowhere", everywhere.key, "tls-cert: /nowhere: No such file"},
        {nonsense, everywhere.key, "not a readable PEM certificate chain"},
        {everywhere.cert, "/nowhere", "tls-key: /nowhere: No such file"},
        {everywhere.cert, nonsense, "not a readable PEM private key"},
        {everywhere.cert, elsewhere.key, "not the key of tls-cert"},
        {everywhere.cert, everywhere.cert, "not a readable PEM private key"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_null(acurast__certificate_read(cases[i].cert, cases[i].key, detail, sizeof detail));
        if (!strstr(detail, cases[i].says))
            fail_msg("'%s' does not say '%s'", detail, cases[i].says);
    }
}

/* ---- many at once ---- */

static void many(const world_options *options)
{
    enum {
        COUNT = 24
    };
    static client clients[COUNT];
    world w;
    const char *detail;
    acurast__tls *tls;
    world_options o = *options;
    o.loops = 4;
    o.tls_cert = everywhere.cert;
    o.tls_key = everywhere.key;
    world_open(&w, &o);
    assert_int_equal(acurast__tls_client(ours.file, NULL, &tls, &detail), ACURAST_OK);
    for (unsigned i = 0; i < COUNT; i++) {
        client_init(&clients[i], &w);
        clients[i].side.loop = w.loops[i % 4];
        clients[i].target.tls = tls;
        client_connect(&clients[i]);
    }
    for (unsigned i = 0; i < COUNT; i++) {
        box_await(&clients[i].side.open, 1);
        side_send(&clients[i].side, "hello", 5);
    }
    for (unsigned i = 0; i < COUNT; i++) {
        box_await(&clients[i].side.message, 1);
        client_end(&clients[i]);
    }
    acurast__tls_release(tls);
    world_close(&w);
}

static void handshakes_at_once_on_several_loops_all_succeed(void **state)
{
    (void)state;
    many(&(world_options){0});
}

/* ---- keys ---- */

static void change_keys(raw *r, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (SSL_key_update(r->ssl, SSL_KEY_UPDATE_REQUESTED) != 1 || SSL_do_handshake(r->ssl) != 1)
            return; /* the service has hung up */
    }
}

static void check_echo(raw *r)
{
    raw_frame echo;
    raw_send(r, RAW_FIN | RAW_BINARY, "still here", 10);
    assert_true(raw_receive(r, &echo));
    assert_int_equal(echo.size, 10);
    assert_memory_equal(echo.bytes, "still here", 10);
    free(echo.bytes);
}

/* Each change costs the service far more than the 27 bytes that it has. */
static void keys_without_end(const world_options *options)
{
    world w;
    raw r, other;
    open_tls(&w, options, "127.0.0.1", &everywhere);
    raw_connect(&other, w.port, true, 0);
    raw_upgrade(&other, "/");
    raw_connect(&r, w.port, true, 0);
    raw_upgrade(&r, "/");
    change_keys(&r, 2);
    check_echo(&r);
    change_keys(&r, 200);
    check_echo(&other); /* what TLS had to say to the one is nothing for the other */
    raw_await_end(&r);
    raw_end(&r);
    raw_end(&other);
    world_close(&w);
}

static void who_changes_keys_again_and_again_is_hung_up(void **state)
{
    (void)state;
    keys_without_end(&(world_options){0});
}

static void connect_to(client *c, world *w, uint16_t port, const acurast__tls *tls)
{
    client_init(c, w);
    c->target.port = port;
    c->target.tls = tls;
    client_connect(c);
}

/* A service of TLS 1.2 that asks its client to shake hands anew. */
static void serve_old_tls(raw *r, int listener)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
    assert_int_equal(SSL_CTX_use_certificate_chain_file(context, everywhere.cert), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(context, everywhere.key, SSL_FILETYPE_PEM), 1);
    raw_accept(r, listener, NULL, NULL);
    r->ssl = SSL_new(context);
    SSL_CTX_free(context);
    SSL_set_fd(r->ssl, r->fd);
    assert_int_equal(SSL_accept(r->ssl), 1);
}

static void hands_anew(const world_options *options)
{
    world w;
    raw r;
    client c;
    uint16_t port;
    const char *detail;
    acurast__tls *tls;
    char byte;
    int listener = raw_listen(&port);
    world_open(&w, options);
    assert_int_equal(acurast__tls_client(ours.file, NULL, &tls, &detail), ACURAST_OK);
    connect_to(&c, &w, port, tls);
    serve_old_tls(&r, listener);
    raw_serve(&r);
    box_await(&c.side.open, 1);
    assert_int_equal(SSL_renegotiate(r.ssl), 1);
    assert_int_equal(SSL_do_handshake(r.ssl), 1); /* this only asks for it */
    raw_send(&r, RAW_FIN | RAW_PING, "?", 1);     /* an answer would come behind the handshake */
    assert_int_equal(SSL_read(r.ssl, &byte, 1), -1);
    assert_int_equal(ERR_GET_REASON(ERR_get_error()), SSL_R_NO_RENEGOTIATION);
    raw_end(&r);
    box_await(&c.side.closed, 1);
    acurast__tls_release(tls);
    world_close(&w);
    close(listener);
}

static void a_client_shakes_hands_once(void **state)
{
    (void)state;
    hands_anew(&(world_options){0});
}

/* ---- whose fault it was ---- */

/* All connections of a loop share what opens TLS. */
static void one_fails_and_another_is_hung_up(const world_options *options)
{
    world w;
    raw mute, rude;
    client waiting, failing;
    uint16_t port;
    const char *detail;
    acurast__tls *tls;
    char hello[16];
    int listener = raw_listen(&port);
    world_open(&w, options);
    assert_int_equal(acurast__tls_client(ours.file, NULL, &tls, &detail), ACURAST_OK);
    connect_to(&waiting, &w, port, tls);
    raw_accept(&mute, listener, NULL, NULL);
    raw_read(&mute, hello, sizeof hello);
    connect_to(&failing, &w, port, tls);
    raw_accept(&rude, listener, NULL, NULL);
    raw_text(&rude, "220 mail.example.org ESMTP\r\n");
    box_await(&failing.side.closed, 1);
    assert_non_null(strstr(failing.side.reason, "does not speak TLS"));
    shutdown(mute.fd, SHUT_WR);
    box_await(&waiting.side.closed, 1);
    assert_non_null(strstr(waiting.side.reason, "the service hung up in the TLS handshake"));
    raw_end(&mute);
    raw_end(&rude);
    acurast__tls_release(tls);
    world_close(&w);
    close(listener);
}

static void a_connection_does_not_end_with_the_words_of_another(void **state)
{
    (void)state;
    one_fails_and_another_is_hung_up(&(world_options){0});
}

static int make_certificates(void **state)
{
    (void)state;
    authority_make(&ours);
    authority_make(&theirs);
    everywhere = authority_sign(&ours, "DNS:localhost,IP:127.0.0.1,IP:::1", "everywhere");
    elsewhere = authority_sign(&ours, "DNS:elsewhere.example,IP:10.0.0.1,IP:::2", "elsewhere");
    strange = authority_sign(&ours, "DNS:::1", "strange");
    return 0;
}

static int remove_certificates(void **state)
{
    (void)state;
    authority_end(&ours);
    authority_end(&theirs);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_given_authority_is_trusted),
        cmocka_unit_test(a_certificate_for_somebody_else_is_refused),
        cmocka_unit_test(a_name_that_stands_for_many_is_refused),
        cmocka_unit_test(trust_that_cannot_be_had),
        cmocka_unit_test(who_does_not_speak_tls_is_hung_up),
        cmocka_unit_test(tls_where_none_is_spoken_fails),
        cmocka_unit_test(half_a_handshake_times_out),
        cmocka_unit_test(certificates_are_reloaded_and_bad_ones_are_not),
        cmocka_unit_test(bad_certificates),
        cmocka_unit_test(handshakes_at_once_on_several_loops_all_succeed),
        cmocka_unit_test(who_changes_keys_again_and_again_is_hung_up),
        cmocka_unit_test(a_client_shakes_hands_once),
        cmocka_unit_test(a_connection_does_not_end_with_the_words_of_another),
    };
    return cmocka_run_group_tests(tests, make_certificates, remove_certificates);
}
