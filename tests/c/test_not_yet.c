// What the header says is "not yet": refused by name, never ignored. The list is that of docs/c-abi.md.

#include "test.h"

#define NOT_YET(part, call) FAILS(BACKRUN_NOT_SUPPORTED, part, call)

static backrun_engine *engine_with_nothing(void) {
    backrun_engine *engine = engine_with(1);
    register_run(engine, "nothing", run_done, NULL);
    return engine;
}

static void refuse_engine(backrun_engine_options options, const char *part) {
    backrun_engine *made = (void *)1;
    NOT_YET(part, backrun_engine_new(&options, &made, E));
    CHECK(made == NULL);
}

TEST(durable_stores_are_not_yet) {
    backrun_engine_options options = options_with(1);
    options.store = BACKRUN_STORE_SQLITE;
    options.store_address = str("tasks.db");
    refuse_engine(options, "BACKRUN_STORE_SQLITE");
    options.store = BACKRUN_STORE_POSTGRES;
    refuse_engine(options, "BACKRUN_STORE_POSTGRES");
    options = options_with(1);
    options.owner_wait_ms = 1;
    refuse_engine(options, "backrun_engine_options.owner_wait_ms");
}

TEST(the_memory_store_refuses_committed_and_names_it) {
    backrun_engine_options options = options_with(1);
    options.durability = BACKRUN_DURABILITY_COMMITTED;
    refuse_engine(options, "committed");
    backrun_engine *engine = engine_with_nothing();
    backrun_submission submission = submission_of("nothing");
    submission.durability = BACKRUN_DURABILITY_COMMITTED;
    NOT_YET("committed", backrun_engine_submit(engine, &submission, NULL, E));
    submission.durability = BACKRUN_DURABILITY_BUFFERED;
    submit_one(engine, submission);
    finish(engine);
}

TEST(fields_of_a_submission_that_are_not_yet) {
    backrun_engine *engine = engine_with_nothing();
    backrun_submission submission = submission_of("nothing");
    submission.delay_ms = 1;
    NOT_YET("backrun_submission.delay_ms", backrun_engine_submit(engine, &submission, NULL, E));
    submission = submission_of("nothing");
    submission.run_at_unix_ms = 1;
    NOT_YET("backrun_submission.run_at_unix_ms", backrun_engine_submit(engine, &submission, NULL, E));
    submission = submission_of("nothing");
    submission.time_limit_ms = 1;
    NOT_YET("backrun_submission.time_limit_ms", backrun_engine_submit(engine, &submission, NULL, E));
    const uint32_t flags[] = {BACKRUN_PAYLOAD_LZ4_BLOCK, BACKRUN_PAYLOAD_LZ4_BLOCK_ARRAY, BACKRUN_PAYLOAD_ENCRYPTED};
    for (size_t i = 0; i < 3; i++) {
        submission = submission_of("nothing");
        submission.payload_flags = flags[i];
        NOT_YET("backrun_submission.payload_flags", backrun_engine_submit(engine, &submission, NULL, E));
    }
    submission = submission_of("nothing");
    submission.payload_format = BACKRUN_FORMAT_TYPELESS;
    NOT_YET("BACKRUN_FORMAT_TYPELESS", backrun_engine_submit(engine, &submission, NULL, E));
    CHECK_INT(0, (long long)stat_of(engine, BACKRUN_STAT_ACCEPTED));
    finish(engine);
}

TEST(retry_policies_are_not_yet) {
    backrun_engine *engine = engine_with_nothing();
    const struct {
        const char *field;
        backrun_retry_policy policy;
    } all[] = {
        {"backrun_retry_policy.max_attempts", {.max_attempts = 2}},
        {"backrun_retry_policy.kind", {.kind = BACKRUN_RETRY_FIXED}},
        {"backrun_retry_policy.kind", {.kind = BACKRUN_RETRY_EXPONENTIAL}},
        {"backrun_retry_policy.jitter_percent", {.jitter_percent = -1}},
        {"backrun_retry_policy.delay_ms", {.delay_ms = 1}},
        {"backrun_retry_policy.max_delay_ms", {.max_delay_ms = 1}},
    };
    backrun_handler handler = {.struct_size = sizeof handler, .run = run_done};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        backrun_retry_policy policy = all[i].policy;
        policy.struct_size = sizeof policy;
        backrun_submission submission = submission_of("nothing");
        submission.retry = &policy;
        NOT_YET(all[i].field, backrun_engine_submit(engine, &submission, NULL, E));
        backrun_task_options options = {.struct_size = sizeof options, .retry = &policy};
        NOT_YET(all[i].field, backrun_engine_register(engine, str("new"), &handler, &options, E));
    }
    backrun_retry_policy once = {.struct_size = sizeof once, .max_attempts = 1};
    backrun_submission submission = submission_of("nothing");
    submission.retry = &once;
    submit_one(engine, submission);
    finish(engine);
}

TEST(options_of_a_task_name_that_are_not_yet) {
    backrun_engine *engine = engine_with_nothing();
    backrun_handler handler = {.struct_size = sizeof handler, .run = run_done};
    backrun_task_options options = {.struct_size = sizeof options, .time_limit_ms = 1};
    NOT_YET("backrun_task_options.time_limit_ms", backrun_engine_register(engine, str("new"), &handler, &options, E));
    options = (backrun_task_options){.struct_size = sizeof options, .grace_ms = 1};
    NOT_YET("backrun_task_options.grace_ms", backrun_engine_register(engine, str("new"), &handler, &options, E));
    options = (backrun_task_options){.struct_size = sizeof options, .result_retention_ms = 1};
    NOT_YET(
        "backrun_task_options.result_retention_ms", backrun_engine_register(engine, str("new"), &handler, &options, E));
    finish(engine);
}

TEST(replacing_stalled_workers_is_not_yet) {
    backrun_engine *engine = engine_with_nothing();
    backrun_queue_options options = {.struct_size = sizeof options, .stall_threshold_ms = 100};
    NOT_YET("backrun_queue_options.stall_threshold_ms", backrun_engine_configure_queue(engine, &options, E));
    finish(engine);
}

static void submitted(void *user_data, int32_t code, int64_t id) {
    (void)user_data, (void)code, (void)id;
}

TEST(functions_that_are_not_yet) {
    backrun_engine *engine = engine_with_nothing();
    backrun_task_list *list = (void *)1;
    NOT_YET("backrun_engine_list", backrun_engine_list(engine, NULL, &list, E));
    CHECK(list == NULL);
    NOT_YET("backrun_engine_purge", backrun_engine_purge(engine, NULL, NULL, E));
    NOT_YET("backrun_engine_replay", backrun_engine_replay(engine, 1, E));
    NOT_YET("backrun_engine_pause", backrun_engine_pause(engine, str(""), E));
    NOT_YET("backrun_engine_resume", backrun_engine_resume(engine, str("default"), E));
    NOT_YET("backrun_engine_set_progress", backrun_engine_set_progress(engine, 1, 1, 0.5, str("half"), E));
    backrun_submission submission = submission_of("nothing");
    NOT_YET("backrun_engine_submit_async", backrun_engine_submit_async(engine, &submission, submitted, NULL, E));
    CHECK_INT(0, (long long)stat_of(engine, BACKRUN_STAT_ACCEPTED));
    finish(engine);
}

static void not_yet_in_a_run(backrun_task *task, void *argument) {
    (void)argument;
    NOT_YET("backrun_task_set_progress", backrun_task_set_progress(task, 0.5, str("half"), E));
    NOT_YET("backrun_task_set_result", backrun_task_set_result(task, bytes("\xC0"), E));
    NOT_YET("backrun_task_retry_after", backrun_task_retry_after(task, 10, E));
    FAILS(BACKRUN_INVALID_ARGUMENT, "-1", backrun_task_retry_after(task, -1, E));
}

TEST(functions_of_a_run_that_are_not_yet) {
    backrun_engine *engine = engine_with_nothing();
    inside_run(engine, not_yet_in_a_run, NULL);
    finish(engine);
}

TEST(fields_of_an_outcome_that_are_not_yet) {
    backrun_engine *engine = engine_with_nothing();
    backrun_outcome outcome = {.struct_size = sizeof outcome, .code = BACKRUN_RUN_RETRY_AFTER};
    NOT_YET("backrun_outcome.retry_after_ms", backrun_task_settle(engine, 1, 1, &outcome, E));
    outcome = (backrun_outcome){.struct_size = sizeof outcome, .retry_after_ms = 5};
    NOT_YET("backrun_outcome.retry_after_ms", backrun_task_settle(engine, 1, 1, &outcome, E));
    outcome = (backrun_outcome){.struct_size = sizeof outcome, .result = bytes("\xC0")};
    NOT_YET("backrun_outcome.result", backrun_task_settle(engine, 1, 1, &outcome, E));
    finish(engine);
}

TEST(a_status_has_no_progress_and_no_result_yet) {
    backrun_engine *engine = engine_with_nothing();
    backrun_task_status *status = NULL;
    OK(backrun_engine_wait(engine, submit(engine, "nothing"), -1, &status, E));
    CHECK(backrun_task_status_progress(status) < 0);
    CHECK_TEXT("", backrun_task_status_progress_text(status));
    CHECK(backrun_task_status_result(status).len == 0);
    backrun_task_status_free(status);
    finish(engine);
}
