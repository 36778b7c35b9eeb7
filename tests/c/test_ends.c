// Being told of the ends of tasks that somebody asked for: on_end and backrun_engine_tell_end.

#include "test.h"

typedef struct end {
    int64_t id, lease;
    uint32_t state;
    uint32_t state_asked; // what backrun_engine_wait said inside the callback; 0: nothing
    pthread_t thread;
} end;

// What on_end was told, in order.
typedef struct ears {
    gate calls;
    backrun_engine *engine; // to be asked inside the callback; may be NULL
    pthread_mutex_t lock;
    end ends[64];
    gate released;
} ears;

#define EARS                                                                                                           \
    { .calls = GATE, .lock = PTHREAD_MUTEX_INITIALIZER, .released = GATE }

static void hear(void *user_data, int64_t id, int64_t lease, uint32_t state) {
    ears *ears = user_data;
    end one = {.id = id, .lease = lease, .state = state, .thread = pthread_self()};
    if (ears->engine != NULL) {
        one.state_asked = state_of(ears->engine, id);
    }
    pthread_mutex_lock(&ears->lock);
    int at = gate_value(&ears->calls);
    CHECK(at < 64);
    ears->ends[at] = one;
    gate_add(&ears->calls, 1);
    pthread_mutex_unlock(&ears->lock);
}

static void release(void *user_data) {
    gate_add(&((ears *)user_data)->released, 1);
}

static backrun_engine *engine_heard(ears *ears, backrun_engine_options options) {
    options.on_end = hear;
    options.observer_user_data = ears;
    options.observer_release = release;
    backrun_engine *engine = engine_of(options);
    register_run(engine, "nothing", run_done, NULL);
    return engine;
}

// Asks for the end of a task that has not ended.
static void ask(backrun_engine *engine, int64_t id) {
    uint32_t state = 77;
    int64_t lease = 77;
    OK(backrun_engine_tell_end(engine, id, &state, &lease, E));
    CHECK(state == 0 && lease == 0);
}

static void check_end(const ears *ears, int at, int64_t id, int64_t lease, uint32_t state) {
    const end *end = &ears->ends[at];
    CHECK_INT(id, end->id);
    CHECK_INT(lease, end->lease);
    CHECK_INT(state, end->state);
}

static int32_t run_failing(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state) {
    (void)user_data, (void)task, (void)payload, (void)task_state;
    return BACKRUN_RUN_FAILED;
}

static int32_t run_pending(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state) {
    (void)payload, (void)task_state;
    hold *hold = user_data;
    hold->lease = backrun_task_lease(task);
    gate_add(&hold->entered, 1);
    return BACKRUN_RUN_PENDING;
}

TEST(an_end_that_was_asked_for_is_told_once_after_it_is_recorded_on_the_worker) {
    ears ears = EARS;
    backrun_engine *engine = engine_heard(&ears, options_with(1));
    ears.engine = engine;
    hold hold = HOLD;
    register_hold(engine, "hold", &hold);
    int64_t id = submit(engine, "hold");
    ask(engine, id);
    gate_wait(&hold.entered, 1);
    ask(engine, id);
    CHECK_INT(0, gate_value(&ears.calls));
    gate_add(&hold.may_leave, 1);
    gate_wait(&ears.calls, 1);
    check_end(&ears, 0, id, 1, BACKRUN_STATE_SUCCEEDED);
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, ears.ends[0].state_asked);
    CHECK(!pthread_equal(ears.ends[0].thread, pthread_self()));
    finish(engine);
    CHECK_INT(1, gate_value(&ears.calls));
    CHECK_INT(1, gate_value(&ears.released));
}

TEST(a_task_that_has_ended_says_so_and_nobody_is_called) {
    ears ears = EARS;
    backrun_engine *engine = engine_heard(&ears, options_with(1));
    register_run(engine, "fail", run_failing, NULL);
    int64_t done = submit(engine, "nothing"), failed = submit(engine, "fail");
    wait_for_end(engine, done);
    wait_for_end(engine, failed);
    uint32_t state = 0;
    int64_t lease = 0;
    OK(backrun_engine_tell_end(engine, done, &state, &lease, E));
    CHECK(state == BACKRUN_STATE_SUCCEEDED && lease == 1);
    OK(backrun_engine_tell_end(engine, failed, &state, NULL, E));
    CHECK_INT(BACKRUN_STATE_DEAD, state);
    FAILS(BACKRUN_NOT_FOUND, NULL, backrun_engine_tell_end(engine, 12345, &state, &lease, E));
    CHECK(state == 0 && lease == 0);
    FAILS(BACKRUN_INVALID_ARGUMENT, NULL, backrun_engine_tell_end(engine, -1, &state, &lease, E));
    finish(engine);
    CHECK_INT(0, gate_value(&ears.calls));
}

TEST(without_a_function_to_call_nothing_can_be_asked_for) {
    backrun_engine *engine = engine_with(1);
    register_run(engine, "nothing", run_done, NULL);
    uint32_t state = 77;
    FAILS(BACKRUN_INVALID_ARGUMENT, "on_end",
        backrun_engine_tell_end(engine, submit(engine, "nothing"), &state, NULL, E));
    CHECK_INT(0, state);
    finish(engine);
}

TEST(whoever_records_an_end_tells_of_it) {
    ears ears = EARS;
    backrun_engine *engine = engine_heard(&ears, options_with(1));
    hold hold = HOLD, pending = HOLD;
    register_hold(engine, "hold", &hold);
    register_run(engine, "pend", run_pending, &pending);
    configure(
        engine, (backrun_queue_options){
                    .name = str("small"), .workers = 1, .capacity = 1, .when_full = BACKRUN_WHEN_FULL_DROP_OLDEST});
    int64_t settled = submit(engine, "pend");
    ask(engine, settled);
    gate_wait(&pending.entered, 1);
    // Before that the worker would record it, as soon as the run returns.
    await_state(engine, settled, BACKRUN_STATE_PENDING);
    settle(engine, settled, pending.lease, BACKRUN_RUN_FATAL);
    backrun_submission submission = submission_of("hold");
    submission.queue = str("small");
    submit_one(engine, submission);
    gate_wait(&hold.entered, 1);
    int64_t dropped = submit_one(engine, submission);
    ask(engine, dropped);
    int64_t cancelled = submit_one(engine, submission);
    ask(engine, cancelled);
    CHECK_INT(BACKRUN_CANCEL_QUEUED, cancel(engine, cancelled));
    CHECK_INT(3, gate_value(&ears.calls));
    check_end(&ears, 0, settled, 1, BACKRUN_STATE_DEAD);
    check_end(&ears, 1, dropped, 0, BACKRUN_STATE_DROPPED);
    check_end(&ears, 2, cancelled, 0, BACKRUN_STATE_CANCELLED);
    for (int i = 0; i < 3; i++) {
        CHECK(pthread_equal(ears.ends[i].thread, pthread_self()));
    }
    gate_add(&hold.may_leave, 1);
    finish(engine);
}

TEST(many_that_one_submit_drops_are_told_of_after_it_in_their_order) {
    enum { ROOM = 20 };
    ears ears = EARS;
    backrun_engine *engine = engine_heard(&ears, options_with(1));
    hold hold = HOLD;
    register_hold(engine, "hold", &hold);
    configure(
        engine, (backrun_queue_options){
                    .name = str("small"), .workers = 1, .capacity = ROOM, .when_full = BACKRUN_WHEN_FULL_DROP_OLDEST});
    backrun_submission all[ROOM];
    for (int i = 0; i < ROOM; i++) {
        all[i] = submission_of("hold");
        all[i].queue = str("small");
        all[i].payload = bytes("x");
    }
    submit_one(engine, all[0]);
    gate_wait(&hold.entered, 1);
    int64_t first[ROOM], second[ROOM];
    OK(backrun_engine_submit_many(engine, all, ROOM, first, E));
    for (int i = 0; i < ROOM; i += 2) {
        ask(engine, first[i]);
    }
    OK(backrun_engine_submit_many(engine, all, ROOM, second, E));
    CHECK_INT(ROOM / 2, gate_value(&ears.calls));
    for (int i = 0; i < ROOM / 2; i++) {
        check_end(&ears, i, first[2 * i], 0, BACKRUN_STATE_DROPPED);
    }
    gate_add(&hold.may_leave, 1);
    finish(engine);
    CHECK_INT(ROOM / 2, gate_value(&ears.calls));
}

TEST(who_is_told_can_look_even_if_nothing_is_kept) {
    ears ears = EARS;
    backrun_engine_options options = options_with(1);
    options.keep_finished = options.keep_dead = -1;
    backrun_engine *engine = engine_heard(&ears, options);
    ears.engine = engine;
    hold hold = HOLD;
    register_hold(engine, "hold", &hold);
    register_run(engine, "fail", run_failing, NULL);
    int64_t ids[] = {submit(engine, "hold"), submit(engine, "fail"), submit(engine, "nothing")};
    for (int i = 0; i < 3; i++) {
        ask(engine, ids[i]);
    }
    gate_add(&hold.may_leave, 1);
    gate_wait(&ears.calls, 3);
    OK(backrun_engine_shutdown(engine, BACKRUN_SHUTDOWN_DRAIN, -1, NULL, E));
    const uint32_t states[] = {BACKRUN_STATE_SUCCEEDED, BACKRUN_STATE_DEAD, BACKRUN_STATE_SUCCEEDED};
    for (int i = 0; i < 3; i++) {
        check_end(&ears, i, ids[i], 1, states[i]);
        CHECK_INT(states[i], ears.ends[i].state_asked);
        backrun_task_status *status = NULL;
        FAILS(BACKRUN_NOT_FOUND, NULL, backrun_engine_wait(engine, ids[i], 0, &status, E));
    }
    backrun_engine_free(engine);
}

TEST(a_task_that_a_shutdown_leaves_running_is_told_of_without_an_end) {
    ears ears = EARS;
    backrun_engine *engine = engine_heard(&ears, options_with(1));
    hold hold = HOLD;
    register_hold(engine, "hold", &hold);
    int64_t left = submit(engine, "hold"), queued = submit(engine, "nothing");
    ask(engine, left);
    ask(engine, queued);
    gate_wait(&hold.entered, 1);
    FAILS(BACKRUN_SHUTDOWN_INCOMPLETE, "hold", backrun_engine_shutdown(engine, BACKRUN_SHUTDOWN_DRAIN, 0, NULL, E));
    CHECK_INT(2, gate_value(&ears.calls));
    check_end(&ears, 0, queued, 0, BACKRUN_STATE_CANCELLED);
    check_end(&ears, 1, left, 1, 0);
    uint32_t state = 77;
    FAILS(BACKRUN_SHUTDOWN_INCOMPLETE, NULL, backrun_engine_tell_end(engine, left, &state, NULL, E));
    OK(backrun_engine_tell_end(engine, queued, &state, NULL, E));
    CHECK_INT(BACKRUN_STATE_CANCELLED, state);
    gate_add(&hold.may_leave, 1);
    OK(backrun_engine_shutdown(engine, BACKRUN_SHUTDOWN_DRAIN, -1, NULL, E));
    CHECK_INT(2, gate_value(&ears.calls));
    CHECK_INT(1, gate_value(&ears.released));
    backrun_engine_free(engine);
}

TEST(an_engine_that_is_given_up_leaves_nobody_waiting) {
    for (int freed = 0; freed < 2; freed++) {
        ears ears = EARS;
        backrun_engine *engine = engine_heard(&ears, options_with(1));
        hold hold = HOLD, pending = HOLD;
        register_hold(engine, "hold", &hold);
        register_run(engine, "pend", run_pending, &pending);
        int64_t waits = submit(engine, "pend");
        gate_wait(&pending.entered, 1);
        ask(engine, waits);
        if (freed) { // The pending run makes it incomplete.
            FAILS(BACKRUN_SHUTDOWN_INCOMPLETE, NULL,
                backrun_engine_shutdown(engine, BACKRUN_SHUTDOWN_CANCEL, 0, NULL, E));
            backrun_engine_free(engine);
        } else {
            int64_t runs = submit(engine, "hold"), queued = submit(engine, "nothing");
            ask(engine, runs);
            ask(engine, queued);
            gate_wait(&hold.entered, 1);
            backrun_engine_abandon(engine);
            CHECK_INT(3, gate_value(&ears.calls));
            check_end(&ears, 0, queued, 0, BACKRUN_STATE_CANCELLED);
            check_end(&ears, 2, runs, 1, 0);
        }
        check_end(&ears, freed ? 0 : 1, waits, 1, 0);
        gate_add(&hold.may_leave, 1);
        gate_wait(&ears.released, 1);
        gate_wait(&hold.released, 1);
    }
}
