// Shutdown: both modes, complete and incomplete, and what the engine still answers afterwards.

#include "test.h"

#include <sched.h>

TEST(draining_runs_everything_that_was_accepted) {
    backrun_engine *engine = engine_with(2);
    register_run(engine, "nothing", run_done, NULL);
    int64_t ids[500];
    for (int i = 0; i < 500; i++) {
        ids[i] = submit(engine, "nothing");
    }
    backrun_shutdown_report *report = NULL;
    OK(backrun_engine_shutdown(engine, BACKRUN_SHUTDOWN_DRAIN, -1, &report, E));
    CHECK_INT(0, (long long)backrun_shutdown_report_running_count(report));
    CHECK_INT(0, backrun_shutdown_report_running_id(report, 0));
    CHECK_TEXT("", backrun_shutdown_report_running_name(report, 0));
    CHECK_INT(0, (long long)backrun_shutdown_report_queued_count(report));
    backrun_shutdown_report_free(report);
    for (int i = 0; i < 500; i++) {
        CHECK_INT(BACKRUN_STATE_SUCCEEDED, state_of(engine, ids[i]));
    }
    backrun_engine_free(engine);
}

static int32_t run_until_cancelled(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state) {
    (void)payload, (void)task_state;
    gate_add(user_data, 1);
    while (!backrun_task_is_cancelled(task)) {
        sched_yield();
    }
    return BACKRUN_RUN_CANCELLED;
}

TEST(cancelling_asks_what_runs_to_stop_and_cancels_what_is_queued) {
    memory *memory = memory_new();
    backrun_engine *engine = engine_remembered(memory, 1);
    gate entered = GATE;
    register_run(engine, "looping", run_until_cancelled, &entered);
    int64_t running = submit(engine, "looping"), first = submit(engine, "looping"), second = submit(engine, "looping");
    gate_wait(&entered, 1);
    backrun_shutdown_report *report = NULL;
    OK(backrun_engine_shutdown(engine, BACKRUN_SHUTDOWN_CANCEL, -1, &report, E));
    CHECK_INT(0, (long long)backrun_shutdown_report_running_count(report));
    backrun_shutdown_report_free(report);
    CHECK_INT(1, gate_value(&entered));
    backrun_task_status *status = NULL;
    OK(backrun_engine_wait(engine, second, -1, &status, E));
    CHECK_INT(BACKRUN_STATE_CANCELLED, backrun_task_status_state(status));
    CHECK_TEXT("the engine was shut down", backrun_task_status_cancel_reason(status));
    backrun_task_status_free(status);
    CHECK_INT(BACKRUN_STATE_CANCELLED, state_of(engine, first));
    CHECK_INT(BACKRUN_STATE_CANCELLED, state_of(engine, running));
    CHECK_INT(1, (long long)count_events(memory, BACKRUN_EVENT_INTERRUPTED, running)); // Interrupted is not failed.
    CHECK_INT(0, (long long)count_events(memory, BACKRUN_EVENT_RUN_FAILED, 0));
    CHECK_INT(3, (long long)count_events(memory, BACKRUN_EVENT_CANCELLED, 0));
    CHECK_INT(1, (long long)stat_of(engine, BACKRUN_STAT_INTERRUPTED));
    backrun_engine_free(engine);
    free(memory);
}

TEST(a_run_that_finishes_although_it_was_asked_to_stop_has_succeeded) {
    backrun_engine *engine = engine_with(1);
    hold hold = HOLD;
    register_hold(engine, "hold", &hold);
    int64_t id = submit(engine, "hold");
    gate_wait(&hold.entered, 1);
    gate_add(&hold.may_leave, 1);
    OK(backrun_engine_shutdown(engine, BACKRUN_SHUTDOWN_CANCEL, -1, NULL, E));
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, state_of(engine, id));
    backrun_engine_free(engine);
}

TEST(at_the_time_limit_the_report_names_what_still_runs) {
    backrun_engine *engine = engine_with(2);
    hold hold = HOLD;
    register_hold(engine, "hold", &hold);
    int64_t ids[] = {submit(engine, "hold"), submit(engine, "hold")};
    submit(engine, "hold");
    gate_wait(&hold.entered, 2);
    backrun_shutdown_report *report = NULL;
    FAILS(BACKRUN_SHUTDOWN_INCOMPLETE, "hold", backrun_engine_shutdown(engine, BACKRUN_SHUTDOWN_CANCEL, 1, &report, E));
    CHECK_INT(2, (long long)backrun_shutdown_report_running_count(report));
    CHECK_INT(1, (long long)backrun_shutdown_report_queued_count(report));
    int64_t sum = 0;
    for (size_t i = 0; i < 2; i++) {
        sum += backrun_shutdown_report_running_id(report, i);
        CHECK_TEXT("hold", backrun_shutdown_report_running_name(report, i));
    }
    CHECK_INT(ids[0] + ids[1], sum);
    CHECK_INT(0, backrun_shutdown_report_running_id(report, 2));
    backrun_shutdown_report_free(report);
    backrun_task_status *status = NULL;
    FAILS(BACKRUN_SHUTDOWN_INCOMPLETE, NULL, backrun_engine_wait(engine, ids[0], -1, &status, E));
    CHECK(status == NULL);
    CHECK_INT(0, gate_value(&hold.released));
    gate_add(&hold.may_leave, 1);
    gate_wait(&hold.released, 1);
    backrun_engine_free(engine);
    CHECK_INT(1, gate_value(&hold.released));
}

TEST(a_second_shutdown_waits_again_for_what_the_first_left) {
    backrun_engine *engine = engine_with(1);
    hold hold = HOLD;
    register_hold(engine, "hold", &hold);
    int64_t id = submit(engine, "hold");
    gate_wait(&hold.entered, 1);
    FAILS(BACKRUN_SHUTDOWN_INCOMPLETE, "hold", backrun_engine_shutdown(engine, BACKRUN_SHUTDOWN_DRAIN, 0, NULL, E));
    FAILS(BACKRUN_SHUTDOWN_INCOMPLETE, "hold", backrun_engine_shutdown(engine, BACKRUN_SHUTDOWN_CANCEL, 10, NULL, E));
    gate_add(&hold.may_leave, 1);
    OK(backrun_engine_shutdown(engine, BACKRUN_SHUTDOWN_DRAIN, -1, NULL, E));
    CHECK_INT(1, gate_value(&hold.left));
    CHECK_INT(1, gate_value(&hold.released));
    // The outcome was refused: there is none to wait for, and the last known state stays.
    backrun_task_status *status = NULL;
    FAILS(BACKRUN_SHUTDOWN_INCOMPLETE, NULL, backrun_engine_wait(engine, id, -1, &status, E));
    CHECK_INT(BACKRUN_STATE_RUNNING, state_of(engine, id));
    CHECK_INT(1, (long long)stat_of(engine, BACKRUN_STAT_ABANDONED));
    backrun_engine_free(engine);
}

TEST(a_shutdown_that_was_complete_may_be_repeated) {
    backrun_engine *engine = engine_with(1);
    OK(backrun_engine_shutdown(engine, BACKRUN_SHUTDOWN_CANCEL, 0, NULL, E));
    OK(backrun_engine_shutdown(engine, BACKRUN_SHUTDOWN_DRAIN, 0, NULL, E));
    OK(backrun_engine_shutdown(engine, BACKRUN_SHUTDOWN_CANCEL, INT64_MAX, NULL, E));
    backrun_engine_free(engine);
}

TEST(after_its_end_an_engine_takes_nothing_and_still_answers) {
    backrun_engine *engine = engine_with(1);
    register_run(engine, "nothing", run_done, NULL);
    int64_t id = submit(engine, "nothing");
    OK(backrun_engine_shutdown(engine, BACKRUN_SHUTDOWN_DRAIN, -1, NULL, E));
    backrun_submission submission = submission_of("nothing");
    int64_t none = 77;
    FAILS(BACKRUN_SHUTTING_DOWN, NULL, backrun_engine_submit(engine, &submission, &none, E));
    FAILS(BACKRUN_SHUTTING_DOWN, NULL, backrun_engine_submit_many(engine, &submission, 1, &none, E));
    CHECK_INT(0, none);
    backrun_handler handler = {.struct_size = sizeof handler, .run = run_done};
    FAILS(BACKRUN_SHUTTING_DOWN, NULL, backrun_engine_register(engine, str("late"), &handler, NULL, E));
    backrun_queue_options options = {.struct_size = sizeof options, .name = str("late")};
    FAILS(BACKRUN_SHUTTING_DOWN, NULL, backrun_engine_configure_queue(engine, &options, E));
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, state_of(engine, id));
    CHECK_INT(BACKRUN_CANCEL_FINAL, cancel(engine, id));
    CHECK_INT(1, (long long)stat_of(engine, BACKRUN_STAT_SUCCEEDED));
    CHECK_INT(0, (long long)stat_of(engine, BACKRUN_STAT_WORKERS));
    backrun_engine_free(engine);
}

typedef struct ending {
    backrun_engine *engine;
    int32_t code;
} ending;

static void *end(void *argument) {
    ending *ending = argument;
    ending->code = backrun_engine_shutdown(ending->engine, BACKRUN_SHUTDOWN_DRAIN, -1, NULL, NULL);
    return NULL;
}

TEST(threads_may_shut_one_engine_down_together) {
    backrun_engine *engine = engine_with(2);
    register_run(engine, "nothing", run_done, NULL);
    for (int i = 0; i < 100; i++) {
        submit(engine, "nothing");
    }
    ending endings[4];
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        endings[i] = (ending){engine, -1};
        threads[i] = start_thread(end, &endings[i]);
    }
    for (int i = 0; i < 4; i++) {
        join_thread(threads[i]);
        CHECK_INT(BACKRUN_OK, endings[i].code);
    }
    CHECK_INT(100, (long long)stat_of(engine, BACKRUN_STAT_SUCCEEDED));
    backrun_engine_free(engine);
}
