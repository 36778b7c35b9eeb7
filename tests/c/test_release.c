// The life of a handler and of the observer: released once, last, whatever way the engine ends.

#include "test.h"

typedef struct counted {
    gate runs, released;
} counted;

#define COUNTED                                                                                                        \
    { .runs = GATE, .released = GATE }

static int32_t run_counted(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state) {
    (void)task, (void)payload, (void)task_state;
    counted *counted = user_data;
    CHECK_INT(0, gate_value(&counted->released));
    gate_add(&counted->runs, 1);
    return BACKRUN_RUN_DONE;
}

static void release_counted(void *user_data) {
    counted *counted = user_data;
    gate_add(&counted->released, 1);
}

static void register_counted(backrun_engine *engine, const char *name, counted *counted) {
    register_handler(
        engine, name, (backrun_handler){.user_data = counted, .run = run_counted, .release = release_counted});
}

TEST(every_handler_is_released_once_before_a_complete_shutdown_returns) {
    backrun_engine *engine = engine_with(2);
    counted used = COUNTED, unused = COUNTED;
    register_counted(engine, "used", &used);
    register_counted(engine, "unused", &unused);
    for (int i = 0; i < 20; i++) {
        submit(engine, "used");
    }
    OK(backrun_engine_shutdown(engine, BACKRUN_SHUTDOWN_DRAIN, -1, NULL, E));
    CHECK(gate_value(&used.runs) == 20 && gate_value(&used.released) == 1 && gate_value(&unused.released) == 1);
    backrun_engine_free(engine);
    CHECK(gate_value(&used.released) == 1 && gate_value(&unused.released) == 1);
}

TEST(free_alone_shuts_down_and_releases) {
    backrun_engine *engine = engine_with(2);
    counted counted = COUNTED;
    register_counted(engine, "used", &counted);
    submit(engine, "used");
    backrun_engine_free(engine);
    CHECK_INT(1, gate_value(&counted.released));
}

TEST(a_run_that_a_shutdown_left_behind_releases_its_handler) {
    backrun_engine *engine = engine_with(2);
    hold hold = HOLD;
    counted other = COUNTED;
    register_hold(engine, "hold", &hold);
    register_counted(engine, "other", &other);
    submit(engine, "hold");
    submit(engine, "hold");
    gate_wait(&hold.entered, 2);
    FAILS(BACKRUN_SHUTDOWN_INCOMPLETE, NULL, backrun_engine_shutdown(engine, BACKRUN_SHUTDOWN_CANCEL, 0, NULL, E));
    CHECK_INT(1, gate_value(&other.released)); // Nothing of it runs.
    CHECK_INT(0, gate_value(&hold.released));
    backrun_engine_free(engine); // Never waits now.
    CHECK_INT(0, gate_value(&hold.released));
    gate_add(&hold.may_leave, 1);
    gate_wait(&hold.released, 1);
    CHECK_INT(2, gate_value(&hold.left)); // The last run did it.
    CHECK_INT(1, gate_value(&hold.released));
}

TEST(abandon_never_waits_and_the_last_run_releases) {
    backrun_engine *engine = engine_with(2);
    hold hold = HOLD;
    counted other = COUNTED;
    register_hold(engine, "hold", &hold);
    register_counted(engine, "other", &other);
    submit(engine, "hold");
    gate_wait(&hold.entered, 1);
    submit(engine, "hold");
    backrun_engine_abandon(engine);
    CHECK_INT(0, gate_value(&hold.left));
    gate_add(&hold.may_leave, 1);
    gate_wait(&hold.released, 1);
    gate_wait(&other.released, 1);
    CHECK(gate_value(&hold.released) == 1 && gate_value(&other.released) == 1);
}

TEST(abandon_of_an_engine_in_any_state_releases_once) {
    for (int state = 0; state < 5; state++) {
        backrun_engine *engine = engine_with(1);
        counted counted = COUNTED;
        register_counted(engine, "counted", &counted);
        switch (state) {
        case 1: // has worked
            wait_for_end(engine, submit(engine, "counted"));
            break;
        case 2: // perhaps works
            submit(engine, "counted");
            break;
        case 3: // was shut down
            OK(backrun_engine_shutdown(engine, BACKRUN_SHUTDOWN_DRAIN, -1, NULL, E));
            break;
        case 4: // has much to do
            for (int i = 0; i < 100; i++) {
                submit(engine, "counted");
            }
            break;
        default: // idle
            break;
        }
        backrun_engine_abandon(engine);
        gate_wait(&counted.released, 1);
        CHECK_INT(1, gate_value(&counted.released));
    }
}

TEST(abandon_after_an_incomplete_shutdown_leaves_the_release_to_the_run) {
    backrun_engine *engine = engine_with(1);
    hold hold = HOLD;
    register_hold(engine, "hold", &hold);
    submit(engine, "hold");
    gate_wait(&hold.entered, 1);
    FAILS(BACKRUN_SHUTDOWN_INCOMPLETE, NULL, backrun_engine_shutdown(engine, BACKRUN_SHUTDOWN_CANCEL, 0, NULL, E));
    backrun_engine_abandon(engine);
    CHECK_INT(0, gate_value(&hold.released));
    gate_add(&hold.may_leave, 1);
    gate_wait(&hold.released, 1);
}

static int32_t run_pending(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state) {
    (void)task, (void)payload, (void)task_state;
    counted *counted = user_data;
    gate_add(&counted->runs, 1);
    return BACKRUN_RUN_PENDING;
}

TEST(abandon_with_a_pending_run_waits_for_nobody) {
    backrun_engine *engine = engine_with(1);
    counted counted = COUNTED;
    register_handler(
        engine, "pending", (backrun_handler){.user_data = &counted, .run = run_pending, .release = release_counted});
    int64_t id = submit(engine, "pending");
    await_state(engine, id, BACKRUN_STATE_PENDING);
    backrun_engine_abandon(engine);
    gate_wait(&counted.released, 1);
}

// Giving the engine up from its own threads.

typedef struct giving_up {
    backrun_engine *engine;
    void (*how)(backrun_engine *engine);
    gate handed_over; // nobody may be using an engine that is given up: the submit has returned
    gate after, released;
} giving_up;

static int32_t run_giving_up(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state) {
    (void)payload, (void)task_state;
    giving_up *giving_up = user_data;
    gate_wait(&giving_up->handed_over, 1);
    giving_up->how(giving_up->engine);
    CHECK_INT(1, backrun_task_is_cancelled(task)); // The task is still valid: the callback lasts.
    CHECK_TEXT("give up", backrun_task_name(task));
    gate_add(&giving_up->after, 1);
    return BACKRUN_RUN_DONE;
}

static void release_giving_up(void *user_data) {
    giving_up *giving_up = user_data;
    gate_add(&giving_up->released, 1);
}

TEST(a_run_may_abandon_or_free_its_own_engine) {
    void (*const ways[])(backrun_engine *) = {backrun_engine_abandon, backrun_engine_free};
    for (int i = 0; i < 2; i++) {
        giving_up giving_up = {
            .engine = engine_with(2), .how = ways[i], .handed_over = GATE, .after = GATE, .released = GATE};
        register_handler(giving_up.engine, "give up",
            (backrun_handler){.user_data = &giving_up, .run = run_giving_up, .release = release_giving_up});
        submit(giving_up.engine, "give up");
        gate_add(&giving_up.handed_over, 1);
        gate_wait(&giving_up.released, 1);
        CHECK_INT(1, gate_value(&giving_up.after));
    }
}

static void give_up_on_event(void *user_data, const backrun_event *events, size_t count) {
    (void)events, (void)count;
    giving_up *giving_up = user_data;
    if (giving_up->how != NULL) {
        gate_wait(&giving_up->handed_over, 1);
        void (*how)(backrun_engine *) = giving_up->how;
        giving_up->how = NULL;
        how(giving_up->engine);
    }
    gate_add(&giving_up->after, 1);
}

TEST(the_observer_may_abandon_or_free_its_own_engine) {
    void (*const ways[])(backrun_engine *) = {backrun_engine_abandon, backrun_engine_free};
    for (int i = 0; i < 2; i++) {
        giving_up giving_up = {.how = ways[i], .handed_over = GATE, .after = GATE, .released = GATE};
        backrun_engine_options options = options_with(1);
        options.on_event = give_up_on_event;
        options.observer_user_data = &giving_up;
        options.observer_release = release_giving_up;
        options.event_kinds = 1U << BACKRUN_EVENT_ACCEPTED;
        giving_up.engine = engine_of(options);
        register_run(giving_up.engine, "nothing", run_done, NULL);
        backrun_submission submission = submission_of("nothing");
        OK(backrun_engine_submit(giving_up.engine, &submission, NULL, E));
        gate_add(&giving_up.handed_over, 1);
        gate_wait(&giving_up.released, 1);
        CHECK(gate_value(&giving_up.after) >= 1);
    }
}

TEST(the_observer_is_released_once_before_a_complete_shutdown_returns) {
    giving_up observer = {.handed_over = GATE, .after = GATE, .released = GATE};
    backrun_engine_options options = options_with(1);
    options.on_event = give_up_on_event;
    options.observer_user_data = &observer;
    options.observer_release = release_giving_up;
    backrun_engine *engine = engine_of(options);
    register_run(engine, "nothing", run_done, NULL);
    submit(engine, "nothing");
    CHECK_INT(0, gate_value(&observer.released));
    OK(backrun_engine_shutdown(engine, BACKRUN_SHUTDOWN_DRAIN, -1, NULL, E));
    CHECK_INT(1, gate_value(&observer.released));
    backrun_engine_free(engine);
    CHECK_INT(1, gate_value(&observer.released));
}

TEST(the_observer_of_an_engine_that_could_not_start_stays_the_callers) {
    giving_up observer = {.handed_over = GATE, .after = GATE, .released = GATE};
    backrun_engine_options options = options_with(1);
    options.on_event = give_up_on_event;
    options.observer_user_data = &observer;
    options.observer_release = release_giving_up;
    options.max_workers = 5000;
    backrun_engine *engine = NULL;
    FAILS(BACKRUN_INVALID_ARGUMENT, "max_workers", backrun_engine_new(&options, &engine, E));
    options.max_workers = 0;
    options.store = BACKRUN_STORE_POSTGRES;
    FAILS(BACKRUN_NOT_SUPPORTED, NULL, backrun_engine_new(&options, &engine, E));
    CHECK_INT(0, gate_value(&observer.released));
}

static void hold_event(void *user_data, const backrun_event *events, size_t count) {
    (void)events, (void)count;
    giving_up *observer = user_data;
    gate_add(&observer->after, 1);
    gate_wait(&observer->after, 100);
}

TEST(an_observer_that_is_busy_at_an_abandon_is_released_after_it_returns) {
    giving_up observer = {.handed_over = GATE, .after = GATE, .released = GATE};
    backrun_engine_options options = options_with(1);
    options.on_event = hold_event;
    options.observer_user_data = &observer;
    options.observer_release = release_giving_up;
    backrun_engine *engine = engine_of(options);
    register_run(engine, "nothing", run_done, NULL);
    submit(engine, "nothing");
    gate_wait(&observer.after, 1);
    backrun_engine_abandon(engine);
    CHECK_INT(0, gate_value(&observer.released));
    gate_add(&observer.after, 100);
    gate_wait(&observer.released, 1);
}
