// Numbers that are none of those the header names, and numbers out of their range.

#include "test.h"

#define HUNDRED_YEARS_MS INT64_C(3153600000000)
#define YEAR_3000_MS INT64_C(32503680000000)

static void refuse_engine(backrun_engine_options options, const char *part) {
    backrun_engine *made = (void *)1;
    FAILS(BACKRUN_INVALID_ARGUMENT, part, backrun_engine_new(&options, &made, E));
    CHECK(made == NULL);
}

TEST(an_engine_option_out_of_its_range_is_refused_by_name) {
    backrun_engine_options options = options_with(0);
    options.workers = 65;
    refuse_engine(options, "workers is 65");
    options = options_with(0);
    options.max_workers = 4097;
    refuse_engine(options, "max_workers is 4097");
    options = options_with(3);
    options.max_workers = 2;
    refuse_engine(options, "workers is 3");
    options = options_with(1);
    options.store = 4;
    refuse_engine(options, "store");
    options = options_with(1);
    options.durability = 3;
    refuse_engine(options, "durability");
    options = options_with(1);
    options.worker_stack_bytes = 1536 * 1024 - 1;
    refuse_engine(options, "worker_stack_bytes");
    options = options_with(1);
    options.worker_stack_bytes = 1024 * 1024 * 1024 + 1;
    refuse_engine(options, "worker_stack_bytes");
    options = options_with(1);
    options.keep_finished = -2;
    refuse_engine(options, "keep_finished");
    options = options_with(1);
    options.keep_dead = INT64_MIN;
    refuse_engine(options, "keep_dead");
    options = options_with(1);
    options.log_level = 6;
    refuse_engine(options, "log");
    options = options_with(1);
    options.store_address = str("somewhere");
    refuse_engine(options, "store_address");
    options = options_with(1);
    options.flags = 4;
    refuse_engine(options, "backrun_engine_options.flags is 0x4");
}

TEST(the_least_and_the_most_of_engine_options_are_taken) {
    backrun_engine_options options = options_with(1);
    options.worker_stack_bytes = 1536 * 1024;
    options.max_workers = 1;
    options.store = BACKRUN_STORE_MEMORY;
    options.durability = BACKRUN_DURABILITY_BUFFERED;
    options.keep_finished = -1;
    options.keep_dead = -1;
    options.log_level = BACKRUN_LOG_OFF;
    options.observer_capacity = 1;
    options.event_kinds = UINT64_MAX;
    finish(engine_of(options));
}

TEST(a_queue_option_out_of_its_range_is_refused_by_name) {
    backrun_engine *engine = engine_with(1);
    backrun_queue_options options = {.struct_size = sizeof options, .when_full = 4};
    FAILS(BACKRUN_INVALID_ARGUMENT, "when_full", backrun_engine_configure_queue(engine, &options, E));
    options = (backrun_queue_options){.struct_size = sizeof options, .ageing_step_ms = -1};
    FAILS(BACKRUN_INVALID_ARGUMENT, "ageing_step_ms", backrun_engine_configure_queue(engine, &options, E));
    options = (backrun_queue_options){.struct_size = sizeof options, .stall_threshold_ms = -1};
    FAILS(BACKRUN_INVALID_ARGUMENT, "backrun_queue_options.stall_threshold_ms is -1; pass 1 to 3153600000000",
        backrun_engine_configure_queue(engine, &options, E));
    options = (backrun_queue_options){.struct_size = sizeof options, .workers = 65};
    FAILS(BACKRUN_INVALID_ARGUMENT, "workers", backrun_engine_configure_queue(engine, &options, E));
    finish(engine);
}

TEST(the_workers_of_all_queues_together_stay_within_max_workers) {
    backrun_engine_options options = options_with(2);
    options.max_workers = 4;
    backrun_engine *engine = engine_of(options);
    configure(engine, (backrun_queue_options){.name = str("second"), .workers = 2});
    backrun_queue_options third = {.struct_size = sizeof third, .name = str("third"), .workers = 1};
    FAILS(BACKRUN_INVALID_ARGUMENT, "max_workers", backrun_engine_configure_queue(engine, &third, E));
    backrun_submission submission = submission_of("nothing");
    register_run(engine, "nothing", run_done, NULL);
    submission.queue = str("third");
    FAILS(BACKRUN_NOT_FOUND, "third", backrun_engine_submit(engine, &submission, NULL, E));
    finish(engine);
}

static void refuse_submission(backrun_engine *engine, backrun_submission submission, const char *part) {
    FAILS(BACKRUN_INVALID_ARGUMENT, part, backrun_engine_submit(engine, &submission, NULL, E));
}

TEST(a_submission_with_a_number_out_of_its_range_is_refused_by_name) {
    backrun_engine *engine = engine_with(1);
    register_run(engine, "nothing", run_done, NULL);
    backrun_submission submission = submission_of("nothing");
    submission.priority = 3;
    refuse_submission(engine, submission, "priority is 3");
    submission.priority = INT32_MIN;
    refuse_submission(engine, submission, "priority");
    submission = submission_of("nothing");
    submission.payload_format = 4;
    refuse_submission(engine, submission, "payload_format");
    submission = submission_of("nothing");
    submission.payload_flags = 8;
    refuse_submission(engine, submission, "payload_flags");
    submission = submission_of("nothing");
    submission.durability = 3;
    refuse_submission(engine, submission, "durability");
    submission = submission_of("nothing");
    submission.when_full = 4;
    refuse_submission(engine, submission, "when_full");
    submission = submission_of("nothing");
    submission.when_full_timeout_ms = 1;
    refuse_submission(engine, submission, "when_full");
    submission = submission_of("nothing");
    submission.flags = 1;
    refuse_submission(engine, submission, "flags");
    const int64_t times[] = {-1, INT64_MIN, HUNDRED_YEARS_MS + 1, INT64_MAX};
    for (size_t i = 0; i < 4; i++) {
        submission = submission_of("nothing");
        submission.delay_ms = times[i];
        refuse_submission(engine, submission, "backrun_submission.delay_ms is");
        submission = submission_of("nothing");
        submission.time_limit_ms = times[i];
        refuse_submission(engine, submission, "backrun_submission.time_limit_ms is");
    }
    submission = submission_of("nothing");
    submission.run_at_unix_ms = -1;
    refuse_submission(engine, submission, "backrun_submission.run_at_unix_ms is -1; pass milliseconds since 1970 UTC");
    submission.run_at_unix_ms = YEAR_3000_MS + 1;
    refuse_submission(engine, submission, "backrun_submission.run_at_unix_ms is 32503680000001");
    submission.run_at_unix_ms = 1;
    submission.delay_ms = 1;
    refuse_submission(engine, submission, "both a delay and a time");
    submission = submission_of("nothing");
    submission.task_number = 2;
    refuse_submission(engine, submission, "task number is 2");
    CHECK_INT(0, (long long)stat_of(engine, BACKRUN_STAT_ACCEPTED));
    finish(engine);
}

TEST(a_retry_policy_out_of_its_range_is_refused_by_name) {
    backrun_engine *engine = engine_with(1);
    register_run(engine, "nothing", run_done, NULL);
    backrun_handler handler = {.struct_size = sizeof handler, .run = run_done};
    const struct {
        const char *part;
        backrun_retry_policy policy;
    } all[] = {
        {"backrun_retry_policy.max_attempts is 100001; pass", {.max_attempts = 100001}},
        {"backrun_retry_policy.kind is 3; pass one of BACKRUN_RETRY_FIXED", {.kind = 3}},
        {"backrun_retry_policy.jitter_percent is -2; pass 1 to 100", {.jitter_percent = -2}},
        {"backrun_retry_policy.jitter_percent is 101; pass 1 to 100", {.jitter_percent = 101}},
        {"backrun_retry_policy.jitter_percent is 257; pass 1 to 100", {.jitter_percent = 257}},
        {"backrun_retry_policy.delay_ms is -1; pass 1 to 31536000000", {.delay_ms = -1}},
        {"backrun_retry_policy.delay_ms is 31536000001; pass", {.delay_ms = 31536000001}},
        {"backrun_retry_policy.max_delay_ms is -1; pass 1 to 31536000000", {.max_delay_ms = -1}},
        {"backrun_retry_policy.max_delay_ms is 31536000001; pass", {.max_delay_ms = 31536000001}},
        {"backrun_retry_policy.delay_ms comes to 3600001, more than its max_delay_ms of 3600000",
            {.delay_ms = 3600001}},
        {"backrun_retry_policy.delay_ms comes to 1000, more than its max_delay_ms of 999", {.max_delay_ms = 999}},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        backrun_retry_policy policy = all[i].policy;
        policy.struct_size = sizeof policy;
        backrun_submission submission = submission_of("nothing");
        submission.retry = &policy;
        refuse_submission(engine, submission, all[i].part);
        FAILS(BACKRUN_INVALID_ARGUMENT, all[i].part, backrun_engine_submit_many(engine, &submission, 1, NULL, E));
        backrun_task_options options = {.struct_size = sizeof options, .retry = &policy};
        FAILS(
            BACKRUN_INVALID_ARGUMENT, all[i].part, backrun_engine_register(engine, str("new"), &handler, &options, E));
    }
    CHECK_INT(0, (long long)stat_of(engine, BACKRUN_STAT_ACCEPTED));
    finish(engine);
}

TEST(the_least_and_the_most_of_times_and_retries_are_taken) {
    backrun_engine *engine = engine_with(1);
    backrun_handler handler = {.struct_size = sizeof handler, .run = run_done};
    const backrun_retry_policy policies[] = {
        {.struct_size = sizeof policies[0], .max_attempts = 1, .jitter_percent = 1, .delay_ms = 1, .max_delay_ms = 1},
        {.struct_size = sizeof policies[0],
            .max_attempts = 100000,
            .kind = BACKRUN_RETRY_FIXED,
            .jitter_percent = 100,
            .delay_ms = 31536000000,
            .max_delay_ms = 31536000000},
        {.struct_size = sizeof policies[0], .kind = BACKRUN_RETRY_EXPONENTIAL, .jitter_percent = -1},
    };
    const int64_t times[] = {1, HUNDRED_YEARS_MS, 0};
    const char *const names[] = {"least", "most", "default"};
    for (size_t i = 0; i < 3; i++) {
        backrun_task_options options = {.struct_size = sizeof options,
            .retry = &policies[i],
            .grace_ms = times[i],
            .time_limit_ms = HUNDRED_YEARS_MS,
            .result_retention_ms = times[i]};
        OK(backrun_engine_register(engine, str(names[i]), &handler, &options, E));
        backrun_submission submission = submission_of(names[i]);
        submission.retry = &policies[i];
        submission.time_limit_ms = HUNDRED_YEARS_MS;
        CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, submit_one(engine, submission)));
        submission.delay_ms = HUNDRED_YEARS_MS;
        CHECK_INT(BACKRUN_STATE_SCHEDULED, state_of(engine, submit_one(engine, submission)));
    }
    backrun_submission submission = submission_of("least");
    submission.run_at_unix_ms = YEAR_3000_MS;
    CHECK_INT(BACKRUN_STATE_SCHEDULED, state_of(engine, submit_one(engine, submission)));
    submission.run_at_unix_ms = 1;
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, submit_one(engine, submission)));
    OK(backrun_engine_shutdown(engine, BACKRUN_SHUTDOWN_CANCEL, -1, NULL, E));
    backrun_engine_free(engine);
}

TEST(a_task_option_out_of_its_range_is_refused_by_name) {
    backrun_engine *engine = engine_with(1);
    backrun_handler handler = {.struct_size = sizeof handler, .run = run_done};
    const int64_t wrong[] = {-1, INT64_MIN, HUNDRED_YEARS_MS + 1};
    for (size_t i = 0; i < 3; i++) {
        backrun_task_options options = {.struct_size = sizeof options, .time_limit_ms = wrong[i]};
        FAILS(BACKRUN_INVALID_ARGUMENT, "backrun_task_options.time_limit_ms is",
            backrun_engine_register(engine, str("new"), &handler, &options, E));
        options = (backrun_task_options){.struct_size = sizeof options, .grace_ms = wrong[i]};
        FAILS(BACKRUN_INVALID_ARGUMENT, "backrun_task_options.grace_ms is",
            backrun_engine_register(engine, str("new"), &handler, &options, E));
        options = (backrun_task_options){.struct_size = sizeof options, .result_retention_ms = wrong[i]};
        FAILS(BACKRUN_INVALID_ARGUMENT, "backrun_task_options.result_retention_ms is",
            backrun_engine_register(engine, str("new"), &handler, &options, E));
    }
    finish(engine);
}

TEST(every_priority_and_format_of_the_header_is_taken) {
    backrun_engine *engine = engine_with(1);
    register_run(engine, "nothing", run_done, NULL);
    for (int32_t priority = BACKRUN_PRIORITY_LOWEST; priority <= BACKRUN_PRIORITY_HIGHEST; priority++) {
        backrun_submission submission = submission_of("nothing");
        submission.priority = priority;
        submission.payload_format = priority < 0 ? BACKRUN_FORMAT_STANDARD : BACKRUN_FORMAT_CONTRACTLESS;
        CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, submit_one(engine, submission)));
    }
    finish(engine);
}

TEST(fields_that_must_be_zero_are_checked) {
    backrun_engine *engine = engine_with(1);
    backrun_handler handler = {.struct_size = sizeof handler, .flags = 1, .run = run_done};
    FAILS(BACKRUN_INVALID_ARGUMENT, "backrun_handler.flags",
        backrun_engine_register(engine, str("nothing"), &handler, NULL, E));
    handler.flags = 0;
    backrun_task_options options = {.struct_size = sizeof options, .flags = 2};
    FAILS(BACKRUN_INVALID_ARGUMENT, "backrun_task_options.flags",
        backrun_engine_register(engine, str("nothing"), &handler, &options, E));
    OK(backrun_engine_register(engine, str("nothing"), &handler, NULL, E));
    backrun_header header = {.struct_size = sizeof header, .reserved = 1, .name = str("name")};
    backrun_submission submission = submission_of("nothing");
    submission.headers = &header;
    submission.header_count = 1;
    refuse_submission(engine, submission, "backrun_header.reserved");
    backrun_failure failure = {.struct_size = sizeof failure, .reserved = 1};
    backrun_outcome outcome = {.struct_size = sizeof outcome, .code = BACKRUN_RUN_FAILED, .failure = &failure};
    FAILS(BACKRUN_INVALID_ARGUMENT, "backrun_failure.reserved", backrun_task_settle(engine, 1, 1, &outcome, E));
    backrun_filter filter = {.struct_size = sizeof filter, .reserved = 1};
    FAILS(BACKRUN_INVALID_ARGUMENT, "reserved", backrun_engine_purge(engine, &filter, NULL, E));
    finish(engine);
}

TEST(an_id_that_is_not_positive_is_refused_everywhere) {
    backrun_engine *engine = engine_with(1);
    const int64_t wrong[] = {0, -1, INT64_MIN};
    for (size_t i = 0; i < 3; i++) {
        backrun_task_status *status = (void *)1;
        backrun_buffer *buffer = (void *)1;
        backrun_outcome outcome = {.struct_size = sizeof outcome};
        FAILS(BACKRUN_INVALID_ARGUMENT, "id", backrun_engine_wait(engine, wrong[i], 0, &status, E));
        FAILS(BACKRUN_INVALID_ARGUMENT, "id", backrun_engine_payload(engine, wrong[i], &buffer, E));
        FAILS(BACKRUN_INVALID_ARGUMENT, "id", backrun_engine_cancel(engine, wrong[i], str(""), NULL, E));
        FAILS(BACKRUN_INVALID_ARGUMENT, "id", backrun_engine_replay(engine, wrong[i], E));
        FAILS(BACKRUN_INVALID_ARGUMENT, "id", backrun_task_settle(engine, wrong[i], 1, &outcome, E));
        FAILS(BACKRUN_INVALID_ARGUMENT, "id", backrun_engine_set_progress(engine, wrong[i], 1, 0, str(""), E));
        CHECK(status == NULL && buffer == NULL);
    }
    finish(engine);
}

TEST(a_shutdown_mode_or_a_counter_that_is_not_in_the_header_is_refused) {
    backrun_engine *engine = engine_with(1);
    for (uint32_t mode = 0; mode <= 3; mode += 3) {
        FAILS(BACKRUN_INVALID_ARGUMENT, "mode", backrun_engine_shutdown(engine, mode, 0, NULL, E));
    }
    backrun_stats *stats = NULL;
    OK(backrun_engine_stats(engine, &stats, E));
    uint64_t value = 77;
    FAILS(BACKRUN_INVALID_ARGUMENT, "0", backrun_stats_value(stats, 0, &value, E));
    FAILS(BACKRUN_INVALID_ARGUMENT, "29", backrun_stats_value(stats, 29, &value, E));
    FAILS(BACKRUN_INVALID_ARGUMENT, "29", backrun_stats_queue_value(stats, 0, 29, &value, E));
    FAILS(BACKRUN_INVALID_ARGUMENT, "25", backrun_stats_queue_value(stats, 0, BACKRUN_STAT_STORED, &value, E));
    FAILS(BACKRUN_INVALID_ARGUMENT, "18", backrun_stats_queue_value(stats, 0, BACKRUN_STAT_EVENTS_LOST, &value, E));
    FAILS(BACKRUN_INVALID_ARGUMENT, "19", backrun_stats_queue_value(stats, 0, BACKRUN_STAT_LOGS_LOST, &value, E));
    CHECK_INT(0, (long long)value);
    for (uint32_t stat = BACKRUN_STAT_ACCEPTED; stat <= BACKRUN_STAT_STORE_UNSAVED; stat++) {
        OK(backrun_stats_value(stats, stat, &value, E));
    }
    backrun_stats_free(stats);
    register_run(engine, "named", run_done, NULL);
    OK(backrun_engine_stats(engine, &stats, E));
    FAILS(BACKRUN_INVALID_ARGUMENT, "0", backrun_stats_task_name_duration(stats, 0, 0, &value, E));
    FAILS(BACKRUN_INVALID_ARGUMENT, "13", backrun_stats_task_name_duration(stats, 0, 13, &value, E));
    for (uint32_t which = BACKRUN_DURATION_WAITED_COUNT; which <= BACKRUN_DURATION_RAN_MAX_US; which++) {
        OK(backrun_stats_task_name_duration(stats, 0, which, &value, E));
    }
    backrun_stats_free(stats);
    finish(engine);
}

TEST(the_outcome_of_a_settle_is_one_that_ends_the_run) {
    backrun_engine *engine = engine_with(1);
    const int32_t wrong[] = {BACKRUN_RUN_PENDING, 6, -1};
    for (size_t i = 0; i < 3; i++) {
        backrun_outcome outcome = {.struct_size = sizeof outcome, .code = wrong[i]};
        FAILS(BACKRUN_INVALID_ARGUMENT, "backrun_outcome.code", backrun_task_settle(engine, 1, 1, &outcome, E));
    }
    finish(engine);
}

TEST(an_outcome_whose_fields_are_at_odds_is_refused_by_name) {
    backrun_engine *engine = engine_with(1);
    const int64_t wrong[] = {-1, HUNDRED_YEARS_MS + 1};
    for (size_t i = 0; i < 2; i++) {
        backrun_outcome outcome = {
            .struct_size = sizeof outcome, .code = BACKRUN_RUN_RETRY_AFTER, .retry_after_ms = wrong[i]};
        FAILS(BACKRUN_INVALID_ARGUMENT, "backrun_outcome.retry_after_ms is",
            backrun_task_settle(engine, 1, 1, &outcome, E));
    }
    for (int32_t code = BACKRUN_RUN_DONE; code < BACKRUN_RUN_PENDING; code++) {
        backrun_outcome outcome = {.struct_size = sizeof outcome, .code = code, .retry_after_ms = 5};
        FAILS(code == BACKRUN_RUN_RETRY_AFTER ? BACKRUN_NOT_FOUND : BACKRUN_INVALID_ARGUMENT,
            code == BACKRUN_RUN_RETRY_AFTER ? NULL : "backrun_outcome.retry_after_ms is 5",
            backrun_task_settle(engine, 1, 1, &outcome, E));
        outcome = (backrun_outcome){.struct_size = sizeof outcome, .code = code, .result = bytes("\xC0")};
        FAILS(code == BACKRUN_RUN_DONE ? BACKRUN_NOT_FOUND : BACKRUN_INVALID_ARGUMENT,
            code == BACKRUN_RUN_DONE ? NULL : "backrun_outcome.result has 1 bytes",
            backrun_task_settle(engine, 1, 1, &outcome, E));
    }
    finish(engine);
}

TEST(a_filter_out_of_its_range_is_refused) {
    backrun_engine *engine = engine_with(1);
    backrun_filter filter = {.struct_size = sizeof filter, .states = 1};
    FAILS(BACKRUN_INVALID_ARGUMENT, "states", backrun_engine_purge(engine, &filter, NULL, E));
    filter = (backrun_filter){.struct_size = sizeof filter, .states = 1U << 9};
    FAILS(BACKRUN_INVALID_ARGUMENT, "states", backrun_engine_purge(engine, &filter, NULL, E));
    filter = (backrun_filter){.struct_size = sizeof filter, .after_id = -1};
    FAILS(BACKRUN_INVALID_ARGUMENT, "backrun_filter.after_id is -1", backrun_engine_purge(engine, &filter, NULL, E));
    filter = (backrun_filter){.struct_size = sizeof filter, .final_for_ms = -1};
    FAILS(
        BACKRUN_INVALID_ARGUMENT, "backrun_filter.final_for_ms is -1", backrun_engine_purge(engine, &filter, NULL, E));
    finish(engine);
}

TEST(progress_out_of_its_range_is_refused) {
    backrun_engine *engine = engine_with(1);
    const double zero = 0;
    const double wrong[] = {-0.1, 1.1, zero / zero};
    for (size_t i = 0; i < 3; i++) {
        FAILS(BACKRUN_INVALID_ARGUMENT, "the progress is",
            backrun_engine_set_progress(engine, 1, 1, wrong[i], str(""), E));
    }
    finish(engine);
}
