// Everything at once: what was accepted ends exactly once, whoever submits, cancels, settles, watches and ends the
// engine.

#include "test.h"

#include <sched.h>
#include <stdatomic.h>

enum { SUBMITTERS = 4, EACH = 1000, SETTLERS = 2 };

typedef struct stress {
    backrun_engine *engine;
    atomic_ullong random;
    atomic_ullong accepted, refused, watched, heard, released;
    // Pending runs on their way to a settler.
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct {
        int64_t id, lease;
    } pending[SUBMITTERS * EACH];
    int pending_first, pending_count;
    bool over;
} stress;

static stress *stress_new(chance seed) {
    stress *made = calloc(1, sizeof *made);
    CHECK(made != NULL);
    atomic_store(&made->random, seed.state);
    pthread_mutex_init(&made->lock, NULL);
    pthread_cond_init(&made->changed, NULL);
    return made;
}

// Any number below `limit`: a splitmix of a counter, so that threads may share it.
static unsigned any(stress *stress, unsigned limit) {
    unsigned long long x = atomic_fetch_add(&stress->random, 0x9E3779B97F4A7C15ULL);
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
    return (unsigned)((x ^ (x >> 31)) % limit);
}

static int32_t run_anyhow(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state) {
    (void)payload, (void)task_state;
    stress *stress = user_data;
    switch (any(stress, 6)) {
    case 0:
        OK(backrun_task_fail(task, str("as chance would have it"), E));
        return BACKRUN_RUN_FAILED;
    case 1:
        return backrun_task_is_cancelled(task) ? BACKRUN_RUN_CANCELLED : BACKRUN_RUN_DONE;
    case 2:
        pthread_mutex_lock(&stress->lock);
        stress->pending[stress->pending_count].id = backrun_task_id(task);
        stress->pending[stress->pending_count].lease = backrun_task_lease(task);
        stress->pending_count++;
        pthread_cond_signal(&stress->changed);
        pthread_mutex_unlock(&stress->lock);
        return BACKRUN_RUN_PENDING;
    default:
        return BACKRUN_RUN_DONE;
    }
}

static void count_release(void *user_data) {
    stress *stress = user_data;
    atomic_fetch_add(&stress->released, 1);
}

static void *settle_pending(void *argument) {
    stress *stress = argument;
    pthread_mutex_lock(&stress->lock);
    for (;;) {
        if (stress->pending_first < stress->pending_count) {
            int64_t id = stress->pending[stress->pending_first].id;
            int64_t lease = stress->pending[stress->pending_first].lease;
            stress->pending_first++;
            pthread_mutex_unlock(&stress->lock);
            backrun_outcome outcome = {.struct_size = sizeof outcome, .code = (int32_t)any(stress, 2)};
            int32_t code = backrun_task_settle(stress->engine, id, lease, &outcome, NULL);
            CHECK(code == BACKRUN_OK || code == BACKRUN_STALE_LEASE); // Stale: a shutdown was faster.
            pthread_mutex_lock(&stress->lock);
        } else if (stress->over) {
            break;
        } else {
            pthread_cond_wait(&stress->changed, &stress->lock);
        }
    }
    pthread_mutex_unlock(&stress->lock);
    return NULL;
}

static void hear(void *user_data, int32_t code, const backrun_task_status *status) {
    stress *stress = user_data;
    CHECK((code == BACKRUN_OK) == (backrun_task_status_is_final(status) == 1));
    atomic_fetch_add(&stress->heard, 1);
}

static void *submit_anything(void *argument) {
    stress *stress = argument;
    int64_t last = 0;
    for (int i = 0; i < EACH; i++) {
        backrun_submission submission = submission_of("any");
        submission.priority = (int32_t)any(stress, 5) - 2;
        submission.queue = str(any(stress, 2) == 0 ? "dropping" : "waiting");
        int64_t id = 0;
        int32_t code = backrun_engine_submit(stress->engine, &submission, &id, NULL);
        if (code != BACKRUN_OK) {
            CHECK(code == BACKRUN_SHUTTING_DOWN && id == 0);
            atomic_fetch_add(&stress->refused, 1);
            continue;
        }
        atomic_fetch_add(&stress->accepted, 1);
        if (any(stress, 4) == 0 && backrun_engine_watch(stress->engine, id, hear, stress, NULL) == BACKRUN_OK) {
            atomic_fetch_add(&stress->watched, 1);
        }
        if (any(stress, 4) == 0) {
            cancel(stress->engine, any(stress, 2) == 0 || last == 0 ? id : last);
        }
        if (any(stress, 8) == 0) {
            state_of(stress->engine, id);
        }
        if (any(stress, 64) == 0) {
            backrun_task_status *status = NULL;
            int32_t waited = backrun_engine_wait(stress->engine, id, 1, &status, NULL);
            CHECK(waited == BACKRUN_OK || waited == BACKRUN_SHUTDOWN_INCOMPLETE);
            backrun_task_status_free(status);
        }
        last = id;
    }
    return NULL;
}

static uint64_t sum(backrun_engine *engine, const uint32_t *stats, size_t count) {
    uint64_t all = 0;
    for (size_t i = 0; i < count; i++) {
        all += stat_of(engine, stats[i]);
    }
    return all;
}

// `mode` 0: everything is done before the end; else the engine is shut down in the middle of it all.
static void round_of_everything(uint32_t mode, chance seed) {
    stress *stress = stress_new(seed);
    memory *memory = memory_new();
    backrun_engine_options options = options_with(2);
    options.on_event = remember;
    options.observer_user_data = memory;
    options.event_kinds = 1U << BACKRUN_EVENT_STALE_SETTLE;
    stress->engine = engine_of(options);
    configure(stress->engine,
        (backrun_queue_options){.name = str("dropping"), .capacity = 8, .when_full = BACKRUN_WHEN_FULL_DROP_OLDEST});
    configure(stress->engine, (backrun_queue_options){.name = str("waiting"),
                                  .capacity = 8,
                                  .concurrency_limit = 3,
                                  .when_full = BACKRUN_WHEN_FULL_WAIT,
                                  .when_full_timeout_ms = -1});
    register_handler(
        stress->engine, "any", (backrun_handler){.user_data = stress, .run = run_anyhow, .release = count_release});
    pthread_t submitters[SUBMITTERS], settlers[SETTLERS];
    for (int i = 0; i < SETTLERS; i++) {
        settlers[i] = start_thread(settle_pending, stress);
    }
    for (int i = 0; i < SUBMITTERS; i++) {
        submitters[i] = start_thread(submit_anything, stress);
    }
    if (mode != 0) {
        while (atomic_load(&stress->accepted) < EACH) {
            sched_yield();
        }
        OK(backrun_engine_shutdown(stress->engine, mode, -1, NULL, E));
    }
    for (int i = 0; i < SUBMITTERS; i++) {
        join_thread(submitters[i]);
    }
    OK(backrun_engine_shutdown(stress->engine, BACKRUN_SHUTDOWN_DRAIN, -1, NULL, E));
    pthread_mutex_lock(&stress->lock);
    stress->over = true;
    pthread_cond_broadcast(&stress->changed);
    pthread_mutex_unlock(&stress->lock);
    for (int i = 0; i < SETTLERS; i++) {
        join_thread(settlers[i]);
    }
    const uint32_t ends[] = {BACKRUN_STAT_SUCCEEDED, BACKRUN_STAT_DEAD, BACKRUN_STAT_CANCELLED, BACKRUN_STAT_DROPPED};
    CHECK_INT((long long)atomic_load(&stress->accepted), (long long)sum(stress->engine, ends, 4));
    CHECK_INT((long long)atomic_load(&stress->accepted), (long long)stat_of(stress->engine, BACKRUN_STAT_ACCEPTED));
    CHECK_INT((long long)atomic_load(&stress->refused), (long long)stat_of(stress->engine, BACKRUN_STAT_REFUSED));
    CHECK_INT(SUBMITTERS * EACH, (long long)(atomic_load(&stress->accepted) + atomic_load(&stress->refused)));
    CHECK_INT((long long)atomic_load(&stress->watched), (long long)atomic_load(&stress->heard));
    CHECK_INT(1, (long long)atomic_load(&stress->released));
    const uint32_t now[] = {
        BACKRUN_STAT_READY, BACKRUN_STAT_READY_BYTES, BACKRUN_STAT_RUNNING, BACKRUN_STAT_PENDING, BACKRUN_STAT_WORKERS};
    CHECK_INT(0, (long long)sum(stress->engine, now, 5));
    backrun_engine_free(stress->engine);
    free(memory);
    free(stress);
}

static void everything_at_once(uint32_t mode) {
    int rounds = usual_or_long(1, 300);
    for (int round = 0; round < rounds; round++) {
        round_of_everything(mode, chance_of((uint64_t)mode * 1000 + (uint64_t)round));
    }
}

TEST(all_that_was_accepted_ends_once_in_the_thick_of_it) {
    everything_at_once(0);
}
TEST(all_that_was_accepted_ends_once_when_a_drain_comes_in_between) {
    everything_at_once(BACKRUN_SHUTDOWN_DRAIN);
}
TEST(all_that_was_accepted_ends_once_when_a_cancel_comes_in_between) {
    everything_at_once(BACKRUN_SHUTDOWN_CANCEL);
}
