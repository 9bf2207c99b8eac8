/* Counters that are summed, and the text that is printed from them. */
#include "base/memory.h"
#include "service/metrics.h"

#include "support/unit.h"

#include <stdio.h>
#include <string.h>

static char *text_of(const acurast__metrics *sum)
{
    acurast__gauges gauges = {.connections = 7, .ready = true};
    size_t size;
    char *text = acurast__metrics_text(sum, &gauges, &size);
    assert_non_null(text);
    assert_int_equal(strlen(text), size);
    return text;
}

static void assert_line(const char *text, const char *line)
{
    char wanted[256];
    snprintf(wanted, sizeof wanted, "\n%s\n", line);
    if (!strstr(text, wanted))
        fail_msg("no line: %s", line);
}

static void counters_of_all_loops_are_summed(void **state)
{
    (void)state;
    acurast__metrics loops[2], sum;
    memset(loops, 0, sizeof loops);
    memset(&sum, 0, sizeof sum);
    for (size_t i = 0; i < 2; i++) {
        acurast__count(&loops[i].frames_in, 10 * (i + 1));
        acurast__count(&loops[i].drops[ACURAST__DROP_MAILBOX_FULL], 1);
        acurast__metrics_add(&sum, &loops[i]);
    }
    char *text = text_of(&sum);
    assert_line(text, "acurast_frames_in_total 30");
    assert_line(text, "acurast_dropped_frames_total{reason=\"mailbox_full\"} 2");
    assert_line(text, "acurast_connections 7");
    assert_line(text, "acurast_ready 1");
    acurast__free(text);
}

static void the_histogram_is_cumulative(void **state)
{
    (void)state;
    acurast__metrics sum;
    memset(&sum, 0, sizeof sum);
    acurast__metrics_accepted(&sum, 0);
    acurast__metrics_accepted(&sum, 5);
    acurast__metrics_accepted(&sum, 60000);
    char *text = text_of(&sum);
    assert_line(text, "acurast_handshake_seconds_bucket{le=\"0.001\"} 1");
    assert_line(text, "acurast_handshake_seconds_bucket{le=\"0.002\"} 1");
    assert_line(text, "acurast_handshake_seconds_bucket{le=\"0.005\"} 2");
    assert_line(text, "acurast_handshake_seconds_bucket{le=\"5\"} 2");
    assert_line(text, "acurast_handshake_seconds_bucket{le=\"+Inf\"} 3");
    assert_line(text, "acurast_handshake_seconds_count 3");
    assert_line(text, "acurast_handshake_seconds_sum 60.005");
    assert_line(text, "acurast_handshakes_total{result=\"accepted\"} 3");
    acurast__free(text);
}

static void every_ending_has_a_label_of_its_own(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ACURAST__ENDING_COUNT; i++)
        for (unsigned j = 0; j < i; j++)
            assert_string_not_equal(acurast__ending_info(i).label, acurast__ending_info(j).label);
}

static void endings_that_are_told_have_a_code_and_a_short_reason(void **state)
{
    (void)state;
    for (unsigned i = ACURAST__ENDING_TIMEOUT; i < ACURAST__ENDING_COUNT; i++) {
        acurast__refusal_info info = acurast__ending_info(i);
        assert_in_range(info.code, 1001, 4005);
        assert_in_range(strlen(info.reason), 1, 123);
    }
}

static void without_memory_there_is_no_text(void **state)
{
    (void)state;
    acurast__metrics sum;
    acurast__gauges gauges = {0};
    size_t size;
    memset(&sum, 0, sizeof sum);
    acurast__memory_fail_at(1);
    assert_null(acurast__metrics_text(&sum, &gauges, &size));
    acurast__memory_fail_at(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counters_of_all_loops_are_summed),
        cmocka_unit_test(the_histogram_is_cumulative),
        cmocka_unit_test(every_ending_has_a_label_of_its_own),
        cmocka_unit_test(endings_that_are_told_have_a_code_and_a_short_reason),
        cmocka_unit_test(without_memory_there_is_no_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
