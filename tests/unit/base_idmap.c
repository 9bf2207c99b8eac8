/* The id map against a plain model: whatever is put, replaced and removed, in crowded and in wrapping runs. */
#include "base/idmap.h"

#include "base/memory.h"
#include "support/unit.h"

#include <stdlib.h>
#include <string.h>

#define KEYS 3000u

static uint8_t keys[KEYS][16];
static void *model[KEYS];
static int values[KEYS];

static uint32_t random_state = 12345;

static uint32_t next_random(void)
{
    random_state = random_state * 1664525u + 1013904223u;
    return random_state >> 8;
}

static int make_keys(void **state)
{
    (void)state;
    memset(model, 0, sizeof(model));
    for (uint32_t i = 0; i < KEYS; i++)
        memcpy(keys[i] + 12, &i, sizeof(i));
    return 0;
}

static void *get(const acurast__idmap *map, size_t i)
{
    return acurast__idmap_get(map, keys[i], acurast__id_hash(keys[i]));
}

static bool put(acurast__idmap *map, size_t i, void *value)
{
    return acurast__idmap_put(map, keys[i], acurast__id_hash(keys[i]), value);
}

static void *take(acurast__idmap *map, size_t i)
{
    return acurast__idmap_remove(map, keys[i], acurast__id_hash(keys[i]));
}

static void assert_as_model(const acurast__idmap *map)
{
    size_t count = 0, walked = 0, cursor = 0;
    for (size_t i = 0; i < KEYS; i++) {
        assert_ptr_equal(get(map, i), model[i]);
        count += model[i] != NULL;
    }
    assert_int_equal(map->count, count);
    const uint8_t *key;
    void *value;
    while (acurast__idmap_next(map, &cursor, &key, &value)) {
        uint32_t i;
        memcpy(&i, key + 12, sizeof(i));
        assert_ptr_equal(model[i], value);
        walked++;
    }
    assert_int_equal(walked, count);
}

static void test_an_empty_map_has_nothing(void **state)
{
    (void)state;
    acurast__idmap map;
    acurast__idmap_init(&map);
    assert_null(get(&map, 0));
    assert_null(take(&map, 0));
    assert_as_model(&map);
    acurast__idmap_clear(&map);
}

static void test_put_replaces(void **state)
{
    (void)state;
    acurast__idmap map;
    acurast__idmap_init(&map);
    assert_true(put(&map, 1, &values[1]));
    assert_true(put(&map, 1, &values[2]));
    assert_int_equal(map.count, 1);
    assert_ptr_equal(get(&map, 1), &values[2]);
    assert_ptr_equal(take(&map, 1), &values[2]);
    assert_null(take(&map, 1));
    acurast__idmap_clear(&map);
    assert_null(get(&map, 1));
}

static void test_random_changes_agree_with_a_model(void **state)
{
    (void)state;
    acurast__idmap map;
    acurast__idmap_init(&map);
    for (int round = 0; round < 40000; round++) {
        size_t span = round < 20000 ? KEYS : 64;
        size_t i = next_random() % span;
        if (next_random() % 2) {
            model[i] = &values[next_random() % KEYS];
            assert_true(put(&map, i, model[i]));
        } else {
            assert_ptr_equal(take(&map, i), model[i]);
            model[i] = NULL;
        }
        if (round % 1000 == 0)
            assert_as_model(&map);
    }
    assert_as_model(&map);
    acurast__idmap_clear(&map);
}

/* Hashes chosen by the caller: everything at home in the last two slots, so that runs go round the end of the table. */
static void test_runs_that_wrap_survive_removals(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < 200; seed++) {
        acurast__idmap map;
        acurast__idmap_init(&map);
        size_t wrapping[10], count = 0;
        for (size_t i = seed; count < 10 && i < KEYS; i++) {
            if ((acurast__id_hash(keys[i]) & 15) >= 13)
                wrapping[count++] = i;
        }
        assert_int_equal(count, 10);
        for (size_t i = 0; i < 10; i++)
            assert_true(put(&map, wrapping[i], &values[i]));
        assert_int_equal(map.capacity, 16);
        size_t first = next_random() % 10;
        for (size_t n = 0; n < 10; n++) {
            size_t gone = (first + n * 3) % 10;
            assert_ptr_equal(take(&map, wrapping[gone]), &values[gone]);
            for (size_t m = n + 1; m < 10; m++)
                assert_ptr_equal(get(&map, wrapping[(first + m * 3) % 10]), &values[(first + m * 3) % 10]);
        }
        acurast__idmap_clear(&map);
    }
}

static void test_it_grows_and_shrinks(void **state)
{
    (void)state;
    acurast__idmap map;
    acurast__idmap_init(&map);
    for (size_t i = 0; i < KEYS; i++) {
        assert_true(put(&map, i, &values[i]));
        assert_true(map.count * 4 <= map.capacity * 3);
    }
    size_t largest = map.capacity;
    for (size_t i = 0; i < KEYS; i++) {
        assert_ptr_equal(take(&map, i), &values[i]);
        assert_true(map.capacity <= 16 || map.count * 8 >= map.capacity);
    }
    assert_int_equal(map.count, 0);
    assert_true(map.capacity < largest);
    acurast__idmap_clear(&map);
}

static void test_without_memory_the_map_stays_as_it_was(void **state)
{
    (void)state;
    acurast__idmap map;
    acurast__idmap_init(&map);
    acurast__memory_fail_at(1);
    assert_false(put(&map, 0, &values[0]));
    for (size_t i = 0; i < 12; i++) {
        assert_true(put(&map, i, &values[i]));
        model[i] = &values[i];
    }
    assert_int_equal(map.capacity, 16);
    acurast__memory_fail_at(1);
    assert_false(put(&map, 12, &values[12]));
    assert_as_model(&map);
    acurast__memory_fail_at(1);
    assert_true(put(&map, 3, &values[4])); /* replacing needs none */
    acurast__memory_fail_at(0);
    model[3] = &values[4];
    assert_true(put(&map, 12, &values[12]));
    assert_int_equal(map.capacity, 32);
    model[12] = &values[12];
    for (size_t i = 0; i < 10; i++) { /* shrinking fails: no harm */
        acurast__memory_fail_at(1);
        assert_non_null(take(&map, i));
        model[i] = NULL;
    }
    acurast__memory_fail_at(0);
    assert_as_model(&map);
    acurast__idmap_clear(&map);
}

static void test_the_hash_depends_on_every_byte(void **state)
{
    (void)state;
    uint8_t key[16] = {0};
    uint64_t hash = acurast__id_hash(key);
    assert_true(hash == acurast__id_hash(key));
    for (size_t i = 0; i < 16; i++) {
        key[i] ^= 1;
        assert_true(hash != acurast__id_hash(key));
        key[i] ^= 1;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_an_empty_map_has_nothing, make_keys),
        cmocka_unit_test_setup(test_put_replaces, make_keys),
        cmocka_unit_test_setup(test_random_changes_agree_with_a_model, make_keys),
        cmocka_unit_test_setup(test_runs_that_wrap_survive_removals, make_keys),
        cmocka_unit_test_setup(test_it_grows_and_shrinks, make_keys),
        cmocka_unit_test_setup(test_without_memory_the_map_stays_as_it_was, make_keys),
        cmocka_unit_test_setup(test_the_hash_depends_on_every_byte, make_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
