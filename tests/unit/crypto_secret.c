/*
 * Secrets in guarded memory: whole, apart from each other, read-only, wiped, and in few pages.
 *
 * libsodium's allocator is counted, and can be made to refuse.
 */
#include "support/unit.h"

#include "base/memory.h"
#include "crypto/secret.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MANY 200
#define A_BOX 63
#define THREADS 4
#define TURNS 2000

static atomic_int pages;
static atomic_bool refuse;

/* In the program itself, so the library's calls come here first. */
void *sodium_allocarray(size_t count, size_t size)
{
    void *(*real)(size_t, size_t) = (void *(*)(size_t, size_t))dlsym(RTLD_NEXT, "sodium_allocarray");
    if (atomic_load(&refuse))
        return NULL;
    atomic_fetch_add(&pages, 1);
    return real(count, size);
}

void sodium_free(void *block)
{
    void (*real)(void *) = (void (*)(void *))dlsym(RTLD_NEXT, "sodium_free");
    atomic_fetch_sub(&pages, block != NULL);
    real(block);
}

static int ready(void **state)
{
    (void)state;
    atomic_store(&refuse, false);
    return sodium_init() < 0;
}

static void make(uint8_t bytes[ACURAST__SECRET_SIZE], unsigned seed)
{
    uint8_t key[randombytes_SEEDBYTES] = {(uint8_t)seed, (uint8_t)(seed >> 8), 1};
    randombytes_buf_deterministic(bytes, ACURAST__SECRET_SIZE, key);
}

static void keep(acurast__secret *secret, unsigned seed)
{
    uint8_t bytes[ACURAST__SECRET_SIZE];
    make(bytes, seed);
    assert_true(acurast__secret_keep(secret, bytes));
}

static void check(const acurast__secret *secret, unsigned seed)
{
    uint8_t bytes[ACURAST__SECRET_SIZE];
    make(bytes, seed);
    assert_memory_equal(secret->bytes, bytes, sizeof bytes);
}

/* Every other one is dropped and kept anew, so that cells are used a second time. */
static void keep_many(acurast__secret secrets[MANY])
{
    for (unsigned i = 0; i < MANY; i++)
        keep(&secrets[i], i);
    for (unsigned i = 0; i < MANY; i += 2)
        acurast__secret_drop(&secrets[i]);
    for (unsigned i = 0; i < MANY; i += 2)
        keep(&secrets[i], i);
    for (unsigned i = 0; i < MANY; i++)
        check(&secrets[i], i);
}

static void drop_many(acurast__secret secrets[MANY])
{
    for (unsigned i = 0; i < MANY; i++)
        acurast__secret_drop(&secrets[i]);
}

static void many_share_few_pages_and_the_last_gives_them_back(void **state)
{
    (void)state;
    acurast__secret secrets[MANY];
    keep_many(secrets);
    assert_int_equal(atomic_load(&pages), (MANY + A_BOX - 1) / A_BOX);
    drop_many(secrets);
    assert_int_equal(atomic_load(&pages), 0);
}

static void without_guarded_memory_plain_memory_does(void **state)
{
    (void)state;
    acurast__secret secrets[MANY];
    atomic_store(&refuse, true);
    keep_many(secrets);
    assert_int_equal(atomic_load(&pages), 0);
    drop_many(secrets);
}

static void without_any_memory_it_says_so(void **state)
{
    (void)state;
    uint8_t bytes[ACURAST__SECRET_SIZE] = {1};
    acurast__secret secret = {0};
    atomic_store(&refuse, true);
    for (int site = 1; site <= 2; site++) {
        acurast__memory_fail_at(site);
        assert_false(acurast__secret_keep(&secret, bytes));
        acurast__memory_fail_at(0);
        assert_null(secret.bytes);
        acurast__secret_drop(&secret);
    }
}

/* The neighbour keeps the box, so that the cell can still be looked at. */
static void a_dropped_secret_is_wiped(void **state)
{
    (void)state;
    const uint8_t nothing[ACURAST__SECRET_SIZE] = {0};
    for (int guarded = 0; guarded < 2; guarded++) {
        acurast__secret gone, neighbour;
        atomic_store(&refuse, !guarded);
        keep(&neighbour, 1);
        keep(&gone, 2);
        const uint8_t *cell = gone.bytes;
        acurast__secret_drop(&gone);
        assert_null(gone.bytes);
        assert_memory_equal(cell, nothing, sizeof nothing);
        check(&neighbour, 1);
        acurast__secret_drop(&neighbour);
    }
}

#ifdef __linux__
/* The rights of the mapping that holds the address, as "r--p". */
static void rights_of(const void *address, char rights[5])
{
    char line[512];
    uintptr_t from, to, at = (uintptr_t)address;
    FILE *maps = fopen("/proc/self/maps", "r");
    assert_non_null(maps);
    rights[0] = '\0';
    while (fgets(line, sizeof line, maps))
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s", &from, &to, rights) == 3 && at >= from && at < to)
            break;
    fclose(maps);
}

static void nobody_can_write_to_a_kept_secret(void **state)
{
    (void)state;
    acurast__secret first, second;
    char rights[5];
    keep(&first, 1);
    keep(&second, 2);
    rights_of(first.bytes, rights);
    assert_string_equal(rights, "r--p");
    acurast__secret_drop(&second);
    rights_of(first.bytes, rights);
    assert_string_equal(rights, "r--p");
    acurast__secret_drop(&first);
}
#endif

static void *come_and_go(void *seed)
{
    unsigned mine = *(unsigned *)seed;
    acurast__secret secrets[3];
    for (unsigned turn = 0; turn < TURNS; turn++) {
        for (unsigned i = 0; i < ARRAY_SIZE(secrets); i++)
            keep(&secrets[i], mine + i);
        for (unsigned i = 0; i < ARRAY_SIZE(secrets); i++) {
            check(&secrets[i], mine + i);
            acurast__secret_drop(&secrets[i]);
        }
    }
    return NULL;
}

static void threads_do_not_disturb_each_other(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    unsigned seeds[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        seeds[i] = i * 10;
        assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, &seeds[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&pages), 0);
}

static void a_child_uses_what_its_parent_kept(void **state)
{
    (void)state;
    acurast__secret secret, own;
    keep(&secret, 1);
    pid_t child = fork();
    if (child == 0) {
        check(&secret, 1);
        keep(&own, 2);
        check(&own, 2);
        acurast__secret_drop(&own);
        acurast__secret_drop(&secret);
        _exit(0);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    check(&secret, 1);
    acurast__secret_drop(&secret);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(many_share_few_pages_and_the_last_gives_them_back, ready),
        cmocka_unit_test_setup(without_guarded_memory_plain_memory_does, ready),
        cmocka_unit_test_setup(without_any_memory_it_says_so, ready),
        cmocka_unit_test_setup(a_dropped_secret_is_wiped, ready),
#ifdef __linux__
        cmocka_unit_test_setup(nobody_can_write_to_a_kept_secret, ready),
#endif
        cmocka_unit_test_setup(threads_do_not_disturb_each_other, ready),
        cmocka_unit_test_setup(a_child_uses_what_its_parent_kept, ready),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
