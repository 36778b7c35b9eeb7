// Leaves undone what its argument says, ten times, so that it can be seen that a leak check sees it; "nothing" is
// undone by whoever does everything.

#include "test.h"

enum { TIMES = 10 };

static backrun_engine *engine;

static bool leaks(const char *what, const char *this) {
    return strcmp(what, this) == 0;
}

static void use_once(const char *what, int64_t id) {
    backrun_error *error = NULL;
    CHECK_INT(BACKRUN_NOT_FOUND, backrun_engine_wait(engine, INT64_MAX, 0, &(backrun_task_status *){NULL}, &error));
    if (!leaks(what, "errors")) {
        backrun_error_free(error);
    }
    backrun_task_status *status = NULL;
    OK(backrun_engine_wait(engine, id, 0, &status, E));
    if (!leaks(what, "statuses")) {
        backrun_task_status_free(status);
    }
    backrun_buffer *payload = NULL;
    OK(backrun_engine_payload(engine, id, &payload, E));
    if (!leaks(what, "buffers")) {
        backrun_buffer_free(payload);
    }
    backrun_stats *stats = NULL;
    OK(backrun_engine_stats(engine, &stats, E));
    if (!leaks(what, "statistics")) {
        backrun_stats_free(stats);
    }
    backrun_engine *other = engine_with(1);
    backrun_shutdown_report *report = NULL;
    OK(backrun_engine_shutdown(other, BACKRUN_SHUTDOWN_DRAIN, -1, &report, E));
    if (!leaks(what, "reports")) {
        backrun_shutdown_report_free(report);
    }
    if (!leaks(what, "engines")) {
        backrun_engine_free(other);
    }
}

static const char *what_to_leak;

TEST(everything_is_freed_but_what_is_said) {
    static const char *const known[] = {"nothing", "errors", "statuses", "buffers", "statistics", "reports", "engines"};
    what_to_leak = getenv("LEAK");
    bool is_known = false;
    for (size_t i = 0; what_to_leak != NULL && i < sizeof known / sizeof known[0]; i++) {
        is_known = is_known || leaks(what_to_leak, known[i]);
    }
    CHECK(is_known);
    engine = engine_with(1);
    hold hold = HOLD;
    register_hold(engine, "hold", &hold);
    submit(engine, "hold");
    gate_wait(&hold.entered, 1);
    int64_t id = submit(engine, "hold");
    for (int i = 0; i < TIMES; i++) {
        use_once(what_to_leak, id);
    }
    gate_add(&hold.may_leave, 1);
    finish(engine);
    engine = NULL;
}
