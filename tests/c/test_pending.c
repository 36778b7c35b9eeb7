// Pending runs: the task goes on elsewhere, holds no worker, and is settled once, by id and lease.

#include "test.h"

#include <sched.h>

// A handler that returns PENDING; before that, it may settle itself.
typedef struct away {
    gate gone;
    backrun_engine *engine;
    bool settle_inside;
    int64_t id, lease;
} away;

static int32_t run_away(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state) {
    (void)payload, (void)task_state;
    away *away = user_data;
    away->id = backrun_task_id(task);
    away->lease = backrun_task_lease(task);
    if (away->settle_inside) {
        settle(away->engine, away->id, away->lease, BACKRUN_RUN_DONE);
    }
    gate_add(&away->gone, 1);
    return BACKRUN_RUN_PENDING;
}

static void *settle_it(void *argument) {
    away *away = argument;
    settle(away->engine, away->id, away->lease, BACKRUN_RUN_DONE);
    return NULL;
}

TEST(a_pending_run_holds_no_worker_and_is_settled_from_any_thread) {
    backrun_engine *engine = engine_with(1);
    away away = {.gone = GATE, .engine = engine};
    register_run(engine, "away", run_away, &away);
    register_run(engine, "nothing", run_done, NULL);
    int64_t id = submit(engine, "away");
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, submit(engine, "nothing")));
    CHECK_INT(BACKRUN_STATE_PENDING, state_of(engine, id));
    CHECK_INT(1, (long long)stat_of(engine, BACKRUN_STAT_PENDING));
    CHECK_INT(0, (long long)stat_of(engine, BACKRUN_STAT_RUNNING));
    pthread_t thread = start_thread(settle_it, &away);
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, id));
    join_thread(thread);
    CHECK_INT(0, (long long)stat_of(engine, BACKRUN_STAT_PENDING));
    finish(engine);
}

TEST(a_run_may_be_settled_before_it_has_returned) {
    backrun_engine *engine = engine_with(1);
    away away = {.gone = GATE, .engine = engine, .settle_inside = true};
    register_run(engine, "away", run_away, &away);
    int64_t id = submit(engine, "away");
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, id));
    backrun_outcome outcome = {.struct_size = sizeof outcome};
    FAILS(BACKRUN_STALE_LEASE, NULL, backrun_task_settle(engine, id, away.lease, &outcome, E));
    finish(engine);
}

TEST(a_second_settle_or_another_lease_is_stale_and_changes_nothing) {
    memory *memory = memory_new();
    backrun_engine *engine = engine_remembered(memory, 1);
    away away = {.gone = GATE, .engine = engine};
    register_run(engine, "away", run_away, &away);
    int64_t id = submit(engine, "away");
    gate_wait(&away.gone, 1);
    backrun_outcome outcome = {.struct_size = sizeof outcome, .code = BACKRUN_RUN_FATAL};
    const int64_t wrong[] = {away.lease - 1, away.lease + 1, 0, -1, INT64_MAX};
    for (size_t i = 0; i < 5; i++) {
        FAILS(BACKRUN_STALE_LEASE, "lease", backrun_task_settle(engine, id, wrong[i], &outcome, E));
    }
    await_state(engine, id, BACKRUN_STATE_PENDING);
    settle(engine, id, away.lease, BACKRUN_RUN_DONE);
    FAILS(BACKRUN_STALE_LEASE, "lease", backrun_task_settle(engine, id, away.lease, &outcome, E));
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, state_of(engine, id));
    CHECK_INT(6, (long long)stat_of(engine, BACKRUN_STAT_STALE_SETTLES));
    FAILS(BACKRUN_NOT_FOUND, NULL, backrun_task_settle(engine, id + 1, away.lease, &outcome, E));
    finish(engine);
    CHECK_INT(6, (long long)count_events(memory, BACKRUN_EVENT_STALE_SETTLE, id));
    free(memory);
}

TEST(the_outcome_of_a_settle_decides_the_state) {
    const struct {
        int32_t code;
        uint32_t state;
    } all[] = {
        {BACKRUN_RUN_DONE, BACKRUN_STATE_SUCCEEDED},
        {BACKRUN_RUN_FAILED, BACKRUN_STATE_DEAD},
        {BACKRUN_RUN_FATAL, BACKRUN_STATE_DEAD},
        {BACKRUN_RUN_CANCELLED, BACKRUN_STATE_CANCELLED},
    };
    backrun_engine *engine = engine_with(1);
    away away = {.gone = GATE, .engine = engine};
    register_run(engine, "away", run_away, &away);
    for (int i = 0; i < 4; i++) {
        int64_t id = submit(engine, "away");
        gate_wait(&away.gone, i + 1);
        backrun_failure failure = {
            .struct_size = sizeof failure, .error_type = str("Timeout"), .message = str("no answer")};
        backrun_outcome outcome = {.struct_size = sizeof outcome, .code = all[i].code, .failure = &failure};
        OK(backrun_task_settle(engine, id, away.lease, &outcome, E));
        backrun_task_status *status = NULL;
        OK(backrun_engine_wait(engine, id, -1, &status, E));
        CHECK_INT(all[i].state, backrun_task_status_state(status));
        if (all[i].state == BACKRUN_STATE_DEAD) {
            CHECK_TEXT("Timeout", backrun_task_status_error_type(status));
            CHECK_TEXT("no answer", backrun_task_status_error_message(status));
        }
        backrun_task_status_free(status);
    }
    finish(engine);
}

TEST(a_pending_run_counts_against_the_concurrency_limit) {
    memory *memory = memory_new();
    backrun_engine *engine = engine_remembered(memory, 2);
    configure(engine, (backrun_queue_options){.concurrency_limit = 1});
    away away = {.gone = GATE, .engine = engine};
    register_run(engine, "away", run_away, &away);
    register_run(engine, "nothing", run_done, NULL);
    int64_t first = submit(engine, "away"), second = submit(engine, "nothing");
    gate_wait(&away.gone, 1);
    await_state(engine, first, BACKRUN_STATE_PENDING);
    CHECK_INT(BACKRUN_STATE_READY, state_of(engine, second));
    settle(engine, first, away.lease, BACKRUN_RUN_DONE);
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, second));
    finish(engine);
    size_t first_ended = 0, second_began = 0;
    for (size_t i = 0; i < memory->count; i++) {
        first_ended = memory->all[i].kind == BACKRUN_EVENT_SUCCEEDED && memory->all[i].id == first ? i : first_ended;
        second_began = memory->all[i].kind == BACKRUN_EVENT_STARTED && memory->all[i].id == second ? i : second_began;
    }
    CHECK(first_ended < second_began);
    free(memory);
}

static int32_t shutdown_result;

static void *shut_down(void *argument) {
    shutdown_result = backrun_engine_shutdown(argument, BACKRUN_SHUTDOWN_DRAIN, -1, NULL, NULL);
    return NULL;
}

TEST(a_draining_shutdown_waits_for_pending_runs) {
    backrun_engine_options options = options_with(1);
    options.keep_finished = INT64_MAX; // More run below than are kept by default.
    backrun_engine *engine = engine_of(options);
    away away = {.gone = GATE, .engine = engine};
    register_run(engine, "away", run_away, &away);
    register_run(engine, "nothing", run_done, NULL);
    int64_t id = submit(engine, "away");
    gate_wait(&away.gone, 1);
    pthread_t thread = start_thread(shut_down, engine);
    backrun_submission more = submission_of("nothing");
    while (backrun_engine_submit(engine, &more, NULL, NULL) != BACKRUN_SHUTTING_DOWN) {
        sched_yield(); // The other thread begins the shutdown in a moment.
    }
    await_state(engine, id, BACKRUN_STATE_PENDING);
    settle(engine, id, away.lease, BACKRUN_RUN_DONE);
    join_thread(thread);
    CHECK_INT(BACKRUN_OK, shutdown_result);
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, state_of(engine, id));
    backrun_engine_free(engine);
}

TEST(a_pending_run_at_the_time_limit_is_reported_and_its_settle_refused) {
    backrun_engine *engine = engine_with(1);
    away away = {.gone = GATE, .engine = engine};
    register_run(engine, "away", run_away, &away);
    int64_t id = submit(engine, "away");
    gate_wait(&away.gone, 1);
    await_state(engine, id, BACKRUN_STATE_PENDING);
    backrun_shutdown_report *report = NULL;
    FAILS(BACKRUN_SHUTDOWN_INCOMPLETE, "away", backrun_engine_shutdown(engine, BACKRUN_SHUTDOWN_DRAIN, 0, &report, E));
    CHECK_INT(1, (long long)backrun_shutdown_report_running_count(report));
    CHECK_INT(id, backrun_shutdown_report_running_id(report, 0));
    CHECK_TEXT("away", backrun_shutdown_report_running_name(report, 0));
    backrun_shutdown_report_free(report);
    backrun_outcome outcome = {.struct_size = sizeof outcome};
    FAILS(BACKRUN_STALE_LEASE, NULL, backrun_task_settle(engine, id, away.lease, &outcome, E));
    backrun_engine_free(engine);
}

static void note_lease(void *user_data, int64_t id, int64_t lease) {
    away *away = user_data;
    CHECK(id == away->id && lease == away->lease);
    gate_add(&away->gone, 100);
}

TEST(a_pending_run_is_asked_to_stop_like_a_running_one) {
    backrun_engine *engine = engine_with(1);
    away away = {.gone = GATE, .engine = engine};
    register_handler(
        engine, "away", (backrun_handler){.user_data = &away, .run = run_away, .cancel_requested = note_lease});
    int64_t id = submit(engine, "away");
    gate_wait(&away.gone, 1);
    await_state(engine, id, BACKRUN_STATE_PENDING);
    CHECK_INT(BACKRUN_CANCEL_RUNNING, cancel(engine, id));
    gate_wait(&away.gone, 101);
    CHECK_INT(BACKRUN_STATE_PENDING, state_of(engine, id));
    settle(engine, id, away.lease, BACKRUN_RUN_CANCELLED);
    CHECK_INT(BACKRUN_STATE_CANCELLED, state_of(engine, id));
    finish(engine);
}
