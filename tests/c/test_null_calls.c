// NULL, row by row of the header: functions that can fail. NULL where it may not be is BACKRUN_INVALID_ARGUMENT, an out
// pointer is NULL afterwards, and a call without `out_error` gives the same code.

#include "test.h"

#define ROW(function) TEST(null_##function)
#define INVALID(call) FAILS(BACKRUN_INVALID_ARGUMENT, "NULL", call)

static const backrun_str EMPTY = {NULL, 0};
static const backrun_str WRONG = {NULL, 1};

static backrun_engine *engine_with_nothing(void) {
    backrun_engine *engine = engine_with(1);
    register_run(engine, "nothing", run_done, NULL);
    return engine;
}

ROW(backrun_engine_new) {
    backrun_engine_options options = options_with(1);
    backrun_engine *made = (void *)1;
    INVALID(backrun_engine_new(NULL, &made, E));
    CHECK(made == NULL);
    INVALID(backrun_engine_new(&options, NULL, E));
    CHECK_INT(BACKRUN_INVALID_ARGUMENT, backrun_engine_new(NULL, NULL, NULL));
    CHECK_INT(BACKRUN_OK, backrun_engine_new(&options, &made, NULL));
    backrun_engine_free(made);
}

ROW(backrun_engine_shutdown) {
    backrun_shutdown_report *report = (void *)1;
    INVALID(backrun_engine_shutdown(NULL, BACKRUN_SHUTDOWN_DRAIN, 0, &report, E));
    CHECK(report == NULL);
    CHECK_INT(BACKRUN_INVALID_ARGUMENT, backrun_engine_shutdown(NULL, BACKRUN_SHUTDOWN_DRAIN, 0, NULL, NULL));
    backrun_engine *engine = engine_with_nothing();
    CHECK_INT(BACKRUN_OK, backrun_engine_shutdown(engine, BACKRUN_SHUTDOWN_DRAIN, -1, NULL, NULL));
    backrun_engine_free(engine);
}

ROW(backrun_engine_register) {
    backrun_engine *engine = engine_with_nothing();
    backrun_handler handler = {.struct_size = sizeof handler, .run = run_done};
    INVALID(backrun_engine_register(NULL, str("name"), &handler, NULL, E));
    INVALID(backrun_engine_register(engine, WRONG, &handler, NULL, E));
    FAILS(BACKRUN_INVALID_ARGUMENT, "empty", backrun_engine_register(engine, EMPTY, &handler, NULL, E));
    INVALID(backrun_engine_register(engine, str("name"), NULL, NULL, E));
    handler.run = NULL;
    FAILS(BACKRUN_INVALID_ARGUMENT, "backrun_handler.run",
        backrun_engine_register(engine, str("name"), &handler, NULL, E));
    CHECK_INT(BACKRUN_INVALID_ARGUMENT, backrun_engine_register(engine, str("name"), NULL, NULL, NULL));
    finish(engine);
}

ROW(backrun_engine_wait) {
    backrun_engine *engine = engine_with_nothing();
    int64_t id = submit(engine, "nothing");
    backrun_task_status *status = (void *)1;
    INVALID(backrun_engine_wait(NULL, id, 0, &status, E));
    CHECK(status == NULL);
    INVALID(backrun_engine_wait(engine, id, 0, NULL, E));
    CHECK_INT(BACKRUN_INVALID_ARGUMENT, backrun_engine_wait(NULL, id, 0, NULL, NULL));
    CHECK_INT(BACKRUN_OK, backrun_engine_wait(engine, id, 0, &status, NULL));
    backrun_task_status_free(status);
    finish(engine);
}

ROW(backrun_engine_payload) {
    backrun_engine *engine = engine_with_nothing();
    backrun_buffer *buffer = (void *)1;
    INVALID(backrun_engine_payload(NULL, 1, &buffer, E));
    CHECK(buffer == NULL);
    INVALID(backrun_engine_payload(engine, 1, NULL, E));
    CHECK_INT(BACKRUN_INVALID_ARGUMENT, backrun_engine_payload(NULL, 1, NULL, NULL));
    finish(engine);
}

ROW(backrun_engine_cancel) {
    backrun_engine *engine = engine_with_nothing();
    int64_t id = submit(engine, "nothing");
    uint32_t what = 77;
    INVALID(backrun_engine_cancel(NULL, id, EMPTY, &what, E));
    CHECK_INT(0, what);
    INVALID(backrun_engine_cancel(engine, id, WRONG, NULL, E));
    OK(backrun_engine_cancel(engine, id, EMPTY, NULL, E));
    CHECK_INT(BACKRUN_OK, backrun_engine_cancel(engine, id, EMPTY, NULL, NULL));
    finish(engine);
}

ROW(backrun_engine_list) {
    backrun_engine *engine = engine_with_nothing();
    backrun_task_list *list = (void *)1;
    INVALID(backrun_engine_list(NULL, NULL, &list, E));
    CHECK(list == NULL);
    INVALID(backrun_engine_list(engine, NULL, NULL, E));
    backrun_filter filter = {.struct_size = sizeof filter, .task_name = WRONG};
    INVALID(backrun_engine_list(engine, &filter, &list, E));
    CHECK(list == NULL);
    filter = (backrun_filter){.struct_size = sizeof filter, .queue = WRONG};
    INVALID(backrun_engine_list(engine, &filter, &list, E));
    CHECK_INT(BACKRUN_OK, backrun_engine_list(engine, NULL, &list, NULL));
    backrun_task_list_free(list);
    finish(engine);
}

ROW(backrun_engine_replay) {
    backrun_engine *engine = engine_with_nothing();
    INVALID(backrun_engine_replay(NULL, 1, E));
    CHECK_INT(BACKRUN_NOT_FOUND, backrun_engine_replay(engine, 1, NULL));
    finish(engine);
}

ROW(backrun_engine_purge) {
    backrun_engine *engine = engine_with_nothing();
    uint64_t count = 77;
    INVALID(backrun_engine_purge(NULL, NULL, &count, E));
    CHECK_INT(0, (long long)count);
    backrun_filter filter = {.struct_size = sizeof filter, .queue = WRONG};
    INVALID(backrun_engine_purge(engine, &filter, &count, E));
    OK(backrun_engine_purge(engine, NULL, NULL, E));
    CHECK_INT(BACKRUN_OK, backrun_engine_purge(engine, NULL, NULL, NULL));
    finish(engine);
}

static void hear(void *user_data, int32_t code, const backrun_task_status *status) {
    (void)user_data, (void)code, (void)status;
}

static void hear_of_end(void *user_data, int64_t id, int64_t lease, uint32_t state) {
    (void)user_data, (void)id, (void)lease, (void)state;
}

ROW(backrun_engine_tell_end) {
    backrun_engine_options options = options_with(1);
    options.on_end = hear_of_end; // No user data.
    backrun_engine *engine = engine_of(options);
    register_run(engine, "nothing", run_done, NULL);
    int64_t id = submit(engine, "nothing"), lease = 77;
    uint32_t state = 77;
    INVALID(backrun_engine_tell_end(NULL, id, &state, &lease, E));
    CHECK(state == 0 && lease == 0);
    INVALID(backrun_engine_tell_end(engine, id, NULL, &lease, E));
    CHECK_INT(BACKRUN_INVALID_ARGUMENT, backrun_engine_tell_end(engine, id, NULL, NULL, NULL));
    CHECK_INT(BACKRUN_OK, backrun_engine_tell_end(engine, id, &state, NULL, NULL));
    finish(engine);
}

ROW(backrun_engine_watch) {
    backrun_engine *engine = engine_with_nothing();
    int64_t id = submit(engine, "nothing");
    INVALID(backrun_engine_watch(NULL, id, hear, NULL, E));
    INVALID(backrun_engine_watch(engine, id, NULL, NULL, E));
    CHECK_INT(BACKRUN_INVALID_ARGUMENT, backrun_engine_watch(engine, id, NULL, NULL, NULL));
    CHECK_INT(BACKRUN_OK, backrun_engine_watch(engine, id, hear, NULL, NULL));
    finish(engine);
}

ROW(backrun_engine_set_event_kinds) {
    backrun_engine *engine = engine_with_nothing();
    INVALID(backrun_engine_set_event_kinds(NULL, 0, E));
    CHECK_INT(BACKRUN_OK, backrun_engine_set_event_kinds(engine, 0, NULL));
    finish(engine);
}

ROW(backrun_engine_configure_queue) {
    backrun_engine *engine = engine_with_nothing();
    backrun_queue_options options = {.struct_size = sizeof options};
    INVALID(backrun_engine_configure_queue(NULL, &options, E));
    INVALID(backrun_engine_configure_queue(engine, NULL, E));
    options.name = WRONG;
    INVALID(backrun_engine_configure_queue(engine, &options, E));
    options.name = EMPTY;
    CHECK_INT(BACKRUN_OK, backrun_engine_configure_queue(engine, &options, NULL));
    finish(engine);
}

ROW(backrun_engine_pause) {
    backrun_engine *engine = engine_with_nothing();
    INVALID(backrun_engine_pause(NULL, EMPTY, E));
    INVALID(backrun_engine_pause(engine, WRONG, E));
    CHECK_INT(BACKRUN_OK, backrun_engine_pause(engine, EMPTY, NULL));
    finish(engine);
}

ROW(backrun_engine_resume) {
    backrun_engine *engine = engine_with_nothing();
    INVALID(backrun_engine_resume(NULL, EMPTY, E));
    INVALID(backrun_engine_resume(engine, WRONG, E));
    CHECK_INT(BACKRUN_OK, backrun_engine_resume(engine, EMPTY, NULL));
    finish(engine);
}

ROW(backrun_engine_advance_time) {
    INVALID(backrun_engine_advance_time(NULL, 1, E));
    CHECK_INT(BACKRUN_INVALID_ARGUMENT, backrun_engine_advance_time(NULL, 1, NULL));
}

ROW(backrun_engine_jump_wall_clock) {
    INVALID(backrun_engine_jump_wall_clock(NULL, 1, E));
    CHECK_INT(BACKRUN_INVALID_ARGUMENT, backrun_engine_jump_wall_clock(NULL, 1, NULL));
}

ROW(backrun_engine_stats) {
    backrun_engine *engine = engine_with_nothing();
    backrun_stats *stats = (void *)1;
    INVALID(backrun_engine_stats(NULL, &stats, E));
    CHECK(stats == NULL);
    INVALID(backrun_engine_stats(engine, NULL, E));
    CHECK_INT(BACKRUN_OK, backrun_engine_stats(engine, &stats, NULL));
    backrun_stats_free(stats);
    finish(engine);
}

ROW(backrun_stats_value) {
    backrun_engine *engine = engine_with_nothing();
    backrun_stats *stats = NULL;
    OK(backrun_engine_stats(engine, &stats, E));
    uint64_t value = 77;
    INVALID(backrun_stats_value(NULL, BACKRUN_STAT_ACCEPTED, &value, E));
    CHECK_INT(0, (long long)value);
    INVALID(backrun_stats_value(stats, BACKRUN_STAT_ACCEPTED, NULL, E));
    CHECK_INT(BACKRUN_OK, backrun_stats_value(stats, BACKRUN_STAT_ACCEPTED, &value, NULL));
    backrun_stats_free(stats);
    finish(engine);
}

ROW(backrun_stats_queue_value) {
    backrun_engine *engine = engine_with_nothing();
    backrun_stats *stats = NULL;
    OK(backrun_engine_stats(engine, &stats, E));
    uint64_t value = 77;
    INVALID(backrun_stats_queue_value(NULL, 0, BACKRUN_STAT_ACCEPTED, &value, E));
    CHECK_INT(0, (long long)value);
    INVALID(backrun_stats_queue_value(stats, 0, BACKRUN_STAT_ACCEPTED, NULL, E));
    CHECK_INT(BACKRUN_OK, backrun_stats_queue_value(stats, 0, BACKRUN_STAT_ACCEPTED, &value, NULL));
    CHECK_INT(BACKRUN_NOT_FOUND, backrun_stats_queue_value(stats, 1, BACKRUN_STAT_ACCEPTED, &value, NULL));
    backrun_stats_free(stats);
    finish(engine);
}

ROW(backrun_stats_task_name_duration) {
    backrun_engine *engine = engine_with_nothing();
    backrun_stats *stats = NULL;
    OK(backrun_engine_stats(engine, &stats, E));
    uint64_t value = 77;
    INVALID(backrun_stats_task_name_duration(NULL, 0, BACKRUN_DURATION_RAN_COUNT, &value, E));
    CHECK_INT(0, (long long)value);
    INVALID(backrun_stats_task_name_duration(stats, 0, BACKRUN_DURATION_RAN_COUNT, NULL, E));
    size_t count = backrun_stats_task_name_count(stats);
    CHECK_INT(
        BACKRUN_NOT_FOUND, backrun_stats_task_name_duration(stats, count, BACKRUN_DURATION_RAN_COUNT, &value, NULL));
    backrun_stats_free(stats);
    finish(engine);
}

ROW(backrun_engine_submit) {
    backrun_engine *engine = engine_with_nothing();
    backrun_submission submission = submission_of("nothing");
    int64_t id = 77;
    INVALID(backrun_engine_submit(NULL, &submission, &id, E));
    CHECK_INT(0, id);
    INVALID(backrun_engine_submit(engine, NULL, &id, E));
    submission.header_count = 1;
    INVALID(backrun_engine_submit(engine, &submission, &id, E));
    submission.header_count = 0;
    OK(backrun_engine_submit(engine, &submission, NULL, E));
    submission.payload = (backrun_bytes){NULL, 0};
    CHECK_INT(BACKRUN_OK, backrun_engine_submit(engine, &submission, NULL, NULL));
    finish(engine);
}

ROW(backrun_engine_submit_many) {
    backrun_engine *engine = engine_with_nothing();
    backrun_submission submission = submission_of("nothing");
    int64_t id = 77;
    INVALID(backrun_engine_submit_many(NULL, &submission, 1, &id, E));
    CHECK_INT(0, id);
    id = 77;
    INVALID(backrun_engine_submit_many(engine, NULL, 1, &id, E));
    CHECK_INT(0, id);
    OK(backrun_engine_submit_many(engine, NULL, 0, NULL, E));
    OK(backrun_engine_submit_many(engine, &submission, 1, NULL, E));
    CHECK_INT(BACKRUN_OK, backrun_engine_submit_many(engine, &submission, 1, &id, NULL));
    finish(engine);
}

ROW(backrun_engine_task_number) {
    backrun_engine *engine = engine_with_nothing();
    uint32_t number = 77;
    INVALID(backrun_engine_task_number(NULL, str("nothing"), &number, E));
    CHECK_INT(0, number);
    INVALID(backrun_engine_task_number(engine, str("nothing"), NULL, E));
    INVALID(backrun_engine_task_number(engine, WRONG, &number, E));
    FAILS(BACKRUN_INVALID_ARGUMENT, "empty", backrun_engine_task_number(engine, EMPTY, &number, E));
    CHECK_INT(BACKRUN_OK, backrun_engine_task_number(engine, str("nothing"), &number, NULL));
    CHECK(number > 0);
    finish(engine);
}

static void submitted(void *user_data, int32_t code, int64_t id) {
    (void)user_data, (void)code, (void)id;
}

ROW(backrun_engine_submit_async) {
    backrun_engine *engine = engine_with_nothing();
    backrun_submission submission = submission_of("nothing");
    INVALID(backrun_engine_submit_async(NULL, &submission, submitted, NULL, E));
    INVALID(backrun_engine_submit_async(engine, NULL, submitted, NULL, E));
    INVALID(backrun_engine_submit_async(engine, &submission, NULL, NULL, E));
    CHECK_INT(BACKRUN_OK, backrun_engine_submit_async(engine, &submission, submitted, NULL, NULL));
    finish(engine);
}

ROW(backrun_task_settle) {
    backrun_engine *engine = engine_with_nothing();
    backrun_outcome outcome = {.struct_size = sizeof outcome};
    INVALID(backrun_task_settle(NULL, 1, 1, &outcome, E));
    INVALID(backrun_task_settle(engine, 1, 1, NULL, E));
    outcome.result = (backrun_bytes){NULL, 1};
    INVALID(backrun_task_settle(engine, 1, 1, &outcome, E));
    outcome.result.len = 0;
    CHECK_INT(BACKRUN_NOT_FOUND, backrun_task_settle(engine, 1, 1, &outcome, NULL));
    finish(engine);
}

ROW(backrun_engine_set_progress) {
    backrun_engine *engine = engine_with_nothing();
    INVALID(backrun_engine_set_progress(NULL, 1, 1, 0.5, EMPTY, E));
    INVALID(backrun_engine_set_progress(engine, 1, 1, 0.5, WRONG, E));
    CHECK_INT(BACKRUN_NOT_FOUND, backrun_engine_set_progress(engine, 1, 1, 0.5, EMPTY, NULL));
    finish(engine);
}

// Functions of a running task: first without one, then inside a run.

static void say_nothing(backrun_task *task, void *argument) {
    (void)argument;
    INVALID(backrun_task_fail(task, WRONG, E));
    CHECK_INT(BACKRUN_OK, backrun_task_fail(task, EMPTY, NULL));
    INVALID(backrun_task_fail_with(task, NULL, E));
    CHECK_INT(BACKRUN_INVALID_ARGUMENT, backrun_task_fail_with(task, NULL, NULL));
    INVALID(backrun_task_set_progress(task, 0.5, WRONG, E));
    INVALID(backrun_task_set_result(task, (backrun_bytes){NULL, 1}, E));
    CHECK_INT(BACKRUN_OK, backrun_task_set_progress(task, 0.5, EMPTY, NULL));
    CHECK_INT(BACKRUN_OK, backrun_task_set_result(task, (backrun_bytes){NULL, 0}, NULL));
    CHECK_INT(BACKRUN_OK, backrun_task_retry_after(task, 0, NULL));
    CHECK_INT(0, (long long)backrun_task_header(task, EMPTY).len);
    CHECK_INT(0, (long long)backrun_task_header(task, WRONG).len);
}

ROW(backrun_task_fail) {
    INVALID(backrun_task_fail(NULL, str("why"), E));
    CHECK_INT(BACKRUN_INVALID_ARGUMENT, backrun_task_fail(NULL, EMPTY, NULL));
    backrun_engine *engine = engine_with_nothing();
    inside_run(engine, say_nothing, NULL);
    finish(engine);
}

ROW(backrun_task_fail_with) {
    backrun_failure failure = {.struct_size = sizeof failure};
    INVALID(backrun_task_fail_with(NULL, &failure, E));
    CHECK_INT(BACKRUN_INVALID_ARGUMENT, backrun_task_fail_with(NULL, NULL, NULL));
}

ROW(backrun_task_retry_after) {
    INVALID(backrun_task_retry_after(NULL, 0, E));
    CHECK_INT(BACKRUN_INVALID_ARGUMENT, backrun_task_retry_after(NULL, 0, NULL));
}

ROW(backrun_task_set_progress) {
    INVALID(backrun_task_set_progress(NULL, 0.5, EMPTY, E));
    CHECK_INT(BACKRUN_INVALID_ARGUMENT, backrun_task_set_progress(NULL, 0.5, EMPTY, NULL));
}

ROW(backrun_task_set_result) {
    INVALID(backrun_task_set_result(NULL, bytes("\xC0"), E));
    CHECK_INT(BACKRUN_INVALID_ARGUMENT, backrun_task_set_result(NULL, bytes("\xC0"), NULL));
}
