/* Sentences 37 to 39 of core/docs/threading.md: fork. And that every sentence of that page has its test. */
#include "support/client_kit.h"

#include <ctype.h>

/* The child answers by its exit code: the number of the first check that failed, or 0. */
#define CHILD_CHECK(number, condition)                                                                                 \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            _exit(number);                                                                                             \
    } while (0)

static int exit_code_of(pid_t pid)
{
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void child_uses_parents_objects(acurast_context *context, acurast_service *service, acurast_client *client,
                                       acurast_queue *queue)
{
    acurast_event_view view = {.size = sizeof view};
    acurast_client_stats stats = {.size = sizeof stats};
    acurast_options *options = NULL;
    acurast_client *another;
    acurast_queue *another_queue;
    size_t count = 0;
    const uint8_t *id = acurast_client_id(client);
    acurast_options_create(ACURAST_SCOPE_CLIENT, &options);
    acurast_options_set(options, "url", "ws://127.0.0.1:9");
    CHILD_CHECK(1, acurast_client_send(client, id, 16, "x", 1, NULL, NULL) == ACURAST_FORKED);
    CHILD_CHECK(2, acurast_client_cancel(client, 1) == ACURAST_FORKED);
    CHILD_CHECK(3, acurast_client_wait(client, -1) == ACURAST_FORKED);
    CHILD_CHECK(4, acurast_client_connect(client) == ACURAST_FORKED);
    CHILD_CHECK(5, acurast_client_close(client) == ACURAST_FORKED);
    CHILD_CHECK(6, acurast_client_get_stats(client, &stats) == ACURAST_FORKED);
    CHILD_CHECK(7, acurast_client_set_queue(client, queue, 0) == ACURAST_FORKED);
    CHILD_CHECK(8, acurast_client_set_callback(client, kit_on_event, NULL, NULL) == ACURAST_FORKED);
    CHILD_CHECK(9, acurast_client_create(context, options, NULL, &another) == ACURAST_FORKED);
    CHILD_CHECK(10, acurast_context_close(context) == ACURAST_FORKED);
    CHILD_CHECK(11, acurast_context_wait(context, -1) == ACURAST_FORKED);
    CHILD_CHECK(12, acurast_queue_create(context, 0, 0, &another_queue) == ACURAST_FORKED);
    CHILD_CHECK(13, acurast_queue_take(queue, &view, 1, -1, &count) == ACURAST_FORKED);
    CHILD_CHECK(14, acurast_queue_done(queue) == ACURAST_FORKED);
    CHILD_CHECK(15, acurast_queue_wake(queue) == ACURAST_FORKED);
    CHILD_CHECK(16, acurast_queue_descriptor(queue) == -1);
    CHILD_CHECK(17, acurast_service_start(service) == ACURAST_FORKED);
    CHILD_CHECK(18, acurast_service_close(service) == ACURAST_FORKED);
    CHILD_CHECK(19, acurast_service_wait(service, -1) == ACURAST_FORKED);
    CHILD_CHECK(20, acurast_service_reload(service) == ACURAST_FORKED);
    CHILD_CHECK(31, acurast_client_look(client, id, 1, NULL, NULL) == ACURAST_FORKED);
    CHILD_CHECK(32, acurast_client_request(client, id, 16, "m", NULL, 0, NULL, NULL) == ACURAST_FORKED);
    CHILD_CHECK(33, acurast_client_serve(client, "m", 0) == ACURAST_FORKED);
    CHILD_CHECK(34, acurast_client_answer(client, 1, NULL, 0) == ACURAST_FORKED);
    CHILD_CHECK(35, acurast_client_answer_error(client, 1, 1, "", NULL, 0) == ACURAST_FORKED);
    CHILD_CHECK(36, acurast_client_progress(client, 1, "1", 1) == ACURAST_FORKED);
    int64_t objects = acurast_live_objects();
    acurast_client_release(client);
    acurast_queue_release(queue);
    acurast_service_release(service);
    acurast_context_release(context);
    CHILD_CHECK(21, acurast_live_objects() == objects);
    _exit(0);
}

static void test_37_child_gets_forked(void **state)
{
    acurast_queue *queue;
    (void)state;
    acurast_context *context = kit_context("1");
    acurast_service *service = kit_service(context, 0, NULL);
    acurast_client *client = kit_connected(context, acurast_service_url(service), NULL, NULL);
    assert_int_equal(acurast_queue_create(context, 0, 0, &queue), ACURAST_OK);
    pid_t pid = fork();
    if (pid == 0)
        child_uses_parents_objects(context, service, client, queue);
    assert_int_equal(exit_code_of(pid), 0);
    acurast_client_release(client);
    acurast_queue_release(queue);
    kit_context_end(context);
    acurast_service_release(service);
}

static void test_38_parent_is_not_disturbed(void **state)
{
    kit_log log;
    (void)state;
    kit_log_init(&log);
    acurast_context *context = kit_context("1");
    acurast_service *service = kit_service(context, 0, NULL);
    acurast_client *client = kit_connected(context, acurast_service_url(service), NULL, &log);
    pid_t pid = fork();
    if (pid == 0) {
        acurast_client_release(client);
        acurast_context_release(context);
        _exit(0);
    }
    assert_int_equal(exit_code_of(pid), 0);
    assert_int_equal(kit_send(client, acurast_client_id(client), "as before", NULL), ACURAST_OK);
    assert_true(kit_wait(&log, (kit_pattern){.type = ACURAST_EVENT_PAYLOAD}, 1));
    kit_client_end(client, &log);
    assert_int_equal(kit_count(&log, (kit_pattern){.type = ACURAST_EVENT_STATE, .state = ACURAST_STATE_DISCONNECTED}),
                     0);
    kit_context_end(context);
    acurast_service_release(service);
    kit_log_clear(&log);
}

/* In the child: a context of its own, and a client that talks to the parent's service. */
static void child_makes_its_own(const char *url)
{
    acurast_context *context;
    acurast_options *options;
    acurast_client *client;
    CHILD_CHECK(1, acurast_context_create(NULL, &context) == ACURAST_OK);
    CHILD_CHECK(2, acurast_options_create(ACURAST_SCOPE_CLIENT, &options) == ACURAST_OK);
    CHILD_CHECK(3, acurast_options_set(options, "url", url) == ACURAST_OK);
    CHILD_CHECK(4, acurast_client_create(context, options, NULL, &client) == ACURAST_OK);
    CHILD_CHECK(5, acurast_client_connect(client) == ACURAST_OK);
    CHILD_CHECK(6, acurast_client_wait(client, DEADLINE_MS) == ACURAST_OK);
    acurast_client_release(client);
    acurast_options_release(options);
    CHILD_CHECK(7, acurast_context_close(context) == ACURAST_OK);
    CHILD_CHECK(8, acurast_context_wait(context, DEADLINE_MS) == ACURAST_OK);
    acurast_context_release(context);
    _exit(0);
}

static void test_39_child_makes_its_own(void **state)
{
    (void)state;
#if SANITIZER_THREADS
    skip(); /* ThreadSanitizer does not let the child of a process with threads start its own */
#endif
    kit_log log;
    kit_log_init(&log);
    acurast_context *context = kit_context("1");
    acurast_service *service = kit_service(context, 0, NULL);
    const char *url = acurast_service_url(service);
    /* The I/O thread has opened its sockets and rests: AddressSanitizer's heap, unlike the C library's, does not survive a fork within it. */
    acurast_client *client = kit_connected(context, url, NULL, &log);
    pid_t pid = fork();
    if (pid == 0)
        child_makes_its_own(url);
    assert_int_equal(exit_code_of(pid), 0);
    kit_client_end(client, &log);
    kit_context_end(context);
    acurast_service_release(service);
    kit_log_clear(&log);
}

#define SENTENCES_MAX 200

static void note_sentences(bool *seen)
{
    char line[512];
    FILE *page = fopen(TESTS_DIR "/../core/docs/threading.md", "r");
    assert_non_null(page);
    while (fgets(line, sizeof line, page)) {
        char *end;
        long number = strtol(line, &end, 10);
        if (isdigit((unsigned char)line[0]) && *end == '.' && number > 0 && number < SENTENCES_MAX)
            seen[number] = true;
    }
    fclose(page);
}

/* Those that are in a list of tests, not only written down. */
static void note_tests(const char *name, bool *seen)
{
    char path[512], line[512];
    snprintf(path, sizeof path, "%s/integration/%s", TESTS_DIR, name);
    FILE *source = fopen(path, "r");
    assert_non_null(source);
    while (fgets(line, sizeof line, source))
        for (char *at = line; (at = strstr(at, "KIT_TEST(test_")); at++) {
            long number = strtol(at + strlen("KIT_TEST(test_"), NULL, 10);
            if (number > 0 && number < SENTENCES_MAX)
                seen[number] = true;
        }
    fclose(source);
}

static void test_every_sentence_has_its_test(void **state)
{
    static bool sentences[SENTENCES_MAX], tests[SENTENCES_MAX];
    struct dirent *entry;
    (void)state;
    note_sentences(sentences);
    DIR *folder = opendir(TESTS_DIR "/integration");
    assert_non_null(folder);
    while ((entry = readdir(folder)))
        if (strncmp(entry->d_name, "contract_", 9) == 0 && strstr(entry->d_name, ".c"))
            note_tests(entry->d_name, tests);
    closedir(folder);
    assert_true(sentences[1]);
    for (int i = 0; i < SENTENCES_MAX; i++)
        if (sentences[i] != tests[i])
            fail_msg("sentence %d has %s", i, tests[i] ? "a test, but is not in the page" : "no test");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(test_37_child_gets_forked),
        KIT_TEST(test_38_parent_is_not_disturbed),
        KIT_TEST(test_39_child_makes_its_own),
        cmocka_unit_test(test_every_sentence_has_its_test),
    };
    return cmocka_run_group_tests(tests, kit_warm_up, NULL);
}
