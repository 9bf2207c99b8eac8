/* Proof of work: the digest, the comparison byte by byte, the cost, the search. */
#include "support/unit.h"

#include "crypto/key.h"
#include "crypto/work.h"

#include <string.h>

static const uint8_t challenge[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
static const uint8_t key[33] = {2, 99, 98, 97};

static void fill(uint8_t difficulty[16], unsigned first, unsigned second, unsigned rest)
{
    memset(difficulty, (int)rest, 16);
    difficulty[0] = (uint8_t)first;
    difficulty[1] = (uint8_t)second;
}

static void digest_is_of_the_concatenation(void **state)
{
    (void)state;
    uint8_t joined[65], nonce[16], digest[32], expected[32];
    for (unsigned round = 0; round < 16; round++) {
        memset(nonce, (int)round, 16);
        nonce[round] = 0xf0;
        memcpy(joined, challenge, 16);
        memcpy(joined + 16, key, 33);
        memcpy(joined + 49, nonce, 16);
        acurast__sha256(expected, joined, sizeof joined);
        acurast__work_digest(digest, challenge, key, nonce);
        assert_memory_equal(digest, expected, 32);
    }
}

static void every_byte_counts(void **state)
{
    (void)state;
    uint8_t digest[32], difficulty[16];
    memset(digest, 0x80, sizeof digest);
    memset(difficulty, 0x80, sizeof difficulty);
    assert_true(acurast__work_meets(digest, difficulty));
    for (int i = 0; i < 16; i++) {
        difficulty[i] = 0x7f;
        assert_false(acurast__work_meets(digest, difficulty));
        difficulty[i] = 0x81;
        assert_true(acurast__work_meets(digest, difficulty));
        difficulty[i] = 0x80;
        digest[16 + i] = 0xff; /* beyond the first sixteen nothing counts */
        assert_true(acurast__work_meets(digest, difficulty));
    }
    difficulty[0] = 0xff; /* not one big number: a generous first byte does not pay for a later one */
    difficulty[9] = 0x7f;
    assert_false(acurast__work_meets(digest, difficulty));
}

static void cost(void **state)
{
    (void)state;
    uint8_t difficulty[16];
    fill(difficulty, 0xff, 0xff, 0xff);
    assert_int_equal(acurast__work_cost(difficulty), 1);
    fill(difficulty, 0x7f, 0xff, 0xff);
    assert_int_equal(acurast__work_cost(difficulty), 2);
    fill(difficulty, 0x00, 0xff, 0xff);
    assert_int_equal(acurast__work_cost(difficulty), 256);
    fill(difficulty, 0x00, 0x3f, 0xff);
    assert_int_equal(acurast__work_cost(difficulty), 1024);
    fill(difficulty, 0xfe, 0xff, 0xff);
    assert_int_equal(acurast__work_cost(difficulty), 1);
    fill(difficulty, 0x00, 0x00, 0x7f);
    assert_int_equal(acurast__work_cost(difficulty), 65536 << 14);
    memset(difficulty, 0, 16);
    memset(difficulty + 7, 0xff, 9);
    assert_int_equal(acurast__work_cost(difficulty), UINT64_C(1) << 56);
    memset(difficulty, 0, 16);
    memset(difficulty + 8, 0xff, 8);
    assert_true(acurast__work_cost(difficulty) == UINT64_MAX);
    memset(difficulty, 0, 16);
    assert_true(acurast__work_cost(difficulty) == UINT64_MAX);
}

/* The first nonce in counting order that meets, by the plain way. */
static void count_to(uint8_t nonce[16], const uint8_t difficulty[16], uint64_t *hashes)
{
    uint8_t digest[32];
    for (uint64_t n = 0;; n++) {
        memset(nonce, 0, 16);
        nonce[15] = (uint8_t)n;
        nonce[14] = (uint8_t)(n >> 8);
        nonce[13] = (uint8_t)(n >> 16);
        acurast__work_digest(digest, challenge, key, nonce);
        if (acurast__work_meets(digest, difficulty)) {
            *hashes = n + 1;
            return;
        }
    }
}

static void solves_in_order_within_the_limit(void **state)
{
    (void)state;
    static const unsigned firsts[] = {0xff, 0x7f, 0x10, 0x00, 0x00};
    static const unsigned seconds[] = {0xff, 0xff, 0xff, 0x7f, 0x0f};
    atomic_bool cancel = false;
    for (size_t i = 0; i < ARRAY_SIZE(firsts); i++) {
        uint8_t difficulty[16], expected[16], nonce[16];
        uint64_t hashes;
        fill(difficulty, firsts[i], seconds[i], 0xff);
        count_to(expected, difficulty, &hashes);
        assert_true(acurast__work_solve(nonce, challenge, key, difficulty, hashes, &cancel));
        assert_memory_equal(nonce, expected, 16);
        assert_true(acurast__work_solve(nonce, challenge, key, difficulty, UINT64_MAX, &cancel));
        assert_memory_equal(nonce, expected, 16);
        assert_false(acurast__work_solve(nonce, challenge, key, difficulty, hashes - 1, &cancel));
    }
}

/* This one needs more than 2^16 nonces: counting must carry into the third byte from the end. */
static void counting_carries(void **state)
{
    (void)state;
    uint8_t difficulty[16], nonce[16],
        expected[16] = {[13] = 183485 >> 16, [14] = 183485 >> 8 & 255, [15] = 183485 & 255};
    atomic_bool cancel = false;
    fill(difficulty, 0, 0, 0xff);
    difficulty[2] = 0x3f;
    assert_true(acurast__work_solve(nonce, challenge, key, difficulty, 1 << 20, &cancel));
    assert_memory_equal(nonce, expected, 16);
}

static void no_work_takes_the_zero_nonce(void **state)
{
    (void)state;
    uint8_t difficulty[16], nonce[16], zero[16] = {0};
    atomic_bool cancel = false;
    fill(difficulty, 0xff, 0xff, 0xff);
    memset(nonce, 7, 16);
    assert_true(acurast__work_solve(nonce, challenge, key, difficulty, 1, &cancel));
    assert_memory_equal(nonce, zero, 16);
}

static void stops_when_cancelled(void **state)
{
    (void)state;
    uint8_t difficulty[16] = {0}, nonce[16];
    atomic_bool cancel = true;
    assert_false(acurast__work_solve(nonce, challenge, key, difficulty, UINT64_MAX, &cancel));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digest_is_of_the_concatenation),
        cmocka_unit_test(every_byte_counts),
        cmocka_unit_test(cost),
        cmocka_unit_test(solves_in_order_within_the_limit),
        cmocka_unit_test(counting_carries),
        cmocka_unit_test(no_work_takes_the_zero_nonce),
        cmocka_unit_test(stops_when_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
