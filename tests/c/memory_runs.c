// What has no caller to be refused: the end of runs, telling observers, the end of an engine. Whatever memory there is,
// each task ends once and its state is right; only texts may be missing.

#include "walk.h"

#include <sched.h>
#include <stdatomic.h>

// ---- The end of runs: what a worker does after the callback, with the plan of the callback's thread.

enum { RUNS = 3000 };

typedef struct runs {
    walk *walk;
    int32_t answer;
    bool says_why, settles_itself;
    int failing; // runs since an allocation failed
    atomic_bool has_failed;
    gate ended;
    int64_t leases[RUNS + 10]; // by id
} runs;

static const char LONG_TEXT[] = "a text that is longer than what some allocator would keep in a word of its own";

static bool run_works(runs *runs, int32_t code) {
    CHECK(code == BACKRUN_OK || (code == BACKRUN_OUT_OF_MEMORY && has_failed()));
    atomic_store(&runs->has_failed, has_failed());
    return code == BACKRUN_OK;
}

static int32_t run_short_of_memory(void *user_data, backrun_task *task, backrun_bytes all, void *task_state) {
    (void)all, (void)task_state;
    runs *runs = user_data;
    if (backrun_task_id(task) == 2) { // The first after the one that is held.
        begin(runs->walk);
    }
    if (has_failed()) {
        atomic_store(&runs->has_failed, true);
        if (runs->failing++ == (runs->walk->from_then_on ? 20 : 0)) {
            fail_no_more();
        }
    }
    runs->leases[backrun_task_id(task)] = backrun_task_lease(task);
    if (runs->says_why) {
        backrun_failure failure = {.struct_size = sizeof failure,
            .error_type = str("Scarce"),
            .message = str(LONG_TEXT),
            .detail = str("all")};
        run_works(runs, backrun_task_fail(task, str("a first reason"), NULL));
        run_works(runs, backrun_task_fail_with(task, &failure, NULL));
    }
    if (runs->settles_itself) {
        backrun_outcome outcome = {.struct_size = sizeof outcome, .code = BACKRUN_RUN_DONE};
        int64_t id = backrun_task_id(task), lease = backrun_task_lease(task);
        if (!run_works(runs, backrun_task_settle(runs->walk->engine, id, lease, &outcome, NULL))) {
            fail_no_more();
            OK(backrun_task_settle(runs->walk->engine, id, lease, &outcome, E)); // It was not settled.
        }
    }
    gate_add(&runs->ended, 1);
    return runs->answer;
}

// How many tasks have come to this end.
static void end_runs(walk *walk, runs *runs, uint32_t end, bool pending) {
    int count = times(walk, RUNS, 40);
    runs->walk = walk;
    runs->ended = (gate)GATE;
    register_run(walk->engine, "short of memory", run_short_of_memory, runs);
    for (int i = 0; i < count; i++) {
        submit(walk->engine, "short of memory");
    }
    walk->accepted += count;
    gate_add(&walk->hold.may_leave, 1);
    if (pending) {
        gate_wait(&runs->ended, count);
        while (stat_of(walk->engine, BACKRUN_STAT_PENDING) < (uint64_t)count) {
            sched_yield();
        }
        for (int64_t id = 2; id < 2 + count; id++) {
            settle(walk->engine, id, runs->leases[id], BACKRUN_RUN_FAILED);
        }
    }
    OK(backrun_engine_shutdown(walk->engine, BACKRUN_SHUTDOWN_DRAIN, -1, NULL, E));
    CHECK_INT(count + (end == BACKRUN_STAT_SUCCEEDED), (long long)stat_of(walk->engine, end));
    for (int64_t id = 2; id < 2 + count; id++) {
        uint32_t state = end == BACKRUN_STAT_SUCCEEDED ? BACKRUN_STATE_SUCCEEDED
                         : end == BACKRUN_STAT_DEAD    ? BACKRUN_STATE_DEAD
                                                       : BACKRUN_STATE_CANCELLED;
        CHECK_INT(state, state_of(walk->engine, id));
    }
    walk->failed = atomic_load(&runs->has_failed);
}

static void end_runs_well(walk *walk) {
    static runs runs = {.answer = BACKRUN_RUN_DONE};
    end_runs(walk, &runs, BACKRUN_STAT_SUCCEEDED, false);
}

static void end_runs_badly(walk *walk) {
    static runs runs = {.answer = BACKRUN_RUN_FAILED, .says_why = true};
    end_runs(walk, &runs, BACKRUN_STAT_DEAD, false);
}

static void end_runs_without_a_word(walk *walk) {
    static runs runs = {.answer = 77};
    end_runs(walk, &runs, BACKRUN_STAT_DEAD, false);
}

static void end_runs_by_their_own_cancel(walk *walk) {
    static runs runs = {.answer = BACKRUN_RUN_CANCELLED};
    end_runs(walk, &runs, BACKRUN_STAT_CANCELLED, false);
}

static void end_runs_later(walk *walk) {
    static runs runs = {.answer = BACKRUN_RUN_PENDING};
    end_runs(walk, &runs, BACKRUN_STAT_DEAD, true);
}

static void end_runs_early(walk *walk) {
    static runs runs = {.answer = BACKRUN_RUN_PENDING, .settles_itself = true};
    end_runs(walk, &runs, BACKRUN_STAT_SUCCEEDED, false);
}

TEST(runs_end_although_there_is_little_memory) {
    CHECK_INT(0, WALK(end_runs_well, LARGE) + WALK(end_runs_badly, LARGE) + WALK(end_runs_later, LARGE));
}

TEST(no_allocation_at_the_end_of_a_run_can_end_the_process) {
    // A run that simply succeeds needs none, unless its observer falls behind.
    CHECK_INT(0, WALK_FRUGAL(end_runs_well) + WALK(end_runs_badly, ANY) + WALK(end_runs_without_a_word, ANY));
}

TEST(no_allocation_of_a_run_that_ends_otherwise_can_end_the_process) {
    CHECK_INT(0, WALK(end_runs_by_their_own_cancel, ANY) + WALK(end_runs_later, ANY) + WALK(end_runs_early, ANY));
}

// ---- Pending runs.

typedef struct pending {
    gate begun;
    int64_t ids[64], leases[64];
    atomic_int asked;
} pending;

static int32_t run_pending(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state) {
    (void)payload, (void)task_state;
    pending *pending = user_data;
    int index = gate_value(&pending->begun);
    pending->ids[index] = backrun_task_id(task);
    pending->leases[index] = backrun_task_lease(task);
    gate_add(&pending->begun, 1);
    return BACKRUN_RUN_PENDING;
}

static void ask_pending(void *user_data, int64_t id, int64_t lease) {
    (void)id, (void)lease;
    atomic_fetch_add(&((pending *)user_data)->asked, 1);
}

// So many runs of the queue "second" that are pending.
static void make_pending(backrun_engine *engine, pending *pending, int count) {
    register_handler(engine, "pending",
        (backrun_handler){.run = run_pending, .user_data = pending, .cancel_requested = ask_pending});
    backrun_submission submission = submission_of("pending");
    submission.queue = str("second");
    for (int i = 0; i < count; i++) {
        submit_one(engine, submission);
    }
    while (stat_of(engine, BACKRUN_STAT_PENDING) < (uint64_t)count) {
        sched_yield();
    }
}

static void settle_some(walk *walk) {
    enum { COUNT = 40 };
    static pending pending = {.begun = GATE};
    make_pending(walk->engine, &pending, COUNT);
    walk->accepted += COUNT;
    begin(walk);
    for (int i = 0; i < COUNT; i++) {
        backrun_failure failure = {.struct_size = sizeof failure, .message = str(LONG_TEXT), .detail = str("all")};
        backrun_outcome outcome = {.struct_size = sizeof outcome, .code = BACKRUN_RUN_FAILED, .failure = &failure};
        backrun_error *error = NULL;
        int32_t code = backrun_task_settle(walk->engine, pending.ids[i], pending.leases[i], &outcome, &error);
        if (!worked(walk, code, &error)) {
            end(walk);
            OK(backrun_task_settle(walk->engine, pending.ids[i], pending.leases[i], &outcome, E));
        }
    }
    end(walk);
    for (int i = 0; i < COUNT; i++) {
        CHECK_INT(BACKRUN_STATE_DEAD, state_of(walk->engine, pending.ids[i]));
    }
}

TEST(a_settle_that_has_no_memory_can_be_settled_again) {
    CHECK_INT(0, WALK(settle_some, ANY));
}

// ---- The end of an engine.

typedef struct ending {
    backrun_engine *engine;
    hold hold;
    pending pending;
    atomic_int asked, heard_ends, heard_too_early, told_ends, told_too_early;
    gate heard;
    int64_t ids[8];
} ending;

enum { PENDING = 3, QUEUED = 5 };

static void ask_hold(void *user_data, int64_t id, int64_t lease) {
    (void)id, (void)lease;
    ending *ending = user_data;
    atomic_fetch_add(&ending->asked, 1);
}

static int32_t run_hold_of_ending(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state) {
    return run_hold(&((ending *)user_data)->hold, task, payload, task_state);
}

static void release_hold_of_ending(void *user_data) {
    release_hold(&((ending *)user_data)->hold);
}

static void hear_end(void *user_data, int32_t code, const backrun_task_status *status) {
    ending *ending = user_data;
    CHECK(backrun_task_status_id(status) > 0);
    atomic_fetch_add(code == BACKRUN_OK ? &ending->heard_ends : &ending->heard_too_early, 1);
    gate_add(&ending->heard, 1);
}

// The one that there is: the observers' user data is their memory.
static ending *told_of;

static void tell_end(void *user_data, int64_t id, int64_t lease, uint32_t state) {
    (void)user_data, (void)lease;
    CHECK(id > 0);
    atomic_fetch_add(state != 0 ? &told_of->told_ends : &told_of->told_too_early, 1);
}

static void watch_end(ending *ending, int64_t id) {
    uint32_t state = 77;
    OK(backrun_engine_watch(ending->engine, id, hear_end, ending, E));
    OK(backrun_engine_tell_end(ending->engine, id, &state, NULL, E));
    CHECK_INT(0, state);
}

// An engine with one run on a worker, some pending ones and some queued tasks; of each it is to tell the end, in both
// ways.
static void start_ending(ending *ending, walk *walk) {
    *ending = (struct ending){.hold = HOLD, .pending = {.begun = GATE}, .heard = GATE};
    told_of = ending;
    backrun_engine_options options = options_with(1);
    options.on_end = tell_end;
    if (walk->observed) {
        static memory *memory;
        memory = memory_new();
        options.on_event = remember;
        options.observer_user_data = memory;
        options.observer_release = free;
    }
    ending->engine = engine_of(options);
    configure(ending->engine, (backrun_queue_options){.name = str("second"), .workers = 1});
    register_run(ending->engine, "nothing", run_done, NULL);
    register_handler(ending->engine, "hold",
        (backrun_handler){.run = run_hold_of_ending,
            .user_data = ending,
            .cancel_requested = ask_hold,
            .release = release_hold_of_ending});
    int64_t held = submit(ending->engine, "hold");
    watch_end(ending, held);
    gate_wait(&ending->hold.entered, 1);
    make_pending(ending->engine, &ending->pending, PENDING);
    for (int i = 0; i < PENDING; i++) {
        watch_end(ending, ending->pending.ids[i]);
    }
    for (int i = 0; i < QUEUED; i++) {
        ending->ids[i] = submit(ending->engine, "nothing");
        watch_end(ending, ending->ids[i]);
    }
}

static void check_ending(ending *ending) {
    gate_wait(&ending->heard, 1 + PENDING + QUEUED);
    CHECK_INT(QUEUED, atomic_load(&ending->heard_ends));
    CHECK_INT(1 + PENDING, atomic_load(&ending->heard_too_early));
    CHECK_INT(QUEUED, atomic_load(&ending->told_ends));
    CHECK_INT(1 + PENDING, atomic_load(&ending->told_too_early));
    // The run on the worker is told in any case; the pending ones if there was memory for it.
    CHECK_INT(1, atomic_load(&ending->asked));
    CHECK(atomic_load(&ending->pending.asked) <= PENDING);
}

static void shut_down(walk *walk) {
    static ending ending;
    start_ending(&ending, walk);
    backrun_shutdown_report *report = NULL;
    backrun_error *error = NULL;
    begin(walk);
    int32_t code = backrun_engine_shutdown(ending.engine, BACKRUN_SHUTDOWN_CANCEL, 0, &report, &error);
    end(walk);
    CHECK_INT(code, backrun_error_code(error));
    backrun_error_free(error);
    if (code == BACKRUN_OUT_OF_MEMORY) { // For the report: nothing has changed.
        CHECK(walk->failed && report == NULL);
        CHECK_INT(BACKRUN_STATE_READY, state_of(ending.engine, ending.ids[0]));
        submit(ending.engine, "nothing"); // One more of the queued.
        code = backrun_engine_shutdown(ending.engine, BACKRUN_SHUTDOWN_CANCEL, 0, &report, NULL);
        CHECK_INT(QUEUED + 1, (long long)backrun_shutdown_report_queued_count(report));
    } else {
        CHECK_INT(QUEUED, (long long)backrun_shutdown_report_queued_count(report));
    }
    CHECK_INT(BACKRUN_SHUTDOWN_INCOMPLETE, code);
    // What has no name is counted.
    CHECK_INT(1 + PENDING, (long long)backrun_shutdown_report_running_count(report));
    for (size_t i = 0; i < 1 + PENDING; i++) {
        int64_t id = backrun_shutdown_report_running_id(report, i);
        CHECK(id > 0 ? backrun_shutdown_report_running_name(report, i).len > 0 : walk->failed);
    }
    backrun_shutdown_report_free(report);
    check_ending(&ending);
    for (int i = 0; i < QUEUED; i++) {
        CHECK_INT(BACKRUN_STATE_CANCELLED, state_of(ending.engine, ending.ids[i]));
    }
    gate_add(&ending.hold.may_leave, 1);
    OK(backrun_engine_shutdown(ending.engine, BACKRUN_SHUTDOWN_CANCEL, -1, NULL, E));
    CHECK_INT(1, gate_value(&ending.hold.released));
    backrun_engine_free(ending.engine);
}

static void abandon(walk *walk) {
    static ending ending;
    start_ending(&ending, walk);
    begin(walk);
    backrun_engine_abandon(ending.engine);
    end(walk);
    check_ending(&ending);
    gate_add(&ending.hold.may_leave, 1);
    gate_wait(&ending.hold.released, 1);
}

static void drain(walk *walk) {
    static ending ending;
    start_ending(&ending, walk);
    for (int i = 0; i < PENDING; i++) {
        settle(ending.engine, ending.pending.ids[i], ending.pending.leases[i], BACKRUN_RUN_DONE);
    }
    gate_add(&ending.hold.may_leave, 1);
    begin(walk);
    // Without a report it needs no memory.
    int32_t code = backrun_engine_shutdown(ending.engine, BACKRUN_SHUTDOWN_DRAIN, -1, NULL, NULL);
    end(walk);
    CHECK_INT(BACKRUN_OK, code);
    CHECK_INT(1 + PENDING + QUEUED, atomic_load(&ending.heard_ends));
    CHECK_INT(1 + PENDING + QUEUED, atomic_load(&ending.told_ends));
    CHECK_INT(1 + PENDING + QUEUED, (long long)stat_of(ending.engine, BACKRUN_STAT_SUCCEEDED));
    CHECK_INT(1, gate_value(&ending.hold.released));
    begin(walk);
    backrun_engine_free(ending.engine);
    walk->failed = fail_no_more() || walk->failed;
}

TEST(a_shutdown_ends_whatever_memory_there_is) {
    CHECK_INT(0, WALK(shut_down, ANY));
}

TEST(an_engine_that_is_abandoned_without_memory_tells_and_releases) {
    // Without observers there is nothing to allocate, so the walk of that way is one.
    CHECK_INT(0, WALK(abandon, ANY));
}

TEST(a_drain_without_a_report_needs_no_memory) {
    CHECK_INT(0, WALK_FRUGAL(drain));
}

// ---- Observers: the plan is that of the observer's thread.

typedef struct listener {
    walk *walk;
    bool has_begun;
    atomic_bool has_failed;
    atomic_int events, logs;
    gate listens, may_go_on, released;
} listener;

static void listen(listener *listener) {
    if (!listener->has_begun) {
        listener->has_begun = true;
        gate_add(&listener->listens, 1);
        gate_wait(&listener->may_go_on, 1); // So that all else waits to be told.
        begin(listener->walk);
    }
    if (has_failed()) {
        atomic_store(&listener->has_failed, true);
    }
}

static void listen_to_events(void *user_data, const backrun_event *events, size_t count) {
    listener *listener = user_data;
    listen(listener);
    for (size_t i = 0; i < count; i++) {
        const backrun_event *event = (const void *)((const char *)events + i * events->struct_size);
        atomic_fetch_add(&listener->events, event->kind != BACKRUN_EVENT_EVENTS_LOST);
    }
}

static void listen_to_logs(void *user_data, const backrun_log_record *records, size_t count) {
    listener *listener = user_data;
    listen(listener);
    for (size_t i = 0; i < count; i++) {
        const backrun_log_record *record = (const void *)((const char *)records + i * records->struct_size);
        CHECK(record->message.len > 0);
        atomic_fetch_add(&listener->logs, record->event_kind != BACKRUN_EVENT_EVENTS_LOST);
    }
}

static void listen_no_more(void *user_data) {
    listener *listener = user_data;
    atomic_store(&listener->has_failed, fail_no_more() || atomic_load(&listener->has_failed));
    gate_add(&listener->released, 1);
}

static void observe(walk *walk) {
    enum { COUNT = 30 };
    static listener listener = {.listens = GATE, .may_go_on = GATE, .released = GATE};
    listener.walk = walk;
    backrun_engine_options options = options_with(1);
    options.on_event = listen_to_events;
    options.on_log = listen_to_logs;
    options.log_level = BACKRUN_LOG_DEBUG;
    options.observer_user_data = &listener;
    options.observer_release = listen_no_more;
    backrun_engine *engine = engine_of(options);
    register_run(engine, "nothing", run_done, NULL);
    gate_wait(&listener.listens, 1); // To the line that tells of the start.
    for (int i = 0; i < COUNT; i++) {
        wait_for_end(engine, submit(engine, "nothing"));
    }
    gate_add(&listener.may_go_on, 1);
    OK(backrun_engine_shutdown(engine, BACKRUN_SHUTDOWN_DRAIN, -1, NULL, E));
    CHECK_INT(1, gate_value(&listener.released));
    // Accepted, started and succeeded, each an event and a line; and the engine's own first and last line.
    CHECK_INT(3 * COUNT, atomic_load(&listener.events) + (long long)stat_of(engine, BACKRUN_STAT_EVENTS_LOST));
    CHECK_INT(3 * COUNT + 2, atomic_load(&listener.logs) + (long long)stat_of(engine, BACKRUN_STAT_LOGS_LOST));
    backrun_engine_free(engine);
    walk->failed = atomic_load(&listener.has_failed);
}

TEST(what_the_observer_thread_has_no_memory_for_is_counted_as_lost) {
    CHECK_INT(0, WALK(observe, ANY));
}

static void tell_gate(void *user_data, int64_t id, int64_t lease, uint32_t state) {
    (void)id, (void)lease, (void)state;
    gate_add(user_data, 1);
}

TEST(ends_are_asked_for_and_told_without_any_memory) {
    enum { ROOM = 10 };
    gate told = GATE;
    hold hold = HOLD;
    backrun_engine_options options = options_with(1);
    options.on_end = tell_gate;
    options.observer_user_data = &told;
    backrun_engine *engine = engine_of(options);
    register_hold(engine, "hold", &hold);
    register_run(engine, "nothing", run_done, NULL);
    configure(
        engine, (backrun_queue_options){
                    .name = str("small"), .workers = 1, .capacity = ROOM, .when_full = BACKRUN_WHEN_FULL_DROP_OLDEST});
    backrun_submission submission = submission_of("hold");
    submission.queue = str("small");
    int64_t runs = submit_one(engine, submission), waits = submit(engine, "hold"), ids[ROOM];
    gate_wait(&hold.entered, 2);
    backrun_submission all[ROOM];
    for (int i = 0; i < ROOM; i++) {
        all[i] = submission;
        all[i].task_name = str("nothing");
        all[i].payload = bytes("x");
    }
    OK(backrun_engine_submit_many(engine, all, ROOM, ids, E));
    uint32_t state = 77;
    fail_allocations_from(ANY, 1);
    OK(backrun_engine_tell_end(engine, runs, &state, NULL, NULL));
    OK(backrun_engine_tell_end(engine, waits, &state, NULL, NULL));
    for (int i = 0; i < ROOM; i++) {
        OK(backrun_engine_tell_end(engine, ids[i], &state, NULL, NULL));
    }
    CHECK(!fail_no_more());
    // All dropped by one submit, which needs none for that.
    fail_allocations_from(ANY, 1);
    OK(backrun_engine_submit_many(engine, all, ROOM, NULL, NULL));
    CHECK(!fail_no_more());
    CHECK_INT(ROOM, gate_value(&told));
    gate_add(&hold.may_leave, 1);
    gate_wait(&told, ROOM + 2);
    finish(engine);
    CHECK_INT(ROOM + 2, gate_value(&told));
}
