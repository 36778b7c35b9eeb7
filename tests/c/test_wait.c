// Waiting for a task and looking at it; what is kept of it afterwards.

#include "test.h"

TEST(a_wait_of_0_only_looks) {
    backrun_engine *engine = engine_with(1);
    hold hold = HOLD;
    register_hold(engine, "hold", &hold);
    int64_t running = submit(engine, "hold"), queued = submit(engine, "hold");
    gate_wait(&hold.entered, 1);
    CHECK_INT(BACKRUN_STATE_RUNNING, state_of(engine, running));
    CHECK_INT(BACKRUN_STATE_READY, state_of(engine, queued));
    gate_add(&hold.may_leave, 1);
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, queued));
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, state_of(engine, running));
    finish(engine);
}

TEST(a_limit_that_passes_is_no_error_and_tells_the_state) {
    backrun_engine *engine = engine_with(1);
    hold hold = HOLD;
    register_hold(engine, "hold", &hold);
    int64_t id = submit(engine, "hold");
    gate_wait(&hold.entered, 1);
    backrun_task_status *status = NULL;
    OK(backrun_engine_wait(engine, id, 20, &status, E));
    CHECK_INT(BACKRUN_STATE_RUNNING, backrun_task_status_state(status));
    CHECK_INT(0, backrun_task_status_is_final(status));
    CHECK_INT(0, backrun_task_status_finished_at(status));
    CHECK(backrun_task_status_started_at(status) >= backrun_task_status_submitted_at(status));
    backrun_task_status_free(status);
    gate_add(&hold.may_leave, 1);
    finish(engine);
}

typedef struct waiting {
    backrun_engine *engine;
    int64_t id, limit;
    uint32_t state;
} waiting;

static void *wait_there(void *argument) {
    waiting *waiting = argument;
    backrun_task_status *status = NULL;
    OK(backrun_engine_wait(waiting->engine, waiting->id, waiting->limit, &status, E));
    waiting->state = backrun_task_status_state(status);
    backrun_task_status_free(status);
    return NULL;
}

TEST(any_number_of_threads_may_wait_for_one_task_up_to_any_limit) {
    backrun_engine *engine = engine_with(1);
    hold hold = HOLD;
    register_hold(engine, "hold", &hold);
    int64_t id = submit(engine, "hold");
    const int64_t limits[] = {-1, INT64_MIN, INT64_MAX, 9000};
    waiting waiting[8];
    pthread_t threads[8];
    for (int i = 0; i < 8; i++) {
        waiting[i].engine = engine;
        waiting[i].id = id;
        waiting[i].limit = limits[i % 4];
        threads[i] = start_thread(wait_there, &waiting[i]);
    }
    gate_wait(&hold.entered, 1);
    gate_add(&hold.may_leave, 1);
    for (int i = 0; i < 8; i++) {
        join_thread(threads[i]);
        CHECK_INT(BACKRUN_STATE_SUCCEEDED, waiting[i].state);
    }
    finish(engine);
}

TEST(an_unknown_task_is_not_found) {
    backrun_engine *engine = engine_with(1);
    backrun_task_status *status = (void *)1;
    FAILS(BACKRUN_NOT_FOUND, "12345", backrun_engine_wait(engine, 12345, 0, &status, E));
    CHECK(status == NULL);
    FAILS(BACKRUN_NOT_FOUND, NULL, backrun_engine_wait(engine, INT64_MAX, -1, &status, E));
    FAILS(BACKRUN_NOT_FOUND, NULL, backrun_engine_watch(engine, 12345, (backrun_watch_fn)abort, NULL, E));
    finish(engine);
}

static int32_t run_failing(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state) {
    (void)user_data, (void)task, (void)payload, (void)task_state;
    return BACKRUN_RUN_FAILED;
}

static bool is_kept(backrun_engine *engine, int64_t id) {
    backrun_task_status *status = NULL;
    int32_t code = backrun_engine_wait(engine, id, 0, &status, NULL);
    CHECK((code == BACKRUN_OK) == (status != NULL) && (code == BACKRUN_OK || code == BACKRUN_NOT_FOUND));
    backrun_task_status_free(status);
    return code == BACKRUN_OK;
}

TEST(the_newest_finished_and_dead_tasks_are_kept_as_the_options_say) {
    backrun_engine_options options = options_with(1);
    options.keep_finished = 2;
    options.keep_dead = 1;
    backrun_engine *engine = engine_of(options);
    register_run(engine, "nothing", run_done, NULL);
    register_run(engine, "fail", run_failing, NULL);
    int64_t finished[3], dead[3];
    for (int i = 0; i < 3; i++) {
        finished[i] = submit(engine, "nothing");
        dead[i] = submit(engine, "fail");
    }
    OK(backrun_engine_shutdown(engine, BACKRUN_SHUTDOWN_DRAIN, -1, NULL, E));
    CHECK(!is_kept(engine, finished[0]) && is_kept(engine, finished[1]) && is_kept(engine, finished[2]));
    CHECK(!is_kept(engine, dead[0]) && !is_kept(engine, dead[1]) && is_kept(engine, dead[2]));
    backrun_engine_free(engine);
}

TEST(nothing_is_kept_where_the_options_say_none) {
    backrun_engine_options options = options_with(1);
    options.keep_finished = -1;
    options.keep_dead = -1;
    backrun_engine *engine = engine_of(options);
    register_run(engine, "nothing", run_done, NULL);
    register_run(engine, "fail", run_failing, NULL);
    int64_t finished = submit(engine, "nothing"), dead = submit(engine, "fail");
    OK(backrun_engine_shutdown(engine, BACKRUN_SHUTDOWN_DRAIN, -1, NULL, E));
    CHECK(!is_kept(engine, finished) && !is_kept(engine, dead));
    CHECK_INT(BACKRUN_CANCEL_UNKNOWN, cancel(engine, finished));
    backrun_engine_free(engine);
}

TEST(a_status_has_its_times_in_order_and_what_was_submitted) {
    backrun_engine *engine = engine_with(1);
    register_run(engine, "nothing", run_done, NULL);
    backrun_submission submission = submission_of("nothing");
    submission.priority = 2;
    int64_t id = submit_one(engine, submission);
    backrun_task_status *status = NULL;
    OK(backrun_engine_wait(engine, id, -1, &status, E));
    CHECK_INT(id, backrun_task_status_id(status));
    CHECK_TEXT("nothing", backrun_task_status_name(status));
    CHECK_TEXT("default", backrun_task_status_queue(status));
    CHECK_INT(2, backrun_task_status_priority(status));
    CHECK_INT(1, backrun_task_status_attempt(status));
    CHECK(backrun_task_status_lease(status) > 0);
    CHECK_INT(0, backrun_task_status_is_cancel_requested(status));
    CHECK_TEXT("", backrun_task_status_cancel_reason(status));
    CHECK_TEXT("", backrun_task_status_error_type(status));
    int64_t submitted = backrun_task_status_submitted_at(status), started = backrun_task_status_started_at(status);
    CHECK(submitted > 1700000000000000 && submitted <= started);
    CHECK(started <= backrun_task_status_finished_at(status));
    finish(engine);
    CHECK_TEXT("nothing", backrun_task_status_name(status)); // A snapshot outlives its engine.
    backrun_task_status_free(status);
}

TEST(ids_grow_and_the_first_run_has_the_first_lease) {
    backrun_engine *engine = engine_with(1);
    hold hold = HOLD;
    gate_add(&hold.may_leave, 1);
    register_hold(engine, "hold", &hold);
    int64_t last_id = 0;
    for (int i = 0; i < 10; i++) {
        int64_t id = submit(engine, "hold");
        CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, id));
        CHECK(id > last_id && hold.lease == 1 && hold.id == id);
        last_id = id;
    }
    finish(engine);
}
