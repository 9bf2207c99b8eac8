/* Heads of answers to an upgrade: what is read from them, that every slicing gives the same, and where reading ends. */
#include "support/unit.h"

#include "wire/response.h"

#include <stdlib.h>
#include <string.h>

#define SWITCHING "HTTP/1.1 101 Switching Protocols\r\n"
#define UPGRADE "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: proof\r\n"

static acurast__response_head head; /* of the last one that was read */

/* Reads a copy, in a block of exactly that size, which stays until the next one. */
static acurast__response_progress reads(const char *bytes, size_t size)
{
    static char *block;
    free(block);
    block = malloc(size ? size : 1);
    memcpy(block, bytes, size);
    acurast__response_progress progress = acurast__response_read(&head, block, size);
    if (progress == ACURAST__RESPONSE_MORE)
        assert_memory_equal(block, bytes, size);
    return progress;
}

/* Whole with its last byte and not before; what is behind it does not matter. */
static void whole(const char *text)
{
    char longer[512];
    size_t size = strlen(text);
    for (size_t i = 0; i < size; i++)
        assert_int_equal(reads(text, i), ACURAST__RESPONSE_MORE);
    memcpy(longer, text, size);
    memset(longer + size, 0x82, 16);
    assert_int_equal(reads(longer, size + 16), ACURAST__RESPONSE_WHOLE);
    assert_int_equal(head.size, size);
}

static void an_upgrade_is_read(void **state)
{
    (void)state;
    whole(SWITCHING UPGRADE "\r\n");
    assert_int_equal(head.status, 101);
    assert_true(head.upgrades);
    assert_false(head.negotiates);
    assert_string_equal(head.accept, "proof");
    whole("HTTP/1.1 101\nupgrade:WebSocket\nCONNECTION: keep-alive,upgrade , x\nsec-websocket-accept: \tproof \t\n\n");
    assert_true(head.upgrades);
    assert_string_equal(head.accept, "proof");
    whole(SWITCHING UPGRADE "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n");
    assert_true(head.negotiates);
    whole(SWITCHING UPGRADE "Sec-WebSocket-Protocol: chat\r\n\r\n");
    assert_true(head.negotiates);
    whole(SWITCHING UPGRADE "Sec-WebSocket-Protocol:\r\n\r\n");
    assert_false(head.negotiates);
}

static void what_is_none_is_told_apart(void **state)
{
    static const char *const none[] = {
        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        SWITCHING "\r\n",
        SWITCHING "Upgrade: websocket\r\n\r\n",
        SWITCHING "Connection: upgrade\r\n\r\n",
        SWITCHING "Upgrade: h2c\r\nConnection: upgrade\r\n\r\n",
        SWITCHING "Upgrade: websocket\r\nConnection: upgraded\r\n\r\n",
        SWITCHING "no colon\r\n\r\n",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
        whole(none[i]);
        assert_int_equal(head.status, i ? 101 : 404);
        assert_false(head.upgrades);
        assert_null(head.accept);
    }
}

static void what_is_no_answer_is_refused(void **state)
{
    static const char *const wrong[] = {
        "SSH-2.0",
        "HTTP/1.2 101 Switching Protocols\r\n\r\n",
        "HTTP/2 200\r\n\r\n",
        "http/1.1 101 x\r\n\r\n",
        "HTTP/1.1 1O1 x\r\n\r\n",
        "HTTP/1.1 10\r\n\r\n",
        "HTTP/1.1 1011 x\r\n\r\n",
        "HTTP/1.1 000 x\r\n\r\n",
        "\r\n\r\n",
    };
    static const char holds_nul[] = SWITCHING "X: a\0b\r\n\r\n";
    static char endless[ACURAST__RESPONSE_MAX + 1] = SWITCHING "X: ";
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_int_equal(reads(wrong[i], strlen(wrong[i])), ACURAST__RESPONSE_WRONG);
    assert_int_equal(reads(holds_nul, sizeof holds_nul - 1), ACURAST__RESPONSE_WRONG);
    memset(endless + strlen(endless), 'x', sizeof endless - strlen(endless));
    assert_int_equal(reads(endless, ACURAST__RESPONSE_MAX - 1), ACURAST__RESPONSE_MORE);
    assert_int_equal(reads(endless, ACURAST__RESPONSE_MAX), ACURAST__RESPONSE_WRONG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_upgrade_is_read),
        cmocka_unit_test(what_is_none_is_told_apart),
        cmocka_unit_test(what_is_no_answer_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
