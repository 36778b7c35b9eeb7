// What a run says of itself: how far it is, and what came out.

#include "test.h"

static const int64_t HOUR = 3600 * 1000;

static double progress_of(backrun_engine *engine, int64_t id) {
    backrun_task_status *status = status_of(engine, id);
    double progress = backrun_task_status_progress(status);
    backrun_task_status_free(status);
    return progress;
}

typedef struct saying {
    backrun_engine *engine;
    int32_t answer;
} saying;

static int32_t run_saying(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state) {
    (void)payload, (void)task_state;
    saying *saying = user_data;
    int64_t id = backrun_task_id(task);
    CHECK(progress_of(saying->engine, id) < 0);
    OK(backrun_task_set_progress(task, 0, str("at the start"), E));
    CHECK(progress_of(saying->engine, id) == 0);
    OK(backrun_task_set_progress(task, 0.5, str("half way"), E));
    FAILS(BACKRUN_INVALID_ARGUMENT, "the progress is 1.5", backrun_task_set_progress(task, 1.5, str(""), E));
    backrun_task_status *status = status_of(saying->engine, id);
    CHECK(backrun_task_status_progress(status) == 0.5);
    CHECK_TEXT("half way", backrun_task_status_progress_text(status));
    CHECK(backrun_task_status_result(status).len == 0);
    backrun_task_status_free(status);
    OK(backrun_task_set_result(task, bytes("a first result"), E));
    OK(backrun_task_set_result(task, bytes("the result"), E)); // The last one counts.
    return saying->answer;
}

static backrun_engine *engine_that_says(saying *saying, int64_t retention_ms) {
    backrun_engine *engine = engine_with_manual_time(1);
    saying->engine = engine;
    backrun_handler handler = {.struct_size = sizeof handler, .run = run_saying, .user_data = saying};
    backrun_task_options options = {.struct_size = sizeof options, .result_retention_ms = retention_ms};
    OK(backrun_engine_register(engine, str("say"), &handler, &options, E));
    return engine;
}

static void result_is(backrun_engine *engine, int64_t id, const char *expected) {
    backrun_task_status *status = status_of(engine, id);
    backrun_bytes result = backrun_task_status_result(status);
    CHECK_TEXT(expected, ((backrun_str){(const char *)result.data, result.len}));
    backrun_task_status_free(status);
}

TEST(progress_and_result_are_in_the_status_and_a_result_as_long_as_the_options_say) {
    saying saying = {.answer = BACKRUN_RUN_DONE};
    backrun_engine *engine = engine_that_says(&saying, 2 * HOUR);
    int64_t id = submit(engine, "say");
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, id));
    CHECK(progress_of(engine, id) == 0.5);
    advance(engine, 2 * HOUR - 1);
    result_is(engine, id, "the result");
    advance(engine, 2);
    result_is(engine, id, "");
    finish(engine);
}

TEST(the_result_of_a_failed_run_is_not_kept) {
    saying saying = {.answer = BACKRUN_RUN_FAILED};
    backrun_engine *engine = engine_that_says(&saying, 0);
    int64_t id = submit(engine, "say");
    CHECK_INT(BACKRUN_STATE_DEAD, wait_for_end(engine, id));
    result_is(engine, id, "");
    finish(engine);
}

static void leave_too_much(backrun_task *task, void *argument) {
    (void)argument;
    size_t size = 4 * 1024 * 1024;
    unsigned char *large = calloc(1, size + 1);
    FAILS(BACKRUN_TOO_LARGE, "4194305", backrun_task_set_result(task, (backrun_bytes){large, size + 1}, E));
    OK(backrun_task_set_result(task, (backrun_bytes){large, size}, E));
    char text[600];
    memset(text, 't', sizeof text);
    OK(backrun_task_set_progress(task, 1, (backrun_str){text, sizeof text}, E)); // Cut.
    free(large);
}

TEST(a_result_past_its_limit_is_refused_and_a_long_text_cut) {
    backrun_engine *engine = engine_with(1);
    inside_run(engine, leave_too_much, NULL);
    backrun_task_list *list = NULL;
    OK(backrun_engine_list(engine, NULL, &list, E));
    const backrun_task_status *status = backrun_task_list_at(list, 0);
    CHECK_INT(512, (long long)backrun_task_status_progress_text(status).len);
    backrun_task_list_free(list);
    finish(engine);
}

static int32_t run_pending(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state) {
    (void)user_data, (void)payload, (void)task_state;
    OK(backrun_task_set_result(task, bytes("of the run"), E));
    return BACKRUN_RUN_PENDING;
}

TEST(a_pending_run_tells_its_progress_and_leaves_its_result_by_id_and_lease) {
    backrun_engine *engine = engine_with(1);
    register_run(engine, "pending", run_pending, NULL);
    int64_t id = submit(engine, "pending"), other = submit(engine, "pending");
    await_state(engine, id, BACKRUN_STATE_PENDING);
    await_state(engine, other, BACKRUN_STATE_PENDING);
    OK(backrun_engine_set_progress(engine, id, 1, 0.25, str("a quarter"), E));
    CHECK(progress_of(engine, id) == 0.25);
    FAILS(BACKRUN_STALE_LEASE, NULL, backrun_engine_set_progress(engine, id, 2, 0.5, str(""), E));
    FAILS(BACKRUN_NOT_FOUND, NULL, backrun_engine_set_progress(engine, 999, 1, 0.5, str(""), E));
    backrun_outcome outcome = {.struct_size = sizeof outcome, .result = bytes("of another")};
    FAILS(BACKRUN_STALE_LEASE, NULL, backrun_task_settle(engine, id, 2, &outcome, E));
    outcome.result = bytes("of the settle");
    OK(backrun_task_settle(engine, id, 1, &outcome, E));
    result_is(engine, id, "of the settle");
    FAILS(BACKRUN_STALE_LEASE, NULL, backrun_engine_set_progress(engine, id, 1, 0.5, str(""), E));
    outcome.result = (backrun_bytes){NULL, 0};
    OK(backrun_task_settle(engine, other, 1, &outcome, E));
    result_is(engine, other, "of the run");
    finish(engine);
}
