// Retries: how often, after how long, and what a run may say of it. By a clock that the test sets.

#include "test.h"

#include <sched.h>

static const int64_t HOUR = 3600 * 1000;

typedef struct answers {
    int32_t answer;
    int64_t retry_after_ms; // -1: not said
    uint32_t done_in;       // the attempt that succeeds; 0: none
} answers;

static int32_t run_answering(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state) {
    (void)payload, (void)task_state;
    answers *answers = user_data;
    if (backrun_task_attempt(task) == answers->done_in) {
        return BACKRUN_RUN_DONE;
    }
    CHECK_INT((long long)backrun_task_attempt(task), backrun_task_lease(task));
    OK(backrun_task_fail(task, str("not today"), E));
    if (answers->retry_after_ms >= 0) {
        OK(backrun_task_retry_after(task, HOUR, E)); // The last call counts.
        OK(backrun_task_retry_after(task, answers->retry_after_ms, E));
        FAILS(BACKRUN_INVALID_ARGUMENT, "delay_ms is -1; pass 0", backrun_task_retry_after(task, -1, E));
        FAILS(
            BACKRUN_INVALID_ARGUMENT, "delay_ms is 9223372036854775807", backrun_task_retry_after(task, INT64_MAX, E));
    }
    return answers->answer;
}

static backrun_engine *engine_remembered_by_hand(memory *memory) {
    backrun_engine_options options = options_with(1);
    options.flags = BACKRUN_ENGINE_MANUAL_TIME;
    options.on_event = remember;
    options.observer_user_data = memory;
    return engine_of(options);
}

static backrun_retry_policy retries(uint32_t attempts) {
    return (backrun_retry_policy){
        .struct_size = sizeof(backrun_retry_policy), .max_attempts = attempts, .jitter_percent = -1};
}

static int64_t submit_retried(backrun_engine *engine, const char *name, const backrun_retry_policy *policy) {
    backrun_submission submission = submission_of(name);
    submission.retry = policy;
    return submit_one(engine, submission);
}

static uint32_t attempt_of(backrun_engine *engine, int64_t id) {
    backrun_task_status *status = status_of(engine, id);
    uint32_t attempt = backrun_task_status_attempt(status);
    backrun_task_status_free(status);
    return attempt;
}

// The next run comes after this many milliseconds, and not before.
static void next_run_is_after(backrun_engine *engine, int64_t id, int64_t ms) {
    await_state(engine, id, BACKRUN_STATE_SCHEDULED);
    uint32_t attempt = attempt_of(engine, id);
    if (ms > 1) {
        advance(engine, ms - 1);
        CHECK_INT(BACKRUN_STATE_SCHEDULED, state_of(engine, id));
    }
    advance(engine, 1);
    while (attempt_of(engine, id) == attempt) {
        sched_yield();
    }
}

TEST(a_failed_run_is_tried_again_as_often_and_after_as_long_as_its_policy_says) {
    memory *memory = memory_new();
    backrun_engine *engine = engine_remembered_by_hand(memory);
    answers answers = {.answer = BACKRUN_RUN_FAILED, .retry_after_ms = -1};
    register_run(engine, "fail", run_answering, &answers);
    backrun_retry_policy policy = retries(5);
    policy.delay_ms = 100;
    policy.max_delay_ms = 250;
    backrun_submission submission = submission_of("fail");
    submission.retry = &policy;
    submission.payload = bytes("\x93\x01\x02\x03");
    int64_t id = submit_one(engine, submission);
    const int64_t exponential[] = {100, 200, 250, 250};
    for (int i = 0; i < 4; i++) {
        next_run_is_after(engine, id, exponential[i]);
    }
    CHECK_INT(BACKRUN_STATE_DEAD, wait_for_end(engine, id));
    CHECK_INT(5, attempt_of(engine, id));
    CHECK_INT(4, (long long)stat_of(engine, BACKRUN_STAT_RETRIED));
    CHECK_INT(5, (long long)stat_of(engine, BACKRUN_STAT_RUNS_FAILED));
    policy.kind = BACKRUN_RETRY_FIXED;
    policy.max_attempts = 3;
    id = submit_one(engine, submission);
    next_run_is_after(engine, id, 100);
    next_run_is_after(engine, id, 100);
    CHECK_INT(BACKRUN_STATE_DEAD, wait_for_end(engine, id));
    finish(engine);
    CHECK_INT(3, (long long)count_events(memory, BACKRUN_EVENT_RUN_FAILED, id));
    CHECK_INT(1, (long long)count_events(memory, BACKRUN_EVENT_DEAD, id));
    free(memory);
}

TEST(the_event_of_a_failed_run_tells_when_the_next_one_is) {
    memory *memory = memory_new();
    backrun_engine *engine = engine_remembered_by_hand(memory);
    answers answers = {.answer = BACKRUN_RUN_FAILED, .retry_after_ms = -1};
    register_run(engine, "fail", run_answering, &answers);
    backrun_retry_policy policy = retries(2);
    policy.delay_ms = policy.max_delay_ms = 10 * HOUR;
    int64_t id = submit_retried(engine, "fail", &policy);
    told first = await_event(memory, BACKRUN_EVENT_RUN_FAILED, id);
    CHECK_INT(BACKRUN_STATE_SCHEDULED, first.state);
    // By the engine's day, which began when it was made.
    int64_t later = (first.run_at_unix_us - first.time_unix_us) / 1000;
    CHECK(later > 10 * HOUR - 60 * 1000 && later <= 10 * HOUR + 1);
    backrun_task_status *status = status_of(engine, id);
    CHECK_INT(first.run_at_unix_us, backrun_task_status_run_at_unix_us(status));
    CHECK_TEXT("not today", backrun_task_status_error_message(status));
    backrun_task_status_free(status);
    advance(engine, 10 * HOUR);
    told last = await_event(memory, BACKRUN_EVENT_DEAD, id);
    CHECK_INT(0, last.run_at_unix_us);
    finish(engine);
    free(memory);
}

TEST(jitter_spreads_a_delay_by_no_more_than_it_says) {
    backrun_engine *engine = engine_with_manual_time(1);
    answers answers = {.answer = BACKRUN_RUN_FAILED, .retry_after_ms = -1};
    register_run(engine, "fail", run_answering, &answers);
    backrun_retry_policy policy = retries(2);
    policy.jitter_percent = 10;
    policy.delay_ms = 1000;
    backrun_submission submission = submission_of("fail");
    submission.retry = &policy;
    int64_t ids[50];
    for (int i = 0; i < 50; i++) {
        ids[i] = submit_one(engine, submission);
    }
    await_stat(engine, BACKRUN_STAT_RETRIED, 50);
    advance(engine, 899);
    CHECK_INT(50, (long long)stat_of(engine, BACKRUN_STAT_STARTED));
    advance(engine, 202);
    for (int i = 0; i < 50; i++) {
        CHECK_INT(BACKRUN_STATE_DEAD, wait_for_end(engine, ids[i]));
    }
    finish(engine);
}

TEST(the_policy_of_a_submission_comes_before_that_of_its_name) {
    backrun_engine *engine = engine_with_manual_time(1);
    answers answers = {.answer = BACKRUN_RUN_FAILED, .retry_after_ms = -1};
    backrun_handler handler = {.struct_size = sizeof handler, .run = run_answering, .user_data = &answers};
    backrun_retry_policy twice = retries(2), once = retries(1);
    backrun_task_options options = {.struct_size = sizeof options, .retry = &twice};
    OK(backrun_engine_register(engine, str("fail"), &handler, &options, E));
    int64_t of_name = submit(engine, "fail");
    next_run_is_after(engine, of_name, 1000);
    CHECK_INT(BACKRUN_STATE_DEAD, wait_for_end(engine, of_name));
    backrun_submission many[3];
    int64_t ids[3];
    for (int i = 0; i < 3; i++) {
        many[i] = submission_of("fail");
        many[i].retry = &once;
    }
    OK(backrun_engine_submit_many(engine, many, 3, ids, E));
    for (int i = 0; i < 3; i++) {
        CHECK_INT(BACKRUN_STATE_DEAD, wait_for_end(engine, ids[i]));
        CHECK_INT(1, attempt_of(engine, ids[i]));
    }
    finish(engine);
}

TEST(a_run_says_when_it_wants_to_be_tried_again) {
    backrun_engine *engine = engine_with_manual_time(1);
    answers later = {.answer = BACKRUN_RUN_RETRY_AFTER, .retry_after_ms = 5000, .done_in = 4};
    register_run(engine, "later", run_answering, &later);
    int64_t id = submit(engine, "later");
    for (int i = 0; i < 3; i++) {
        next_run_is_after(engine, id, 5000);
    }
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, id));
    // At once.
    answers at_once = {.answer = BACKRUN_RUN_RETRY_AFTER, .retry_after_ms = 0, .done_in = 2};
    register_run(engine, "at once", run_answering, &at_once);
    id = submit(engine, "at once");
    while (state_of(engine, id) != BACKRUN_STATE_SUCCEEDED) {
        advance(engine, 1);
        sched_yield();
    }
    // With a policy, as often as that says.
    answers never = {.answer = BACKRUN_RUN_RETRY_AFTER, .retry_after_ms = 10};
    register_run(engine, "never", run_answering, &never);
    backrun_retry_policy policy = retries(2);
    id = submit_retried(engine, "never", &policy);
    next_run_is_after(engine, id, 10);
    CHECK_INT(BACKRUN_STATE_DEAD, wait_for_end(engine, id));
    finish(engine);
}

TEST(a_run_that_does_not_say_when_waits_as_its_policy_says_or_a_second) {
    backrun_engine *engine = engine_with_manual_time(1);
    answers answers = {.answer = BACKRUN_RUN_RETRY_AFTER, .retry_after_ms = -1, .done_in = 2};
    register_run(engine, "again", run_answering, &answers);
    int64_t id = submit(engine, "again");
    next_run_is_after(engine, id, 1000);
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, id));
    backrun_retry_policy policy = retries(2);
    policy.delay_ms = 7000;
    id = submit_retried(engine, "again", &policy);
    next_run_is_after(engine, id, 7000);
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, id));
    finish(engine);
}

TEST(a_fatal_run_is_not_tried_again) {
    backrun_engine *engine = engine_with_manual_time(1);
    answers answers = {.answer = BACKRUN_RUN_FATAL, .retry_after_ms = -1};
    register_run(engine, "fatal", run_answering, &answers);
    backrun_retry_policy policy = retries(9);
    int64_t id = submit_retried(engine, "fatal", &policy);
    CHECK_INT(BACKRUN_STATE_DEAD, wait_for_end(engine, id));
    CHECK_INT(1, attempt_of(engine, id));
    finish(engine);
}

static int32_t connect_later(void *user_data, backrun_task *task, backrun_bytes user_context, void **task_state) {
    (void)user_context, (void)task_state;
    if (backrun_task_attempt(task) == 1) {
        OK(backrun_task_retry_after(task, *(const int64_t *)user_data, E));
        return BACKRUN_RUN_RETRY_AFTER;
    }
    return BACKRUN_RUN_DONE;
}

TEST(a_user_who_cannot_be_connected_yet_is_tried_again) {
    backrun_engine *engine = engine_with_manual_time(1);
    int64_t delay = HOUR;
    register_handler(engine, "connect",
        (backrun_handler){.user_data = &delay, .set_user_connection = connect_later, .run = run_done});
    backrun_submission submission = submission_of("connect");
    submission.user_context = bytes("anna");
    int64_t id = submit_one(engine, submission);
    next_run_is_after(engine, id, HOUR);
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, id));
    CHECK_INT(2, attempt_of(engine, id));
    finish(engine);
}

static int32_t run_pending(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state) {
    (void)user_data, (void)payload, (void)task_state;
    return backrun_task_attempt(task) == 3 ? BACKRUN_RUN_DONE : BACKRUN_RUN_PENDING;
}

TEST(a_pending_run_is_settled_as_one_to_be_tried_again) {
    backrun_engine *engine = engine_with_manual_time(1);
    register_run(engine, "pending", run_pending, NULL);
    int64_t id = submit(engine, "pending");
    await_state(engine, id, BACKRUN_STATE_PENDING);
    backrun_outcome outcome = {
        .struct_size = sizeof outcome, .code = BACKRUN_RUN_RETRY_AFTER, .retry_after_ms = 20 * 1000};
    OK(backrun_task_settle(engine, id, 1, &outcome, E));
    next_run_is_after(engine, id, 20 * 1000);
    await_state(engine, id, BACKRUN_STATE_PENDING);
    FAILS(BACKRUN_STALE_LEASE, NULL, backrun_task_settle(engine, id, 1, &outcome, E));
    outcome.retry_after_ms = 0; // As the policy says; there is none.
    OK(backrun_task_settle(engine, id, 2, &outcome, E));
    next_run_is_after(engine, id, 1000);
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, id));
    finish(engine);
}
