// A thread of the engine that would wait for the engine is told so: BACKRUN_WOULD_DEADLOCK.

#include "test.h"

// A queue that is full: one worker that a hold keeps busy, and one task that waits.
typedef struct full {
    backrun_engine *engine;
    hold hold;
    int64_t queued;
    gate tried;
} full;

static void try_everything(full *full) {
    FAILS(BACKRUN_WOULD_DEADLOCK, NULL, backrun_engine_shutdown(full->engine, BACKRUN_SHUTDOWN_DRAIN, -1, NULL, E));
    FAILS(BACKRUN_WOULD_DEADLOCK, NULL, backrun_engine_shutdown(full->engine, BACKRUN_SHUTDOWN_CANCEL, 0, NULL, E));
    backrun_task_status *status = NULL;
    FAILS(BACKRUN_WOULD_DEADLOCK, NULL, backrun_engine_wait(full->engine, full->queued, -1, &status, E));
    FAILS(BACKRUN_WOULD_DEADLOCK, NULL, backrun_engine_wait(full->engine, full->queued, 10, &status, E));
    CHECK(status == NULL);
    CHECK_INT(BACKRUN_STATE_READY, state_of(full->engine, full->queued));
    backrun_submission submission = submission_of("hold");
    submission.queue = str("full");
    submission.when_full = BACKRUN_WHEN_FULL_WAIT;
    submission.when_full_timeout_ms = -1;
    int64_t id = 77;
    FAILS(BACKRUN_WOULD_DEADLOCK, NULL, backrun_engine_submit(full->engine, &submission, &id, E));
    CHECK_INT(0, id);
    FAILS(BACKRUN_WOULD_DEADLOCK, NULL, backrun_engine_submit_many(full->engine, &submission, 1, &id, E));
    gate_add(&full->tried, 1);
}

static void fill(full *full, backrun_engine *engine) {
    full->engine = engine;
    configure(engine, (backrun_queue_options){.name = str("full"), .workers = 1, .capacity = 1});
    register_hold(engine, "hold", &full->hold);
    backrun_submission submission = submission_of("hold");
    submission.queue = str("full");
    submit_one(engine, submission);
    gate_wait(&full->hold.entered, 1);
    full->queued = submit_one(engine, submission);
}

static void empty(full *full) {
    gate_wait(&full->tried, 1);
    gate_add(&full->hold.may_leave, 1);
    finish(full->engine);
}

static void try_inside(backrun_task *task, void *argument) {
    (void)task;
    try_everything(argument);
}

TEST(a_run_that_would_wait_for_its_engine_is_told_so) {
    full full = {.hold = HOLD, .tried = GATE};
    fill(&full, engine_with(1));
    inside_run(full.engine, try_inside, &full);
    empty(&full);
}

static int32_t connect(void *user_data, backrun_task *task, backrun_bytes user_context, void **task_state) {
    (void)task, (void)user_context, (void)task_state;
    try_everything(user_data);
    return BACKRUN_RUN_DONE;
}

TEST(set_user_connection_is_on_a_thread_of_the_engine_too) {
    full full = {.hold = HOLD, .tried = GATE};
    fill(&full, engine_with(1));
    register_handler(full.engine, "connected",
        (backrun_handler){.user_data = &full, .set_user_connection = connect, .run = run_done});
    backrun_submission submission = submission_of("connected");
    submission.user_context = bytes("anna");
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(full.engine, submit_one(full.engine, submission)));
    empty(&full);
}

static void hear(void *user_data, int32_t code, const backrun_task_status *status) {
    (void)code, (void)status;
    try_everything(user_data);
}

TEST(the_observer_thread_that_would_wait_for_its_engine_is_told_so) {
    full full = {.hold = HOLD, .tried = GATE};
    fill(&full, engine_with(1));
    register_run(full.engine, "nothing", run_done, NULL);
    OK(backrun_engine_watch(full.engine, submit(full.engine, "nothing"), hear, &full, E));
    empty(&full);
}

static void asked(void *user_data, int64_t id, int64_t lease) {
    (void)id, (void)lease;
    try_everything(user_data);
}

static int32_t run_until_tried(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state) {
    (void)task, (void)payload, (void)task_state;
    full *full = user_data;
    gate_add(&full->tried, 100);
    gate_wait(&full->tried, 101);
    return BACKRUN_RUN_DONE;
}

TEST(cancel_requested_is_on_the_observer_thread_too) {
    full full = {.hold = HOLD, .tried = GATE};
    fill(&full, engine_with(1));
    register_handler(
        full.engine, "asked", (backrun_handler){.user_data = &full, .run = run_until_tried, .cancel_requested = asked});
    int64_t id = submit(full.engine, "asked");
    gate_wait(&full.tried, 100);
    CHECK_INT(BACKRUN_CANCEL_RUNNING, cancel(full.engine, id));
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(full.engine, id));
    empty(&full);
}

typedef struct observed {
    full full;
    bool done;
} observed;

static void observe(void *user_data, const backrun_event *events, size_t count) {
    observed *observed = user_data;
    for (size_t i = 0; i < count && !observed->done; i++) {
        if (same(events[i].task_name, "nothing")) {
            observed->done = true;
            try_everything(&observed->full);
        }
    }
}

TEST(on_event_is_on_the_observer_thread) {
    observed observed = {.full = {.hold = HOLD, .tried = GATE}};
    backrun_engine_options options = options_with(1);
    options.on_event = observe;
    options.observer_user_data = &observed;
    fill(&observed.full, engine_of(options));
    register_run(observed.full.engine, "nothing", run_done, NULL);
    submit(observed.full.engine, "nothing");
    empty(&observed.full);
}

static void hear_of_end(void *user_data, int64_t id, int64_t lease, uint32_t state) {
    (void)id, (void)lease, (void)state;
    try_everything(user_data);
}

TEST(on_end_is_as_on_a_thread_of_the_engine_whatever_thread_it_is_on) {
    full full = {.hold = HOLD, .tried = GATE};
    backrun_engine_options options = options_with(1);
    options.on_end = hear_of_end;
    options.observer_user_data = &full;
    fill(&full, engine_of(options));
    register_run(full.engine, "nothing", run_done, NULL);
    hold other = HOLD;
    register_hold(full.engine, "other", &other);
    int64_t runs = submit(full.engine, "other"), waits = submit(full.engine, "nothing");
    uint32_t state = 77;
    OK(backrun_engine_tell_end(full.engine, runs, &state, NULL, E));
    OK(backrun_engine_tell_end(full.engine, waits, &state, NULL, E));
    CHECK_INT(BACKRUN_CANCEL_QUEUED, cancel(full.engine, waits));
    CHECK_INT(1, gate_value(&full.tried)); // Here,
    gate_add(&other.may_leave, 1);
    gate_wait(&full.tried, 2); // and on a worker.
    empty(&full);
}

static void wait_for_other(backrun_task *task, void *argument) {
    (void)task;
    backrun_engine *other = argument;
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(other, submit(other, "nothing")));
    finish(other);
}

TEST(a_run_may_wait_for_another_engine_and_end_it) {
    backrun_engine *engine = engine_with(1), *other = engine_with(1);
    register_run(other, "nothing", run_done, NULL);
    inside_run(engine, wait_for_other, other);
    finish(engine);
}
