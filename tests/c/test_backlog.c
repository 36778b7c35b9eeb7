// A long backlog behind one worker that is held: most of it is cancelled or dropped, and the rest still runs in order.

#include "storm.h"

#include <unistd.h>

enum { LONGEST = 200 * 1000, MANY = 500, KEPT_OF = 100, PAYLOAD = 100 };

// The address sanitizer keeps freed memory for a while: little of it, so that memory that is given back is seen. What
// it gives back to the system depends on the clock: nothing, so that one round is like another.
const char *__asan_default_options(void);
const char *__asan_default_options(void) {
    return "quarantine_size_mb=4:allocator_release_to_os_interval_ms=-1";
}

static long resident_mib(void) {
    FILE *file = fopen("/proc/self/statm", "r");
    CHECK(file != NULL);
    long all = 0, resident = 0;
    CHECK_INT(2, fscanf(file, "%ld %ld", &all, &resident));
    fclose(file);
    return resident * (sysconf(_SC_PAGESIZE) / 1024) / 1024;
}

// Remembers the order in which tasks ran.
typedef struct backlog {
    backrun_engine *engine;
    hold hold;
    int64_t held;
    atomic_llong ran;
    int count; // of tasks in it
    int64_t order[LONGEST];
    int64_t ids[LONGEST];
} backlog;

static int32_t run_noted(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state) {
    (void)task_state;
    backlog *backlog = user_data;
    CHECK(payload.len > 0 && payload.data[payload.len - 1] == (uint8_t)payload.len);
    backlog->order[atomic_fetch_add(&backlog->ran, 1)] = backrun_task_id(task);
    return BACKRUN_RUN_DONE;
}

// One worker, held.
static backlog *backlog_new(backrun_queue_options options) {
    backlog *made = calloc(1, sizeof *made);
    CHECK(made != NULL);
    made->hold = (hold)HOLD;
    int tasks = storm_tasks(LONGEST) / MANY * MANY;
    made->count = tasks < LONGEST ? tasks : LONGEST;
    backrun_engine_options engine_options = options_with(1);
    // Fewer than the default is exact: what is kept for a second after its end is not what is measured here.
    engine_options.keep_finished = 1000;
    made->engine = engine_of(engine_options);
    configure(made->engine, options);
    register_run(made->engine, "noted", run_noted, made);
    register_hold(made->engine, "hold", &made->hold);
    made->held = submit(made->engine, "hold");
    gate_wait(&made->hold.entered, 1);
    return made;
}

// Lets the worker go and waits for all that is left.
static void backlog_run(backlog *backlog) {
    gate_add(&backlog->hold.may_leave, 1);
    OK(backrun_engine_shutdown(backlog->engine, BACKRUN_SHUTDOWN_DRAIN, -1, NULL, E));
    CHECK_INT(0, (long long)stat_of(backlog->engine, BACKRUN_STAT_READY));
    CHECK_INT(0, (long long)stat_of(backlog->engine, BACKRUN_STAT_READY_BYTES));
}

static void backlog_free(backlog *backlog) {
    backrun_engine_free(backlog->engine);
    free(backlog);
}

static int32_t level_of(int number) {
    return number * 7 % 5 - 2;
}

static void fill(backlog *backlog, bool mixed) {
    static uint8_t payload[PAYLOAD];
    payload[PAYLOAD - 1] = PAYLOAD;
    backrun_submission all[MANY];
    for (int at = 0; at < backlog->count; at += MANY) {
        for (int i = 0; i < MANY; i++) {
            all[i] = submission_of("noted");
            all[i].payload = (backrun_bytes){payload, PAYLOAD};
            all[i].priority = mixed ? level_of(at + i) : 0;
        }
        OK(backrun_engine_submit_many(backlog->engine, all, MANY, backlog->ids + at, E));
    }
}

static bool is_kept(int number) {
    return number % KEPT_OF == 0;
}

static void check_ready(backlog *backlog, long long tasks) {
    CHECK_INT(tasks, (long long)stat_of(backlog->engine, BACKRUN_STAT_READY));
    CHECK_INT(tasks * PAYLOAD, (long long)stat_of(backlog->engine, BACKRUN_STAT_READY_BYTES));
}

TEST(the_rest_of_a_cancelled_backlog_runs_in_order) {
    backlog *backlog = backlog_new((backrun_queue_options){0});
    fill(backlog, false);
    check_ready(backlog, backlog->count);
    for (int i = 0; i < backlog->count; i++) {
        if (!is_kept(i)) {
            CHECK_INT(BACKRUN_CANCEL_QUEUED, cancel(backlog->engine, backlog->ids[i]));
        }
    }
    check_ready(backlog, backlog->count / KEPT_OF);
    backlog_run(backlog);
    CHECK_INT(backlog->count / KEPT_OF, atomic_load(&backlog->ran));
    for (int i = 0; i < backlog->count / KEPT_OF; i++) {
        CHECK_INT(backlog->ids[i * KEPT_OF], backlog->order[i]);
    }
    backlog_free(backlog);
}

TEST(the_rest_of_a_cancelled_backlog_of_every_level_runs_in_the_order_of_levels) {
    backlog *backlog = backlog_new((backrun_queue_options){.ageing_step_ms = INT64_C(1000) * 3600});
    fill(backlog, true);
    // Every second one first, from the end, then the rest: whatever the order of cancels.
    for (int i = backlog->count - 1; i >= 0; i--) {
        if (!is_kept(i) && i % 2 == 0) {
            CHECK_INT(BACKRUN_CANCEL_QUEUED, cancel(backlog->engine, backlog->ids[i]));
        }
    }
    for (int i = 0; i < backlog->count; i++) {
        if (!is_kept(i) && i % 2 != 0) {
            CHECK_INT(BACKRUN_CANCEL_QUEUED, cancel(backlog->engine, backlog->ids[i]));
        }
    }
    check_ready(backlog, backlog->count / KEPT_OF);
    backlog_run(backlog);
    long long at = 0;
    for (int32_t level = BACKRUN_PRIORITY_HIGHEST; level >= BACKRUN_PRIORITY_LOWEST; level--) {
        for (int i = 0; i < backlog->count; i++) {
            if (is_kept(i) && level_of(i) == level) {
                CHECK_INT(backlog->ids[i], backlog->order[at++]);
            }
        }
    }
    CHECK_INT(at, atomic_load(&backlog->ran));
    backlog_free(backlog);
}

TEST(memory_does_not_grow_with_what_was_ever_cancelled) {
    backlog *backlog = backlog_new((backrun_queue_options){0});
    long after_first = 0, most = 0;
    for (int round = 0; round < 4; round++) {
        fill(backlog, round % 2 == 0);
        for (int i = 0; i < backlog->count; i++) {
            cancel(backlog->engine, backlog->ids[round % 2 == 0 ? i : backlog->count - 1 - i]);
        }
        check_ready(backlog, 0);
        most = resident_mib();
        after_first = round == 0 ? most : after_first;
    }
    if (most > after_first + 16) {
        fprintf(stderr, "%ld MiB after the first round, %ld MiB after the last one\n", after_first, most);
        CHECK(most <= after_first + 16);
    }
    backlog_run(backlog);
    CHECK_INT(0, atomic_load(&backlog->ran));
    backlog_free(backlog);
}

TEST(memory_does_not_grow_with_what_was_ever_dropped) {
    enum { ROOM = 1000 };
    backlog *backlog =
        backlog_new((backrun_queue_options){.capacity = ROOM, .when_full = BACKRUN_WHEN_FULL_DROP_OLDEST});
    long before = resident_mib();
    fill(backlog, false);
    long after = resident_mib();
    check_ready(backlog, ROOM);
    CHECK_INT(backlog->count - ROOM, (long long)stat_of(backlog->engine, BACKRUN_STAT_DROPPED));
    if (after > before + 32) { // 200,000 of them would be 25 MiB of records and 5 MiB of states.
        fprintf(stderr, "%ld MiB before, %ld MiB after\n", before, after);
        CHECK(after <= before + 32);
    }
    backlog_run(backlog);
    CHECK_INT(ROOM, atomic_load(&backlog->ran));
    for (int i = 0; i < ROOM; i++) {
        CHECK_INT(backlog->ids[backlog->count - ROOM + i], backlog->order[i]);
    }
    backlog_free(backlog);
}

TEST(cancelled_tasks_make_room_by_count_and_by_bytes) {
    enum { ROOM = 300, ROUNDS = 200 };
    backlog *backlog = backlog_new((backrun_queue_options){.capacity = ROOM, .capacity_bytes = ROOM * PAYLOAD});
    uint8_t payload[PAYLOAD] = {0};
    backrun_submission submission = submission_of("noted");
    submission.payload = (backrun_bytes){payload, PAYLOAD};
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < ROOM; i++) {
            backlog->ids[i] = submit_one(backlog->engine, submission);
        }
        FAILS(BACKRUN_QUEUE_FULL, "300", backrun_engine_submit(backlog->engine, &submission, NULL, E));
        for (int i = 0; i < ROOM; i++) {
            CHECK_INT(BACKRUN_CANCEL_QUEUED, cancel(backlog->engine, backlog->ids[(i * 7 + round) % ROOM]));
        }
        check_ready(backlog, 0);
    }
    backlog_run(backlog);
    backlog_free(backlog);
}

typedef struct canceller {
    backlog *backlog;
    int share;
} canceller;

enum { CANCELLERS = 4 };

static void *cancel_a_share(void *argument) {
    canceller *canceller = argument;
    for (int i = canceller->share; i < canceller->backlog->count; i += CANCELLERS) {
        if (!is_kept(i)) {
            uint32_t met = cancel(canceller->backlog->engine, canceller->backlog->ids[i]);
            CHECK(met == BACKRUN_CANCEL_QUEUED || met == BACKRUN_CANCEL_FINAL || met == BACKRUN_CANCEL_UNKNOWN ||
                  met == BACKRUN_CANCEL_RUNNING);
        }
    }
    return NULL;
}

TEST(a_backlog_that_is_cancelled_by_four_threads_while_it_runs_keeps_its_order) {
    backlog *backlog = backlog_new((backrun_queue_options){0});
    fill(backlog, false);
    canceller cancellers[CANCELLERS];
    pthread_t threads[CANCELLERS];
    for (int i = 0; i < CANCELLERS; i++) {
        cancellers[i] = (canceller){backlog, i};
        threads[i] = start_thread(cancel_a_share, &cancellers[i]);
    }
    gate_add(&backlog->hold.may_leave, 1);
    for (int i = 0; i < CANCELLERS; i++) {
        join_thread(threads[i]);
    }
    backlog_run(backlog);
    long long ran = atomic_load(&backlog->ran);
    CHECK_INT(backlog->count, ran + (long long)stat_of(backlog->engine, BACKRUN_STAT_CANCELLED));
    long long kept = 0;
    for (long long i = 0; i < ran; i++) {
        CHECK(i == 0 || backlog->order[i] > backlog->order[i - 1]);
        kept += is_kept((int)(backlog->order[i] - backlog->ids[0]));
    }
    CHECK_INT(backlog->count / KEPT_OF, kept);
    backlog_free(backlog);
}
