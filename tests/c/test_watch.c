// Watching one task: told exactly once of its end, on the observer thread, whatever happens.

#include "test.h"

typedef struct heard {
    gate calls;
    int32_t code;
    int64_t id;
    uint32_t state;
    uint32_t state_asked; // what backrun_engine_wait said inside the callback
    backrun_engine *engine;
    pthread_t thread;
    gate *hold_up; // not NULL: the callback waits for it
} heard;

#define HEARD(of)                                                                                                      \
    { .calls = GATE, .code = -1, .engine = (of) }

static void hear(void *user_data, int32_t code, const backrun_task_status *status) {
    heard *heard = user_data;
    heard->code = code;
    heard->id = backrun_task_status_id(status);
    heard->state = backrun_task_status_state(status);
    heard->thread = pthread_self();
    if (code == BACKRUN_OK) {
        heard->state_asked = state_of(heard->engine, heard->id);
    }
    if (heard->hold_up != NULL) {
        gate_wait(heard->hold_up, 1);
    }
    gate_add(&heard->calls, 1);
}

TEST(the_end_of_a_task_is_told_once_after_it_is_recorded) {
    backrun_engine *engine = engine_with(1);
    hold hold = HOLD;
    register_hold(engine, "hold", &hold);
    heard heard = HEARD(engine);
    int64_t id = submit(engine, "hold");
    OK(backrun_engine_watch(engine, id, hear, &heard, E));
    CHECK_INT(0, gate_value(&heard.calls));
    gate_add(&hold.may_leave, 1);
    gate_wait(&heard.calls, 1);
    CHECK(heard.code == BACKRUN_OK && heard.id == id);
    CHECK(heard.state == BACKRUN_STATE_SUCCEEDED && heard.state_asked == BACKRUN_STATE_SUCCEEDED);
    CHECK(!pthread_equal(heard.thread, pthread_self()));
    finish(engine);
    CHECK_INT(1, gate_value(&heard.calls));
}

TEST(a_task_that_has_ended_already_is_told_of_at_once) {
    backrun_engine *engine = engine_with(1);
    register_run(engine, "nothing", run_done, NULL);
    heard heard = HEARD(engine);
    int64_t id = submit(engine, "nothing");
    wait_for_end(engine, id);
    OK(backrun_engine_watch(engine, id, hear, &heard, E));
    gate_wait(&heard.calls, 1);
    CHECK(heard.code == BACKRUN_OK && heard.id == id && heard.state == BACKRUN_STATE_SUCCEEDED);
    finish(engine);
    CHECK_INT(1, gate_value(&heard.calls));
}

TEST(every_watcher_of_a_task_is_told) {
    backrun_engine *engine = engine_with(1);
    hold hold = HOLD;
    register_hold(engine, "hold", &hold);
    int64_t id = submit(engine, "hold");
    heard heard[20];
    for (int i = 0; i < 20; i++) {
        heard[i] = (struct heard)HEARD(engine);
        OK(backrun_engine_watch(engine, id, hear, &heard[i], E));
    }
    gate_add(&hold.may_leave, 1);
    finish(engine);
    for (int i = 0; i < 20; i++) {
        CHECK_INT(1, gate_value(&heard[i].calls));
    }
}

TEST(a_queued_task_that_is_cancelled_is_told_of) {
    backrun_engine *engine = engine_with(1);
    hold hold = HOLD;
    register_hold(engine, "hold", &hold);
    heard one = HEARD(engine), other = HEARD(engine);
    submit(engine, "hold");
    int64_t cancelled = submit(engine, "hold"), left = submit(engine, "hold");
    OK(backrun_engine_watch(engine, cancelled, hear, &one, E));
    OK(backrun_engine_watch(engine, left, hear, &other, E));
    gate_wait(&hold.entered, 1);
    CHECK_INT(BACKRUN_CANCEL_QUEUED, cancel(engine, cancelled));
    gate_wait(&one.calls, 1);
    CHECK_INT(BACKRUN_STATE_CANCELLED, one.state);
    gate_add(&hold.may_leave, 1);
    OK(backrun_engine_shutdown(engine, BACKRUN_SHUTDOWN_CANCEL, -1, NULL, E));
    CHECK_INT(1, gate_value(&other.calls));
    CHECK(other.code == BACKRUN_OK && (other.state == BACKRUN_STATE_CANCELLED || gate_value(&hold.entered) == 2));
    backrun_engine_free(engine);
}

TEST(a_task_that_a_shutdown_leaves_running_is_told_of_with_its_last_known_state) {
    backrun_engine *engine = engine_with(1);
    hold hold = HOLD;
    register_hold(engine, "hold", &hold);
    int64_t id = submit(engine, "hold");
    heard heard = HEARD(engine);
    OK(backrun_engine_watch(engine, id, hear, &heard, E));
    gate_wait(&hold.entered, 1);
    FAILS(BACKRUN_SHUTDOWN_INCOMPLETE, "hold", backrun_engine_shutdown(engine, BACKRUN_SHUTDOWN_CANCEL, 0, NULL, E));
    gate_wait(&heard.calls, 1);
    CHECK(heard.code == BACKRUN_SHUTDOWN_INCOMPLETE && heard.id == id && heard.state == BACKRUN_STATE_RUNNING);
    int32_t code = backrun_engine_watch(engine, id, hear, &heard, NULL);
    CHECK(code == BACKRUN_SHUTDOWN_INCOMPLETE || code == BACKRUN_SHUTTING_DOWN);
    backrun_engine_free(engine);
    gate_add(&hold.may_leave, 1);
    gate_wait(&hold.released, 1);
    CHECK_INT(1, gate_value(&heard.calls));
}

TEST(after_the_end_of_the_engine_there_is_nobody_to_tell) {
    backrun_engine *engine = engine_with(1);
    register_run(engine, "nothing", run_done, NULL);
    int64_t id = submit(engine, "nothing");
    OK(backrun_engine_shutdown(engine, BACKRUN_SHUTDOWN_DRAIN, -1, NULL, E));
    heard heard = HEARD(engine);
    FAILS(BACKRUN_SHUTTING_DOWN, NULL, backrun_engine_watch(engine, id, hear, &heard, E));
    CHECK_INT(0, gate_value(&heard.calls));
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, state_of(engine, id));
    backrun_engine_free(engine);
}

TEST(watchers_and_observers_share_the_one_observer_thread) {
    memory *memory = memory_new();
    backrun_engine *engine = engine_remembered(memory, 2);
    register_run(engine, "nothing", run_done, NULL);
    heard one = HEARD(engine), other = HEARD(engine);
    OK(backrun_engine_watch(engine, submit(engine, "nothing"), hear, &one, E));
    OK(backrun_engine_watch(engine, submit(engine, "nothing"), hear, &other, E));
    finish(engine);
    CHECK_INT(1, gate_value(&one.calls));
    CHECK_INT(1, gate_value(&other.calls));
    CHECK(pthread_equal(one.thread, other.thread));
    free(memory);
}

TEST(a_watcher_is_told_however_many_events_are_lost) {
    backrun_engine_options options = options_with(1);
    options.observer_capacity = 1;
    memory *memory = memory_new();
    options.on_event = remember;
    options.observer_user_data = memory;
    backrun_engine *engine = engine_of(options);
    register_run(engine, "nothing", run_done, NULL);
    gate may_go_on = GATE;
    heard first = HEARD(engine);
    first.hold_up = &may_go_on;
    enum { MANY = 300 };
    static heard heard[MANY];
    OK(backrun_engine_watch(engine, submit(engine, "nothing"), hear, &first, E));
    for (int i = 0; i < MANY; i++) {
        heard[i] = (struct heard)HEARD(engine);
        OK(backrun_engine_watch(engine, submit(engine, "nothing"), hear, &heard[i], E));
    }
    gate_add(&may_go_on, 1);
    finish(engine);
    for (int i = 0; i < MANY; i++) {
        CHECK_INT(1, gate_value(&heard[i].calls));
        CHECK_INT(BACKRUN_STATE_SUCCEEDED, heard[i].state);
    }
    free(memory);
}
