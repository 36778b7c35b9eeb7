// Delays, times of day and time limits, by a clock that the test sets.

#include "test.h"

#include <sched.h>
#include <time.h>

static const int64_t HOUR = 3600 * 1000;

static backrun_engine *engine_with_nothing(void) {
    backrun_engine *engine = engine_with_manual_time(1);
    register_run(engine, "nothing", run_done, NULL);
    return engine;
}

static void end_by_cancel(backrun_engine *engine) {
    OK(backrun_engine_shutdown(engine, BACKRUN_SHUTDOWN_CANCEL, -1, NULL, E));
    backrun_engine_free(engine);
}

static int64_t run_at(backrun_engine *engine, int64_t id) {
    backrun_task_status *status = status_of(engine, id);
    int64_t at = backrun_task_status_run_at_unix_us(status);
    backrun_task_status_free(status);
    return at;
}

TEST(a_delayed_task_runs_when_its_time_has_come_and_not_before) {
    backrun_engine *engine = engine_with_nothing();
    backrun_submission submission = submission_of("nothing");
    submission.delay_ms = HOUR;
    int64_t id = submit_one(engine, submission);
    CHECK_INT(BACKRUN_STATE_SCHEDULED, state_of(engine, id));
    CHECK_INT(1, (long long)stat_of(engine, BACKRUN_STAT_SCHEDULED));
    CHECK_INT(0, (long long)stat_of(engine, BACKRUN_STAT_READY));
    // The engine's day began when it was made, so a moment ago.
    int64_t in_an_hour = ((int64_t)time(NULL) * 1000 + HOUR) * 1000;
    CHECK(run_at(engine, id) > in_an_hour - 60 * INT64_C(1000000));
    CHECK(run_at(engine, id) < in_an_hour + 60 * INT64_C(1000000));
    advance(engine, HOUR - 1);
    CHECK_INT(BACKRUN_STATE_SCHEDULED, state_of(engine, id));
    advance(engine, 2);
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, id));
    CHECK_INT(0, run_at(engine, id));
    CHECK_INT(0, (long long)stat_of(engine, BACKRUN_STAT_SCHEDULED));
    finish(engine);
}

TEST(many_that_are_alike_or_not_are_delayed_as_each_says) {
    enum { COUNT = 8 };
    backrun_engine *engine = engine_with_nothing();
    backrun_submission all[COUNT];
    int64_t alike[COUNT], mixed[COUNT];
    for (int i = 0; i < COUNT; i++) {
        all[i] = submission_of("nothing");
        all[i].delay_ms = HOUR;
    }
    OK(backrun_engine_submit_many(engine, all, COUNT, alike, E));
    for (int i = 0; i < COUNT; i++) {
        all[i].delay_ms = i % 2 == 0 ? 2 * HOUR : 0;
    }
    OK(backrun_engine_submit_many(engine, all, COUNT, mixed, E));
    for (int i = 0; i < COUNT; i++) {
        CHECK_INT(BACKRUN_STATE_SCHEDULED, state_of(engine, alike[i]));
        if (i % 2 == 0) {
            CHECK_INT(BACKRUN_STATE_SCHEDULED, state_of(engine, mixed[i]));
        } else {
            CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, mixed[i]));
        }
    }
    advance(engine, HOUR + 1);
    for (int i = 0; i < COUNT; i++) {
        CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, alike[i]));
    }
    CHECK_INT(COUNT / 2, (long long)stat_of(engine, BACKRUN_STAT_SCHEDULED));
    advance(engine, HOUR);
    for (int i = 0; i < COUNT; i++) {
        CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, mixed[i]));
    }
    finish(engine);
}

TEST(a_time_of_day_follows_the_clock_on_the_wall_and_a_delay_does_not) {
    backrun_engine *engine = engine_with_nothing();
    backrun_submission submission = submission_of("nothing");
    submission.run_at_unix_ms = (int64_t)time(NULL) * 1000 + HOUR;
    int64_t by_day = submit_one(engine, submission);
    CHECK_INT(submission.run_at_unix_ms * 1000, run_at(engine, by_day));
    submission = submission_of("nothing");
    submission.delay_ms = HOUR;
    int64_t by_delay = submit_one(engine, submission);
    OK(backrun_engine_jump_wall_clock(engine, -10 * HOUR, E));
    advance(engine, 2 * HOUR);
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, by_delay));
    CHECK_INT(BACKRUN_STATE_SCHEDULED, state_of(engine, by_day));
    OK(backrun_engine_jump_wall_clock(engine, 10 * HOUR, E));
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, by_day));
    finish(engine);
}

TEST(a_time_of_day_in_the_past_is_at_once) {
    backrun_engine *engine = engine_with_nothing();
    backrun_submission submission = submission_of("nothing");
    submission.run_at_unix_ms = 1;
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, submit_one(engine, submission)));
    finish(engine);
}

TEST(a_scheduled_task_can_be_cancelled_and_a_shutdown_cancels_the_rest) {
    backrun_engine *engine = engine_with_nothing();
    backrun_submission submission = submission_of("nothing");
    submission.delay_ms = HOUR;
    int64_t one = submit_one(engine, submission), other = submit_one(engine, submission);
    CHECK_INT(BACKRUN_CANCEL_QUEUED, cancel(engine, one));
    CHECK_INT(BACKRUN_STATE_CANCELLED, state_of(engine, one));
    OK(backrun_engine_shutdown(engine, BACKRUN_SHUTDOWN_DRAIN, -1, NULL, E));
    CHECK_INT(BACKRUN_STATE_CANCELLED, state_of(engine, other));
    backrun_engine_free(engine);
}

TEST(time_that_is_the_systems_is_nobodys_to_set) {
    backrun_engine *engine = engine_with(1);
    FAILS(BACKRUN_INVALID_ARGUMENT, "manual_time", backrun_engine_advance_time(engine, 1, E));
    FAILS(BACKRUN_INVALID_ARGUMENT, "manual_time", backrun_engine_jump_wall_clock(engine, 1, E));
    finish(engine);
    engine = engine_with_nothing();
    FAILS(BACKRUN_INVALID_ARGUMENT, "ms is -1; pass 0 or more", backrun_engine_advance_time(engine, -1, E));
    advance(engine, 0);
    advance(engine, INT64_MAX);
    advance(engine, INT64_MAX);
    OK(backrun_engine_jump_wall_clock(engine, INT64_MIN, E));
    OK(backrun_engine_jump_wall_clock(engine, INT64_MAX, E));
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, submit(engine, "nothing")));
    finish(engine);
}

static void set_time_in_a_run(backrun_task *task, void *engine) {
    (void)task;
    FAILS(BACKRUN_WOULD_DEADLOCK, NULL, backrun_engine_advance_time(engine, 1, E));
    FAILS(BACKRUN_WOULD_DEADLOCK, NULL, backrun_engine_jump_wall_clock(engine, 1, E));
}

TEST(a_thread_of_the_engine_may_not_set_its_time) {
    backrun_engine *engine = engine_with_nothing();
    inside_run(engine, set_time_in_a_run, engine);
    finish(engine);
}

// ---- Time limits.

typedef struct obedient {
    gate begun;
    bool obeys;
    gate may_leave;
} obedient;

static int32_t run_until_asked(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state) {
    (void)payload, (void)task_state;
    obedient *obedient = user_data;
    gate_add(&obedient->begun, 1);
    while (obedient->obeys && !backrun_task_is_cancelled(task)) {
        sched_yield();
    }
    if (!obedient->obeys) {
        gate_wait(&obedient->may_leave, 1);
    }
    return BACKRUN_RUN_CANCELLED;
}

static void register_limited(backrun_engine *engine, obedient *obedient, backrun_task_options options) {
    backrun_handler handler = {.struct_size = sizeof handler, .run = run_until_asked, .user_data = obedient};
    options.struct_size = sizeof options;
    OK(backrun_engine_register(engine, str("limited"), &handler, &options, E));
}

TEST(a_run_past_its_time_limit_is_asked_to_stop_and_has_then_failed) {
    backrun_engine *engine = engine_with_nothing();
    obedient obedient = {.begun = GATE, .obeys = true, .may_leave = GATE};
    register_limited(engine, &obedient, (backrun_task_options){.time_limit_ms = HOUR});
    int64_t id = submit(engine, "limited");
    gate_wait(&obedient.begun, 1);
    advance(engine, HOUR - 1);
    backrun_task_status *status = status_of(engine, id);
    CHECK_INT(BACKRUN_STATE_RUNNING, backrun_task_status_state(status));
    CHECK_INT(0, backrun_task_status_is_cancel_requested(status));
    backrun_task_status_free(status);
    advance(engine, 2);
    CHECK_INT(BACKRUN_STATE_DEAD, wait_for_end(engine, id));
    status = status_of(engine, id);
    CHECK_TEXT("time limit", backrun_task_status_error_type(status));
    backrun_task_status_free(status);
    // That of a submission comes before that of the name.
    backrun_submission submission = submission_of("limited");
    submission.time_limit_ms = 5;
    id = submit_one(engine, submission);
    gate_wait(&obedient.begun, 2);
    advance(engine, 6);
    CHECK_INT(BACKRUN_STATE_DEAD, wait_for_end(engine, id));
    finish(engine);
}

TEST(a_run_that_does_not_stop_within_the_grace_is_given_up_and_its_outcome_refused) {
    memory *memory = memory_new();
    backrun_engine_options options = options_with(1);
    options.flags = BACKRUN_ENGINE_MANUAL_TIME;
    options.on_event = remember;
    options.observer_user_data = memory;
    backrun_engine *engine = engine_of(options);
    obedient obedient = {.begun = GATE, .may_leave = GATE};
    register_limited(engine, &obedient, (backrun_task_options){.time_limit_ms = 100, .grace_ms = 50});
    int64_t id = submit(engine, "limited");
    gate_wait(&obedient.begun, 1);
    advance(engine, 101);
    CHECK_INT(BACKRUN_STATE_RUNNING, state_of(engine, id));
    advance(engine, 51);
    CHECK_INT(BACKRUN_STATE_DEAD, wait_for_end(engine, id));
    await_event(memory, BACKRUN_EVENT_RUN_GIVEN_UP, id);
    FAILS(BACKRUN_INVALID_ARGUMENT, "has not come back", backrun_engine_replay(engine, id, E));
    gate_add(&obedient.may_leave, 1);
    await_event(memory, BACKRUN_EVENT_STALE_SETTLE, id);
    CHECK_INT(1, (long long)stat_of(engine, BACKRUN_STAT_STALE_SETTLES));
    end_by_cancel(engine);
    free(memory);
}
