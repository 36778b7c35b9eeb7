// Storms of small tasks. What was accepted ends once, as its run said, and all counters add up to the task.

#include "storm.h"

#include <sched.h>

enum { SUBMITTERS = 4, SETTLERS = 2 };

typedef struct submitter {
    storm *storm;
    chance chance;
    int tasks;
    atomic_bool *over;
} submitter;

static void look_at(submitter *submitter, int64_t id) {
    backrun_task_status *status = NULL;
    OK(backrun_engine_wait(submitter->storm->engine, id, 0, &status, E));
    uint32_t state = backrun_task_status_state(status);
    CHECK(state >= BACKRUN_STATE_READY && state <= BACKRUN_STATE_DROPPED);
    CHECK(backrun_task_status_submitted_at(status) > 0);
    CHECK((backrun_task_status_finished_at(status) != 0) == (backrun_task_status_is_final(status) == 1));
    backrun_task_status_free(status);
    if (chance_below(&submitter->chance, 64) != 0) {
        return;
    }
    backrun_buffer *payload = NULL; // Seldom: it looks through the queue.
    int32_t code = backrun_engine_payload(submitter->storm->engine, id, &payload, NULL);
    CHECK(code == BACKRUN_OK || code == BACKRUN_NOT_FOUND);
    backrun_buffer_free(payload);
}

// Submits its share, one by one and many at once, and meddles with what it has submitted.
static void *submit_and_meddle(void *argument) {
    submitter *submitter = argument;
    storm *storm = submitter->storm;
    chance *chance = &submitter->chance;
    int64_t lately[256] = {0};
    size_t count = 0;
    for (int done = 0; done < submitter->tasks && !atomic_load(&storm->closed);) {
        int64_t id = 0;
        if (chance_below(chance, 8) == 0) {
            int many = 1 + (int)chance_below(chance, 32);
            done += storm_submit_many(storm, chance, many, &id);
        } else {
            id = storm_submit(storm, chance);
            done += id != 0;
        }
        if (id == 0) {
            continue;
        }
        lately[count++ % 256] = id;
        int64_t other = lately[chance_below(chance, count < 256 ? (unsigned)count : 256)];
        if (chance_below(chance, 8) == 0) {
            storm_watch(storm, id);
        }
        if (chance_below(chance, 4) == 0) {
            storm_ask(storm, chance_below(chance, 2) == 0 ? id : other);
        }
        if (chance_below(chance, 8) == 0) {
            cancel(storm->engine, chance_below(chance, 2) == 0 ? id : other);
        }
        if (chance_below(chance, 16) == 0) {
            look_at(submitter, other);
        }
        if (count >= 256 && chance_below(chance, 2000) == 0) {
            for (int i = 0; i < 256; i++) {
                cancel(storm->engine, lately[i]);
            }
        }
    }
    return NULL;
}

// Changes the queues again and again, and looks at the counters meanwhile.
static void *change_queues(void *argument) {
    submitter *submitter = argument;
    backrun_engine *engine = submitter->storm->engine;
    chance *chance = &submitter->chance;
    while (!atomic_load(submitter->over)) {
        unsigned which = chance_below(chance, 4);
        backrun_queue_options options = {
            .name = str(STORM_QUEUES[which]),
            .workers = 1 + chance_below(chance, 3),
            .concurrency_limit = which == 3 ? 1 : chance_below(chance, 4),
            .when_full = which == 1   ? BACKRUN_WHEN_FULL_DROP_OLDEST
                         : which == 2 ? BACKRUN_WHEN_FULL_WAIT
                                      : 0,
            .when_full_timeout_ms = which == 2 ? -1 : 0,
            .capacity = which == 0 ? 0 : 32 + chance_below(chance, 32),
            .ageing_step_ms = 1 + chance_below(chance, 1000),
        };
        configure(engine, options);
        backrun_stats *stats = NULL;
        OK(backrun_engine_stats(engine, &stats, E));
        for (size_t i = 1; i < backrun_stats_queue_count(stats); i++) {
            uint64_t ready = 0, workers = 0;
            OK(backrun_stats_queue_value(stats, i, BACKRUN_STAT_READY, &ready, E));
            OK(backrun_stats_queue_value(stats, i, BACKRUN_STAT_WORKERS, &workers, E));
            CHECK(ready <= 500 && workers >= 1);
        }
        backrun_stats_free(stats);
    }
    return NULL;
}

// `ends_at`: after so many accepted tasks the engine is shut down by `mode`; 0: when all are.
static void weather(int tasks, uint32_t mode, int ends_at, bool observed) {
    storm *storm = storm_new(tasks);
    storm_start(storm, observed);
    atomic_bool over = false;
    submitter submitters[SUBMITTERS + 1];
    pthread_t threads[SUBMITTERS + 1], settlers[SETTLERS];
    for (int i = 0; i < SETTLERS; i++) {
        settlers[i] = start_thread(storm_settle, storm);
    }
    for (int i = 0; i <= SUBMITTERS; i++) {
        submitters[i] = (submitter){storm, chance_of((uint64_t)(tasks + i)), tasks / SUBMITTERS, &over};
        threads[i] = start_thread(i < SUBMITTERS ? submit_and_meddle : change_queues, &submitters[i]);
    }
    if (ends_at > 0) {
        while (atomic_load(&storm->accepted) < ends_at) {
            sched_yield(); // In valgrind one thread runs at a time, and others have to come to what this one waits for.
        }
        atomic_store(&over, true);
        join_thread(threads[SUBMITTERS]);
        OK(backrun_engine_shutdown(storm->engine, mode, -1, NULL, E));
    }
    for (int i = 0; i < SUBMITTERS; i++) {
        join_thread(threads[i]);
    }
    if (ends_at == 0) {
        atomic_store(&over, true);
        join_thread(threads[SUBMITTERS]);
    }
    OK(backrun_engine_shutdown(storm->engine, mode, -1, NULL, E));
    storm_settlers_may_end(storm);
    for (int i = 0; i < SETTLERS; i++) {
        join_thread(settlers[i]);
    }
    storm_check(storm, ends_at == 0);
    storm_free(storm);
}

TEST(in_a_storm_every_task_ends_once_as_its_run_said) {
    weather(storm_tasks(100 * 1000), BACKRUN_SHUTDOWN_DRAIN, 0, false);
}

TEST(a_drain_in_the_middle_of_a_storm_ends_every_task_once) {
    int tasks = storm_tasks(100 * 1000);
    weather(tasks, BACKRUN_SHUTDOWN_DRAIN, tasks / 4, false);
}

TEST(a_cancel_in_the_middle_of_a_storm_ends_every_task_once) {
    int tasks = storm_tasks(100 * 1000);
    weather(tasks, BACKRUN_SHUTDOWN_CANCEL, tasks / 4, false);
}

TEST(in_a_storm_that_is_observed_every_task_is_told_of) {
    weather(storm_tasks(50 * 1000), BACKRUN_SHUTDOWN_DRAIN, 0, true);
}

TEST(in_a_storm_that_is_cancelled_and_observed_every_task_is_told_of) {
    int tasks = storm_tasks(50 * 1000);
    weather(tasks, BACKRUN_SHUTDOWN_CANCEL, tasks / 4, true);
}

typedef struct flood {
    backrun_engine *engine;
    int tasks;
} flood;

static atomic_llong ran;

static int32_t run_and_count(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state) {
    (void)user_data, (void)task, (void)payload, (void)task_state;
    atomic_fetch_add(&ran, 1);
    return BACKRUN_RUN_DONE;
}

static void *submit_one_by_one(void *argument) {
    flood *flood = argument;
    backrun_submission submission = submission_of("count");
    for (int i = 0; i < flood->tasks; i++) {
        OK(backrun_engine_submit(flood->engine, &submission, NULL, E));
    }
    return NULL;
}

TEST(a_flood_of_tasks_from_four_threads_runs_each_of_them) {
    flood flood = {engine_with(2), storm_tasks(1000 * 1000) / SUBMITTERS};
    register_run(flood.engine, "count", run_and_count, NULL);
    pthread_t threads[SUBMITTERS];
    for (int i = 0; i < SUBMITTERS; i++) {
        threads[i] = start_thread(submit_one_by_one, &flood);
    }
    for (int i = 0; i < SUBMITTERS; i++) {
        join_thread(threads[i]);
    }
    OK(backrun_engine_shutdown(flood.engine, BACKRUN_SHUTDOWN_DRAIN, -1, NULL, E));
    CHECK_INT((long long)flood.tasks * SUBMITTERS, atomic_load(&ran));
    CHECK_INT(atomic_load(&ran), (long long)stat_of(flood.engine, BACKRUN_STAT_SUCCEEDED));
    backrun_engine_free(flood.engine);
}
