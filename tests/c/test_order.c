// What runs next, and how much at one time.

#include "test.h"

#include <stdatomic.h>

enum { MOST = 1000 };

// The payloads in the order in which they ran: one byte each.
typedef struct order {
    pthread_mutex_t lock;
    int count;
    uint8_t ran[MOST];
} order;

static int32_t run_noting(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state) {
    (void)task, (void)task_state;
    order *order = user_data;
    pthread_mutex_lock(&order->lock);
    order->ran[order->count++] = payload.data[0];
    pthread_mutex_unlock(&order->lock);
    return BACKRUN_RUN_DONE;
}

static int64_t submit_number(backrun_engine *engine, uint8_t number, int32_t priority) {
    backrun_submission submission = submission_of("note");
    submission.payload = (backrun_bytes){&number, 1};
    submission.priority = priority;
    return submit_one(engine, submission);
}

// One worker, held until everything is submitted.
static backrun_engine *start(order *order, hold *hold, int64_t ageing_step_ms) {
    backrun_engine *engine = engine_with(1);
    configure(engine, (backrun_queue_options){.ageing_step_ms = ageing_step_ms});
    register_hold(engine, "hold", hold);
    register_run(engine, "note", run_noting, order);
    submit(engine, "hold");
    gate_wait(&hold->entered, 1);
    return engine;
}

TEST(within_a_level_first_in_is_first_out) {
    static order order = {.lock = PTHREAD_MUTEX_INITIALIZER};
    hold hold = HOLD;
    backrun_engine *engine = start(&order, &hold, 0);
    for (int i = 0; i < 200; i++) {
        submit_number(engine, (uint8_t)i, 0);
    }
    gate_add(&hold.may_leave, 1);
    finish(engine);
    CHECK_INT(200, order.count);
    for (int i = 0; i < 200; i++) {
        CHECK_INT(i, order.ran[i]);
    }
}

TEST(higher_levels_run_first) {
    static order order = {.lock = PTHREAD_MUTEX_INITIALIZER};
    hold hold = HOLD;
    backrun_engine *engine = start(&order, &hold, 3600 * 1000);
    for (int round = 0; round < 10; round++) {
        for (int32_t priority = BACKRUN_PRIORITY_LOWEST; priority <= BACKRUN_PRIORITY_HIGHEST; priority++) {
            submit_number(engine, (uint8_t)(round * 5 + priority + 2), priority);
        }
    }
    gate_add(&hold.may_leave, 1);
    finish(engine);
    CHECK_INT(50, order.count);
    for (int i = 0; i < 50; i++) { // Level 4 (highest) of rounds 0 to 9, then level 3 ...
        CHECK_INT((i % 10) * 5 + (4 - i / 10), order.ran[i]);
    }
}

TEST(a_higher_level_cannot_starve_a_lower_one) {
    // With ageing of one millisecond a level, a task of the lowest level that has waited longer goes before a high one.
    static order order = {.lock = PTHREAD_MUTEX_INITIALIZER};
    hold hold = HOLD;
    backrun_engine *engine = start(&order, &hold, 1);
    int64_t low = submit_number(engine, 1, BACKRUN_PRIORITY_LOWEST);
    backrun_task_status *status = NULL;
    OK(backrun_engine_wait(engine, low, 50, &status, E)); // It waits longer than four steps.
    CHECK_INT(BACKRUN_STATE_READY, backrun_task_status_state(status));
    backrun_task_status_free(status);
    for (uint8_t i = 0; i < 20; i++) {
        submit_number(engine, 2, BACKRUN_PRIORITY_HIGHEST);
    }
    gate_add(&hold.may_leave, 1);
    finish(engine);
    CHECK_INT(21, order.count);
    CHECK_INT(1, order.ran[0]);
}

typedef struct crowd {
    atomic_int inside, most, total;
    gate together; // counts up to the runs that are inside at one time
} crowd;

static int32_t run_in_crowd(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state) {
    (void)task, (void)payload, (void)task_state;
    crowd *crowd = user_data;
    int inside = atomic_fetch_add(&crowd->inside, 1) + 1;
    for (int most = atomic_load(&crowd->most); inside > most;) {
        if (atomic_compare_exchange_weak(&crowd->most, &most, inside)) {
            break;
        }
    }
    gate_add(&crowd->together, 1);
    gate_wait(&crowd->together, 2); // Until a second run has come: the limit is reached, not only kept.
    atomic_fetch_add(&crowd->total, 1);
    atomic_fetch_sub(&crowd->inside, 1);
    return BACKRUN_RUN_DONE;
}

TEST(a_concurrency_limit_is_reached_and_never_exceeded) {
    backrun_engine *engine = engine_with(6);
    configure(engine, (backrun_queue_options){.concurrency_limit = 2});
    static crowd crowd = {.together = GATE};
    register_run(engine, "crowd", run_in_crowd, &crowd);
    for (int i = 0; i < MOST; i++) {
        submit(engine, "crowd");
    }
    finish(engine);
    CHECK_INT(MOST, atomic_load(&crowd.total));
    CHECK_INT(2, atomic_load(&crowd.most));
}

TEST(as_many_runs_at_one_time_as_there_are_workers) {
    backrun_engine *engine = engine_with(4);
    hold hold = HOLD;
    register_hold(engine, "hold", &hold);
    for (int i = 0; i < 6; i++) {
        submit(engine, "hold");
    }
    gate_wait(&hold.entered, 4);
    CHECK_INT(4, (long long)stat_of(engine, BACKRUN_STAT_RUNNING));
    CHECK_INT(2, (long long)stat_of(engine, BACKRUN_STAT_READY));
    CHECK_INT(4, (long long)stat_of(engine, BACKRUN_STAT_WORKERS));
    CHECK_INT(0, (long long)stat_of(engine, BACKRUN_STAT_IDLE_WORKERS));
    gate_add(&hold.may_leave, 1);
    finish(engine);
    CHECK_INT(6, gate_value(&hold.left));
}

TEST(queues_do_not_stop_each_other) {
    backrun_engine *engine = engine_with(1);
    configure(engine, (backrun_queue_options){.name = str("other"), .workers = 1});
    hold hold = HOLD;
    register_hold(engine, "hold", &hold);
    register_run(engine, "nothing", run_done, NULL);
    int64_t held = submit(engine, "hold");
    gate_wait(&hold.entered, 1);
    backrun_submission submission = submission_of("nothing");
    submission.queue = str("other");
    for (int i = 0; i < 10; i++) {
        CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, submit_one(engine, submission)));
    }
    CHECK_INT(BACKRUN_STATE_RUNNING, state_of(engine, held));
    gate_add(&hold.may_leave, 1);
    finish(engine);
}

TEST(a_queue_gets_and_loses_workers_and_limits_while_it_works) {
    backrun_engine *engine = engine_with(1);
    hold hold = HOLD;
    register_hold(engine, "hold", &hold);
    for (int i = 0; i < 4; i++) {
        submit(engine, "hold");
    }
    gate_wait(&hold.entered, 1);
    configure(engine, (backrun_queue_options){.workers = 3});
    gate_wait(&hold.entered, 3);
    CHECK_INT(1, (long long)stat_of(engine, BACKRUN_STAT_READY));
    configure(engine, (backrun_queue_options){.workers = 1, .concurrency_limit = 1});
    gate_add(&hold.may_leave, 1);
    register_run(engine, "nothing", run_done, NULL);
    for (int i = 0; i < 100; i++) {
        CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, submit(engine, "nothing")));
    }
    finish(engine);
    CHECK_INT(4, gate_value(&hold.left));
}
