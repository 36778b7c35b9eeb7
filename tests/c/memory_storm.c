// Every few allocations fail, on all threads, while many threads use an engine: whatever was accepted ends once, and
// whoever was promised to be told is told.

#include "walk.h"

#include <sched.h>
#include <stdatomic.h>

enum { ACTORS = 3, STEPS = 2000, MOST = ACTORS * STEPS * 2 };

typedef struct scarce {
    unsigned every;
    backrun_engine *engine;
    atomic_llong accepted, watched, heard;
    // Pending runs that wait for their settle.
    pthread_mutex_t lock;
    struct {
        int64_t id, lease;
    } pending[MOST];
    int pending_count;
    bool over;
} scarce;

static scarce storm = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void check_answer(int32_t code, backrun_error **error, int32_t also) {
    CHECK(code == BACKRUN_OK || code == BACKRUN_OUT_OF_MEMORY || code == also);
    CHECK_INT(code, backrun_error_code(*error));
    backrun_error_free(*error);
}

static int32_t run_in_scarcity(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state) {
    (void)user_data, (void)payload, (void)task_state;
    switch (backrun_task_id(task) % 5) {
    case 0:
        backrun_task_fail(task, str("it was to fail"), NULL);
        return BACKRUN_RUN_FAILED;
    case 1:
        return BACKRUN_RUN_CANCELLED;
    case 2:
        pthread_mutex_lock(&storm.lock);
        CHECK(storm.pending_count < MOST);
        storm.pending[storm.pending_count].id = backrun_task_id(task);
        storm.pending[storm.pending_count].lease = backrun_task_lease(task);
        storm.pending_count++;
        pthread_mutex_unlock(&storm.lock);
        return BACKRUN_RUN_PENDING;
    default:
        return BACKRUN_RUN_DONE;
    }
}

static void *settle_in_scarcity(void *argument) {
    (void)argument;
    for (int next = 0;;) {
        pthread_mutex_lock(&storm.lock);
        bool is_there = next < storm.pending_count, over = storm.over;
        int64_t id = is_there ? storm.pending[next].id : 0, lease = is_there ? storm.pending[next].lease : 0;
        pthread_mutex_unlock(&storm.lock);
        if (!is_there) {
            if (over) {
                return NULL;
            }
            sched_yield();
            continue;
        }
        backrun_failure failure = {.struct_size = sizeof failure, .message = str("it was to fail later")};
        backrun_outcome outcome = {.struct_size = sizeof outcome, .code = BACKRUN_RUN_FAILED, .failure = &failure};
        backrun_error *error = NULL;
        int32_t code = backrun_task_settle(storm.engine, id, lease, &outcome, &error);
        check_answer(code, &error, BACKRUN_OK);
        next += code == BACKRUN_OK; // Otherwise it is still to be settled.
    }
}

static void hear_in_scarcity(void *user_data, int32_t code, const backrun_task_status *status) {
    (void)user_data;
    CHECK_INT(BACKRUN_OK, code);
    CHECK(backrun_task_status_is_final(status));
    atomic_fetch_add(&storm.heard, 1);
}

static void look_in_scarcity(int64_t id) {
    backrun_error *error = NULL;
    backrun_task_status *status = NULL;
    check_answer(backrun_engine_wait(storm.engine, id, 0, &status, &error), &error, BACKRUN_NOT_FOUND);
    backrun_task_status_free(status);
    backrun_stats *stats = NULL;
    check_answer(backrun_engine_stats(storm.engine, &stats, &error), &error, BACKRUN_OK);
    backrun_stats_free(stats);
}

static gate may_begin = GATE;

static void *act_in_scarcity(void *argument) {
    gate_wait(&may_begin, 1);
    unsigned seed = 17 * *(unsigned *)argument + storm.every;
    int64_t last = 0;
    for (int i = 0; i < STEPS; i++) {
        backrun_submission submission = submission_of("task");
        seed = seed * 1103515245 + 12345;
        unsigned what = seed >> 16;
        submission.queue = str(what % 2 == 0 ? "default" : "second");
        submission.priority = (int32_t)(what % 3) - 1;
        backrun_submission two[2] = {submission, submission_with(what % 64 == 0 ? 20000 : 10)};
        two[1].task_name = str("task");
        int64_t ids[2] = {0, 0};
        backrun_error *error = NULL;
        int32_t code = what % 8 == 0 ? backrun_engine_submit_many(storm.engine, two, 2, ids, &error)
                                     : backrun_engine_submit(storm.engine, &submission, ids, &error);
        check_answer(code, &error, BACKRUN_OK);
        CHECK((code == BACKRUN_OK) == (ids[0] > 0));
        atomic_fetch_add(&storm.accepted, (ids[0] > 0) + (ids[1] > 0));
        last = ids[0] > 0 ? ids[0] : last;
        if (last == 0) {
            continue;
        }
        uint32_t met = 0;
        switch (what / 8 % 8) {
        case 0:
            code = backrun_engine_watch(storm.engine, last, hear_in_scarcity, NULL, &error);
            check_answer(code, &error, BACKRUN_NOT_FOUND);
            atomic_fetch_add(&storm.watched, code == BACKRUN_OK);
            break;
        case 1:
            check_answer(backrun_engine_cancel(storm.engine, last, str("a reason"), &met, &error), &error, BACKRUN_OK);
            break;
        case 2:
            look_in_scarcity(last);
            break;
        }
    }
    return NULL;
}

static void hear_events(void *user_data, const backrun_event *events, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const backrun_event *event = (const void *)((const char *)events + i * events->struct_size);
        atomic_fetch_add((atomic_llong *)user_data, event->kind == BACKRUN_EVENT_ACCEPTED);
    }
}

static void live_in_scarcity(void *argument) {
    storm.every = *(unsigned *)argument;
    static atomic_llong accepted_events;
    backrun_engine_options options = options_with(2);
    options.on_event = hear_events;
    options.event_kinds = 1 << BACKRUN_EVENT_ACCEPTED;
    options.observer_user_data = &accepted_events;
    storm.engine = engine_of(options);
    configure(storm.engine, (backrun_queue_options){.name = str("second"), .workers = 2});
    register_run(storm.engine, "task", run_in_scarcity, NULL);
    pthread_t settler = start_thread(settle_in_scarcity, NULL), actors[ACTORS];
    unsigned numbers[ACTORS];
    for (unsigned i = 0; i < ACTORS; i++) {
        numbers[i] = i;
        actors[i] = start_thread(act_in_scarcity, &numbers[i]);
    }
    fail_every(storm.every);
    gate_add(&may_begin, 1);
    for (int i = 0; i < ACTORS; i++) {
        join_thread(actors[i]);
    }
    fail_every(0);
    OK(backrun_engine_shutdown(storm.engine, BACKRUN_SHUTDOWN_DRAIN, -1, NULL, E)); // Waits for what is settled.
    pthread_mutex_lock(&storm.lock);
    storm.over = true;
    pthread_mutex_unlock(&storm.lock);
    join_thread(settler);
    CHECK(failed_of_every() > 0);
    CHECK_INT(atomic_load(&storm.accepted), (long long)stat_of(storm.engine, BACKRUN_STAT_ACCEPTED));
    CHECK_INT(atomic_load(&storm.accepted),
        (long long)(stat_of(storm.engine, BACKRUN_STAT_SUCCEEDED) + stat_of(storm.engine, BACKRUN_STAT_DEAD) +
                    stat_of(storm.engine, BACKRUN_STAT_CANCELLED)));
    CHECK_INT(atomic_load(&storm.watched), atomic_load(&storm.heard));
    CHECK_INT(atomic_load(&storm.accepted),
        atomic_load(&accepted_events) + (long long)stat_of(storm.engine, BACKRUN_STAT_EVENTS_LOST));
    backrun_engine_free(storm.engine);
}

TEST(all_that_was_accepted_ends_once_while_memory_is_refused_everywhere) {
    for (unsigned every = 1; every <= 40; every += every < 8 ? 1 : 16) {
        fprintf(stderr, "every allocation of %u fails\n", every);
        CHECK(in_child(live_in_scarcity, &every));
    }
}
