// Workers whose runs are short take several tasks at a time: what they have in hand is still the queue's.

#include "test.h"

#include <stdatomic.h>
#include <unistd.h>

enum { ROUNDS = 50, BEHIND = 3, BIG = 4096 };

typedef struct hands {
    backrun_engine *engine;
    gate ran; // one for each task that has run
    atomic_int inside, most;
} hands;

#define HANDS                                                                                                          \
    { .ran = GATE }

static int32_t run_counted(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state) {
    (void)task, (void)payload, (void)task_state;
    hands *hands = user_data;
    gate_add(&hands->ran, 1);
    return BACKRUN_RUN_DONE;
}

// Runs as long as it takes until so many have run as its payload says.
static int32_t run_after(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state) {
    (void)task, (void)task_state;
    hands *hands = user_data;
    int number = 0;
    CHECK(payload.len == sizeof number);
    memcpy(&number, payload.data, sizeof number);
    gate_wait(&hands->ran, number);
    return BACKRUN_RUN_DONE;
}

// So many tasks that do nothing, so that the engine takes the runs of this queue for short ones.
static void warm_up(hands *hands, int count) {
    int before = gate_value(&hands->ran);
    for (int i = 0; i < count; i++) {
        submit(hands->engine, "counted");
    }
    gate_wait(&hands->ran, before + count);
}

static void hands_start(hands *hands, uint32_t workers) {
    hands->engine = engine_with(workers);
    register_run(hands->engine, "counted", run_counted, hands);
    register_run(hands->engine, "after", run_after, hands);
}

// One task that waits for those behind it, in one step with them. `size`: of those behind it.
static void one_waits_for_the_others(uint32_t workers, size_t size) {
    hands hands = HANDS;
    hands_start(&hands, workers);
    static uint8_t big[BIG];
    for (int round = 0; round < ROUNDS; round++) {
        warm_up(&hands, 100);
        int number = gate_value(&hands.ran) + BEHIND;
        backrun_submission all[1 + BEHIND];
        all[0] = submission_of("after");
        all[0].payload = (backrun_bytes){(const uint8_t *)&number, sizeof number};
        for (int i = 0; i < BEHIND; i++) {
            all[1 + i] = submission_of("counted");
            all[1 + i].payload = (backrun_bytes){big, size};
        }
        int64_t ids[1 + BEHIND];
        OK(backrun_engine_submit_many(hands.engine, all, 1 + BEHIND, ids, E));
        gate_wait(&hands.ran, number); // Of an idle worker, since the other one is held.
        CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(hands.engine, ids[0]));
    }
    finish(hands.engine);
}

TEST(a_task_that_takes_long_does_not_hold_those_behind_it_while_a_worker_is_idle) {
    one_waits_for_the_others(2, 1);
}

TEST(a_small_task_that_takes_long_does_not_hold_large_ones_behind_it_while_a_worker_is_idle) {
    one_waits_for_the_others(2, BIG);
}

TEST(of_many_workers_one_that_is_held_holds_nothing_but_its_own_task) {
    one_waits_for_the_others(6, BIG);
}

// What a worker has in its hand behind a run that does not end.
typedef struct held_hand {
    hands hands;
    hold hold;
    int64_t first, behind[64];
} held_hand;

enum { IN_HAND = 32 };

// A queue of one worker, which runs "hold" and may have taken some of what lies behind it.
static void hold_a_hand(held_hand *held, backrun_queue_options options) {
    hands_start(&held->hands, 1);
    register_hold(held->hands.engine, "hold", &held->hold);
    warm_up(&held->hands, 100);
    options.workers = 1;
    configure(held->hands.engine, options);
    backrun_submission all[1 + IN_HAND];
    for (int i = 0; i < 1 + IN_HAND; i++) {
        all[i] = submission_of(i == 0 ? "hold" : "counted");
    }
    int64_t ids[1 + IN_HAND];
    OK(backrun_engine_submit_many(held->hands.engine, all, 1 + IN_HAND, ids, E));
    held->first = ids[0];
    memcpy(held->behind, ids + 1, IN_HAND * sizeof ids[0]);
    gate_wait(&held->hold.entered, 1);
}

static void let_go(held_hand *held) {
    gate_add(&held->hold.may_leave, 1);
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(held->hands.engine, held->first));
}

TEST(what_a_worker_has_in_hand_is_ready_and_can_be_cancelled) {
    held_hand held = {.hands = HANDS, .hold = HOLD};
    hold_a_hand(&held, (backrun_queue_options){0});
    backrun_engine *engine = held.hands.engine;
    int before = gate_value(&held.hands.ran);
    CHECK_INT(IN_HAND, (long long)stat_of(engine, BACKRUN_STAT_READY));
    CHECK_INT(1, (long long)stat_of(engine, BACKRUN_STAT_RUNNING));
    for (int i = 0; i < IN_HAND; i++) {
        CHECK_INT(BACKRUN_STATE_READY, state_of(engine, held.behind[i]));
        if (i % 2 == 0) {
            CHECK_INT(BACKRUN_CANCEL_QUEUED, cancel(engine, held.behind[i]));
        }
    }
    CHECK_INT(IN_HAND / 2, (long long)stat_of(engine, BACKRUN_STAT_READY));
    let_go(&held);
    finish(engine);
    CHECK_INT(before + IN_HAND / 2, gate_value(&held.hands.ran));
}

TEST(what_a_worker_has_in_hand_counts_against_the_capacity_and_is_dropped_oldest_first) {
    held_hand held = {.hands = HANDS, .hold = HOLD};
    hold_a_hand(&held, (backrun_queue_options){.capacity = 1 + IN_HAND, .when_full = BACKRUN_WHEN_FULL_DROP_OLDEST});
    backrun_engine *engine = held.hands.engine;
    submit(engine, "counted"); // One has room: the first one runs.
    for (int i = 0; i < IN_HAND; i++) {
        submit(engine, "counted");
        CHECK_INT(1 + IN_HAND, (long long)stat_of(engine, BACKRUN_STAT_READY));
        CHECK_INT(i + 1, (long long)stat_of(engine, BACKRUN_STAT_DROPPED));
        CHECK_INT(BACKRUN_STATE_DROPPED, state_of(engine, held.behind[i]));
    }
    int before = gate_value(&held.hands.ran);
    let_go(&held);
    finish(engine);
    CHECK_INT(before + 1 + IN_HAND, gate_value(&held.hands.ran));
}

TEST(what_a_worker_has_in_hand_is_cancelled_by_a_shutdown) {
    held_hand held = {.hands = HANDS, .hold = HOLD};
    hold_a_hand(&held, (backrun_queue_options){0});
    backrun_engine *engine = held.hands.engine;
    int before = gate_value(&held.hands.ran);
    backrun_shutdown_report *report = NULL;
    FAILS(BACKRUN_SHUTDOWN_INCOMPLETE, NULL, backrun_engine_shutdown(engine, BACKRUN_SHUTDOWN_CANCEL, 0, &report, E));
    CHECK_INT(IN_HAND, (long long)backrun_shutdown_report_queued_count(report));
    CHECK_INT(1, (long long)backrun_shutdown_report_running_count(report));
    backrun_shutdown_report_free(report);
    for (int i = 0; i < IN_HAND; i++) {
        CHECK_INT(BACKRUN_STATE_CANCELLED, state_of(engine, held.behind[i]));
    }
    gate_add(&held.hold.may_leave, 1);
    OK(backrun_engine_shutdown(engine, BACKRUN_SHUTDOWN_CANCEL, -1, NULL, E));
    CHECK_INT(before, gate_value(&held.hands.ran));
    backrun_engine_free(engine);
}

TEST(a_worker_that_comes_takes_from_the_hand_of_one_that_is_held) {
    held_hand held = {.hands = HANDS, .hold = HOLD};
    hold_a_hand(&held, (backrun_queue_options){0});
    int before = gate_value(&held.hands.ran);
    configure(held.hands.engine, (backrun_queue_options){.workers = 2});
    gate_wait(&held.hands.ran, before + IN_HAND);
    let_go(&held);
    finish(held.hands.engine);
}

TEST(a_worker_that_comes_with_a_limit_takes_from_the_hand_of_one_that_is_held) {
    held_hand held = {.hands = HANDS, .hold = HOLD};
    hold_a_hand(&held, (backrun_queue_options){0});
    int before = gate_value(&held.hands.ran);
    configure(held.hands.engine, (backrun_queue_options){.workers = 2, .concurrency_limit = 2});
    gate_wait(&held.hands.ran, before + IN_HAND);
    let_go(&held);
    finish(held.hands.engine);
}

static int32_t run_in_turn(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state) {
    (void)task, (void)payload, (void)task_state;
    hands *hands = user_data;
    int inside = atomic_fetch_add(&hands->inside, 1) + 1;
    for (int most = atomic_load(&hands->most); inside > most;) {
        if (atomic_compare_exchange_weak(&hands->most, &most, inside)) {
            break;
        }
    }
    usleep(100); // So that two at a time would be seen; nothing depends on it but the power of the test.
    atomic_fetch_sub(&hands->inside, 1);
    return BACKRUN_RUN_DONE;
}

TEST(a_limit_that_is_set_later_binds_what_is_in_hand_too) {
    for (int round = 0; round < 10; round++) {
        hands hands = HANDS;
        hands_start(&hands, 2);
        hold hold = HOLD;
        register_hold(hands.engine, "hold", &hold);
        register_run(hands.engine, "in turn", run_in_turn, &hands);
        warm_up(&hands, 200);
        backrun_submission all[64];
        for (int i = 0; i < 64; i++) {
            all[i] = submission_of(i % 16 == 0 ? "hold" : "in turn");
        }
        // Every worker is held by the first task that it comes to; none of the others can have been begun by then but
        // those between two held ones.
        OK(backrun_engine_submit_many(hands.engine, all, 64, NULL, E));
        gate_wait(&hold.entered, 2);
        configure(hands.engine, (backrun_queue_options){.workers = 2, .concurrency_limit = 1});
        atomic_store(&hands.most, 0);
        gate_add(&hold.may_leave, 1);
        finish(hands.engine);
        CHECK_INT(1, atomic_load(&hands.most));
    }
}
