// A run that lasts keeps nobody waiting: what C sees of the watchdog. By a clock that the test sets.

#include "test.h"

TEST(a_stalled_worker_is_replaced_and_its_run_is_named_while_it_lasts) {
    memory *memory = memory_new();
    backrun_engine_options options = options_with(1);
    options.flags = BACKRUN_ENGINE_MANUAL_TIME;
    options.on_event = remember;
    options.observer_user_data = memory;
    backrun_engine *engine = engine_of(options);
    configure(engine, (backrun_queue_options){.workers = 1, .stall_threshold_ms = 10 * 1000});
    hold hold = HOLD;
    register_hold(engine, "hold", &hold);
    register_run(engine, "nothing", run_done, NULL);
    int64_t stalls = submit(engine, "hold");
    gate_wait(&hold.entered, 1);
    int64_t waits = submit(engine, "nothing");
    advance(engine, 20); // A tick: the watchdog sees it.
    advance(engine, 9 * 1000);
    CHECK_INT(BACKRUN_STATE_READY, state_of(engine, waits));
    CHECK_INT(0, (long long)stat_of(engine, BACKRUN_STAT_STALLED));
    advance(engine, 2 * 1000);
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, waits));
    CHECK_INT(1, (long long)stat_of(engine, BACKRUN_STAT_STALLS));
    CHECK_INT(1, (long long)stat_of(engine, BACKRUN_STAT_STALLED));
    backrun_stats *stats = NULL;
    OK(backrun_engine_stats(engine, &stats, E));
    CHECK_INT(1, (long long)backrun_stats_stalled_count(stats));
    CHECK_INT(stalls, backrun_stats_stalled_task_id(stats, 0));
    CHECK_TEXT("hold", backrun_stats_stalled_task_name(stats, 0));
    CHECK_TEXT("default", backrun_stats_stalled_queue(stats, 0));
    CHECK(backrun_stats_stalled_worker(stats, 0) > 0);
    CHECK(backrun_stats_stalled_us(stats, 0) >= 10 * 1000 * 1000);
    // There is no second one.
    CHECK_INT(0, backrun_stats_stalled_task_id(stats, 1));
    CHECK_TEXT("", backrun_stats_stalled_task_name(stats, 1));
    CHECK_TEXT("", backrun_stats_stalled_queue(stats, 1));
    CHECK_INT(0, (long long)backrun_stats_stalled_worker(stats, 1));
    CHECK_INT(0, backrun_stats_stalled_us(stats, SIZE_MAX));
    backrun_stats_free(stats);
    backrun_task_status *status = status_of(engine, stalls);
    CHECK(backrun_task_status_stalled_us(status) >= 10 * 1000 * 1000);
    backrun_task_status_free(status);
    status = status_of(engine, waits);
    CHECK_INT(0, backrun_task_status_stalled_us(status));
    backrun_task_status_free(status);
    told event = await_event(memory, BACKRUN_EVENT_RUN_STALLED, stalls);
    CHECK(strcmp(event.queue, "default") == 0 && strcmp(event.name, "hold") == 0);
    gate_add(&hold.may_leave, 1);
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, stalls));
    await_event(memory, BACKRUN_EVENT_STALL_ENDED, stalls);
    finish(engine);
    free(memory);
}

TEST(past_max_workers_nobody_is_replaced_and_that_is_told) {
    memory *memory = memory_new();
    backrun_engine_options options = options_with(1);
    options.max_workers = 1;
    options.default_queue = NULL; // With the usual threshold.
    options.flags = BACKRUN_ENGINE_MANUAL_TIME;
    options.on_event = remember;
    options.observer_user_data = memory;
    backrun_engine *engine = engine_of(options);
    hold hold = HOLD;
    register_hold(engine, "hold", &hold);
    submit(engine, "hold");
    gate_wait(&hold.entered, 1);
    int64_t waits = submit(engine, "hold");
    advance(engine, 20); // A tick.
    advance(engine, 1000);
    advance(engine, 1000);
    await_event(memory, BACKRUN_EVENT_WORKERS_EXHAUSTED, 0);
    CHECK_INT(BACKRUN_STATE_READY, state_of(engine, waits));
    gate_add(&hold.may_leave, 1);
    finish(engine);
    CHECK_INT(1, (long long)count_events(memory, BACKRUN_EVENT_WORKERS_EXHAUSTED, 0));
    free(memory);
}
