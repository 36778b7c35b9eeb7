// Cancel: what it meets and what follows.

#include "test.h"

#include <sched.h>

TEST(a_queued_task_is_cancelled_at_once_and_never_runs) {
    backrun_engine *engine = engine_with(1);
    hold hold = HOLD;
    register_hold(engine, "hold", &hold);
    int64_t running = submit(engine, "hold"), queued = submit(engine, "hold");
    gate_wait(&hold.entered, 1);
    uint32_t what = 0;
    OK(backrun_engine_cancel(engine, queued, str("not needed"), &what, E));
    CHECK_INT(BACKRUN_CANCEL_QUEUED, what);
    backrun_task_status *status = NULL;
    OK(backrun_engine_wait(engine, queued, 0, &status, E));
    CHECK_INT(BACKRUN_STATE_CANCELLED, backrun_task_status_state(status));
    CHECK_INT(0, backrun_task_status_attempt(status));
    CHECK_INT(0, backrun_task_status_lease(status));
    CHECK_INT(0, backrun_task_status_started_at(status));
    CHECK(backrun_task_status_finished_at(status) >= backrun_task_status_submitted_at(status));
    CHECK_TEXT("not needed", backrun_task_status_cancel_reason(status));
    CHECK_TEXT("", backrun_task_status_error_message(status));
    backrun_task_status_free(status);
    gate_add(&hold.may_leave, 1);
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, running));
    finish(engine);
    CHECK_INT(1, gate_value(&hold.entered));
}

typedef struct stoppable {
    gate entered, asked;
    int64_t asked_id, asked_lease, lease;
    int32_t answer;
} stoppable;

#define STOPPABLE                                                                                                      \
    { .entered = GATE, .asked = GATE, .answer = BACKRUN_RUN_CANCELLED }

static void note_request(void *user_data, int64_t id, int64_t lease) {
    stoppable *stoppable = user_data;
    stoppable->asked_id = id;
    stoppable->asked_lease = lease;
    gate_add(&stoppable->asked, 1);
}

static int32_t run_until_asked(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state) {
    (void)payload, (void)task_state;
    stoppable *stoppable = user_data;
    CHECK_INT(0, backrun_task_is_cancelled(task));
    stoppable->lease = backrun_task_lease(task);
    gate_add(&stoppable->entered, 1);
    gate_wait(&stoppable->asked, 1);
    CHECK_INT(1, backrun_task_is_cancelled(task));
    return stoppable->answer;
}

static void register_stoppable(backrun_engine *engine, stoppable *stoppable) {
    register_handler(engine, "stoppable",
        (backrun_handler){.user_data = stoppable, .run = run_until_asked, .cancel_requested = note_request});
}

TEST(a_running_task_is_asked_to_stop_by_id_and_lease_and_ends_cancelled) {
    backrun_engine *engine = engine_with(1);
    stoppable stoppable = STOPPABLE;
    register_stoppable(engine, &stoppable);
    int64_t id = submit(engine, "stoppable");
    gate_wait(&stoppable.entered, 1);
    uint32_t what = 0;
    OK(backrun_engine_cancel(engine, id, str("enough"), &what, E));
    CHECK_INT(BACKRUN_CANCEL_RUNNING, what);
    backrun_task_status *status = NULL;
    OK(backrun_engine_wait(engine, id, -1, &status, E));
    CHECK_INT(BACKRUN_STATE_CANCELLED, backrun_task_status_state(status));
    CHECK_INT(1, backrun_task_status_is_cancel_requested(status));
    CHECK_TEXT("enough", backrun_task_status_cancel_reason(status));
    CHECK(stoppable.asked_id == id && stoppable.asked_lease == stoppable.lease);
    CHECK_INT(stoppable.lease, backrun_task_status_lease(status));
    backrun_task_status_free(status);
    finish(engine);
    CHECK_INT(1, gate_value(&stoppable.asked));
}

TEST(a_running_task_that_does_not_stop_ends_as_its_run_says) {
    const int32_t answers[] = {BACKRUN_RUN_DONE, BACKRUN_RUN_FATAL};
    const uint32_t states[] = {BACKRUN_STATE_SUCCEEDED, BACKRUN_STATE_DEAD};
    for (int i = 0; i < 2; i++) {
        backrun_engine *engine = engine_with(1);
        stoppable stoppable = STOPPABLE;
        stoppable.answer = answers[i];
        register_stoppable(engine, &stoppable);
        int64_t id = submit(engine, "stoppable");
        gate_wait(&stoppable.entered, 1);
        CHECK_INT(BACKRUN_CANCEL_RUNNING, cancel(engine, id));
        CHECK_INT(states[i], wait_for_end(engine, id));
        finish(engine);
    }
}

TEST(a_second_cancel_asks_no_second_time) {
    backrun_engine *engine = engine_with(1);
    stoppable stoppable = STOPPABLE;
    register_handler(engine, "held",
        (backrun_handler){.user_data = &stoppable, .run = run_until_asked, .cancel_requested = note_request});
    int64_t id = submit(engine, "held");
    gate_wait(&stoppable.entered, 1);
    CHECK_INT(BACKRUN_CANCEL_RUNNING, cancel(engine, id));
    uint32_t again = cancel(engine, id); // The run may have ended in between.
    CHECK(again == BACKRUN_CANCEL_RUNNING || again == BACKRUN_CANCEL_FINAL);
    CHECK_INT(BACKRUN_STATE_CANCELLED, wait_for_end(engine, id));
    finish(engine);
    CHECK_INT(1, gate_value(&stoppable.asked));
}

TEST(a_final_task_stays_what_it_is) {
    backrun_engine *engine = engine_with(1);
    register_run(engine, "nothing", run_done, NULL);
    int64_t id = submit(engine, "nothing");
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, id));
    CHECK_INT(BACKRUN_CANCEL_FINAL, cancel(engine, id));
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, state_of(engine, id));
    finish(engine);
}

TEST(an_unknown_task_is_no_error) {
    backrun_engine *engine = engine_with(1);
    CHECK_INT(BACKRUN_CANCEL_UNKNOWN, cancel(engine, 1));
    CHECK_INT(BACKRUN_CANCEL_UNKNOWN, cancel(engine, INT64_MAX));
    finish(engine);
}

// An observer that is held up by its first event, to see what comes before the events that wait meanwhile.

typedef struct slow_observer {
    gate first_event, may_go_on;
    int events_after, request_came_after;
    gate asked;
} slow_observer;

static void observe_slowly(void *user_data, const backrun_event *events, size_t count) {
    (void)events;
    slow_observer *observer = user_data;
    if (gate_value(&observer->first_event) == 0) {
        gate_add(&observer->first_event, 1);
        gate_wait(&observer->may_go_on, 1);
    } else {
        observer->events_after += (int)count;
    }
}

static void note_order(void *user_data, int64_t id, int64_t lease) {
    (void)id, (void)lease;
    slow_observer *observer = user_data;
    observer->request_came_after = observer->events_after;
    gate_add(&observer->asked, 1);
}

static int32_t run_until_noted(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state) {
    (void)task, (void)payload, (void)task_state;
    slow_observer *observer = user_data;
    gate_wait(&observer->asked, 1);
    return BACKRUN_RUN_CANCELLED;
}

TEST(a_request_to_stop_comes_before_waiting_events) {
    slow_observer observer = {.first_event = GATE, .may_go_on = GATE, .asked = GATE, .request_came_after = -1};
    backrun_engine_options options = options_with(2);
    options.on_event = observe_slowly;
    options.observer_user_data = &observer;
    backrun_engine *engine = engine_of(options);
    hold hold = HOLD;
    register_hold(engine, "hold", &hold);
    register_handler(engine, "asked",
        (backrun_handler){.user_data = &observer, .run = run_until_noted, .cancel_requested = note_order});
    submit(engine, "hold");
    gate_wait(&observer.first_event, 1); // The observer thread stands in on_event now.
    gate_wait(&hold.entered, 1);
    int64_t id = submit(engine, "asked");
    while (state_of(engine, id) == BACKRUN_STATE_READY) {
        sched_yield(); // The other worker takes it in a moment.
    }
    for (int i = 0; i < 100; i++) {
        submit(engine, "hold");
    }
    CHECK_INT(BACKRUN_CANCEL_RUNNING, cancel(engine, id));
    gate_add(&observer.may_go_on, 1);
    CHECK_INT(BACKRUN_STATE_CANCELLED, wait_for_end(engine, id));
    gate_add(&hold.may_leave, 1);
    finish(engine);
    CHECK_INT(0, observer.request_came_after);
    CHECK(observer.events_after > 100);
}

static int32_t run_cancelling_itself(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state) {
    (void)payload, (void)task_state;
    backrun_engine *engine = *(backrun_engine **)user_data;
    CHECK_INT(BACKRUN_CANCEL_RUNNING, cancel(engine, backrun_task_id(task)));
    CHECK_INT(1, backrun_task_is_cancelled(task));
    return BACKRUN_RUN_CANCELLED;
}

TEST(a_run_may_cancel_itself) {
    backrun_engine *engine = engine_with(1);
    register_run(engine, "self", run_cancelling_itself, &engine);
    CHECK_INT(BACKRUN_STATE_CANCELLED, wait_for_end(engine, submit(engine, "self")));
    finish(engine);
}
