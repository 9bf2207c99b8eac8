/* How many cores a process may use: its affinity, and the quotas of its control groups as files tell them. */
#define _GNU_SOURCE // NOLINT(bugprone-reserved-identifier)
#include "support/unit.h"

#include "base/cores.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef __linux__
#include <sched.h>
#endif

static char root[64];

static void put(const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", root, name);
    for (char *slash = path + strlen(root) + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
        *slash = 0;
        mkdir(path, 0700);
    }
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void clean(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s/*", root);
    assert_int_equal(system(command), 0); // NOLINT(cert-env33-c)
}

static int make_root(void **state)
{
    (void)state;
    strcpy(root, "/tmp/acurast-cores-XXXXXX");
    return mkdtemp(root) ? 0 : 1;
}

static int remove_root(void **state)
{
    (void)state;
    clean();
    return rmdir(root);
}

static void expect(const char *groups, size_t cores)
{
    char path[128];
    put("self", groups);
    snprintf(path, sizeof path, "%s/self", root);
    assert_int_equal(acurast__cores_quota(path, root), cores);
}

static void version_2(void **state)
{
    (void)state;
    expect("0::/\n", 0);
    put("cpu.max", "max 100000\n");
    expect("0::/\n", 0);
    put("a/b/cpu.max", "150000 100000\n");
    expect("0::/a/b\n", 2);
    expect("0::/a\n", 0);
    expect("0::/a/b/c\n", 2); /* a group within, which has none of its own */
    put("a/cpu.max", "100000 100000\n");
    expect("0::/a/b\n", 1);
    put("a/cpu.max", "1000 100000\n");
    expect("0::/a/b\n", 1);
    put("cpu.max", "800000 100000\n");
    expect("0::/\n", 8);
    expect("0::/../other\n", 8); /* of another namespace: what is mounted counts */
    clean();
}

static void version_1(void **state)
{
    (void)state;
    put("cpu/a/cpu.cfs_quota_us", "250000\n");
    put("cpu/a/cpu.cfs_period_us", "100000\n");
    put("cpu/cpu.cfs_quota_us", "-1\n");
    put("cpu/cpu.cfs_period_us", "100000\n");
    expect("7:memory:/a\n4:cpu,cpuacct:/a\n", 3);
    expect("4:cpuacct,cpu:/a\n0::/\n", 3);
    expect("4:cpuset:/a\n5:cpuacct:/a\n", 0);
    expect("4:cpu:/\n", 0);
    clean();
}

static void nonsense(void **state)
{
    (void)state;
    put("cpu.max", "nothing\n");
    expect("", 0);
    expect("::::\n\n0\n0:\n0::\n0::/\n", 0);
    put("cpu.max", "5 0\n");
    expect("0::/\n", 0);
    char path[128];
    snprintf(path, sizeof path, "%s/none", root);
    assert_int_equal(acurast__cores_quota(path, root), 0);
    clean();
}

static void affinity(void **state)
{
    (void)state;
    size_t all = acurast__cores();
    assert_true(all >= 1);
#ifdef __linux__
    cpu_set_t before, one;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    assert_true(all <= (size_t)CPU_COUNT(&before));
    CPU_ZERO(&one);
    for (size_t i = 0; i < CPU_SETSIZE && !CPU_COUNT(&one); i++)
        if (CPU_ISSET(i, &before))
            CPU_SET(i, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    assert_int_equal(acurast__cores(), 1);
    assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
    assert_int_equal(acurast__cores(), all);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(version_2, make_root, remove_root),
        cmocka_unit_test_setup_teardown(version_1, make_root, remove_root),
        cmocka_unit_test_setup_teardown(nonsense, make_root, remove_root),
        cmocka_unit_test(affinity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
