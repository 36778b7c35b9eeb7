// Pause and resume of queues.

#include "test.h"

TEST(a_paused_queue_starts_nothing_until_it_is_resumed_and_the_others_go_on) {
    backrun_engine *engine = engine_with(1);
    configure(engine, (backrun_queue_options){.name = str("second"), .workers = 1});
    register_run(engine, "nothing", run_done, NULL);
    OK(backrun_engine_pause(engine, str(""), E));
    OK(backrun_engine_pause(engine, str("default"), E)); // It is the same one, and stays so.
    int64_t waits = submit(engine, "nothing");
    backrun_submission submission = submission_of("nothing");
    submission.queue = str("second");
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, submit_one(engine, submission)));
    CHECK_INT(BACKRUN_STATE_READY, state_of(engine, waits));
    CHECK_INT(1, (long long)stat_of(engine, BACKRUN_STAT_STARTED));
    OK(backrun_engine_resume(engine, str("default"), E));
    OK(backrun_engine_resume(engine, str(""), E));
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, waits));
    finish(engine);
}

TEST(what_runs_goes_on_in_a_paused_queue) {
    backrun_engine *engine = engine_with(1);
    hold hold = HOLD;
    register_hold(engine, "hold", &hold);
    int64_t runs = submit(engine, "hold");
    gate_wait(&hold.entered, 1);
    OK(backrun_engine_pause(engine, str("default"), E));
    int64_t waits = submit(engine, "hold");
    gate_add(&hold.may_leave, 1);
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, runs));
    CHECK_INT(BACKRUN_STATE_READY, state_of(engine, waits));
    OK(backrun_engine_resume(engine, str("default"), E));
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, waits));
    finish(engine);
}

TEST(a_drain_does_not_wait_for_a_paused_queue) {
    backrun_engine *engine = engine_with(1);
    register_run(engine, "nothing", run_done, NULL);
    OK(backrun_engine_pause(engine, str("default"), E));
    int64_t id = submit(engine, "nothing");
    OK(backrun_engine_shutdown(engine, BACKRUN_SHUTDOWN_DRAIN, -1, NULL, E));
    CHECK_INT(BACKRUN_STATE_CANCELLED, state_of(engine, id));
    FAILS(BACKRUN_SHUTTING_DOWN, NULL, backrun_engine_pause(engine, str("default"), E));
    FAILS(BACKRUN_SHUTTING_DOWN, NULL, backrun_engine_resume(engine, str("default"), E));
    backrun_engine_free(engine);
}

TEST(a_queue_that_is_not_there_or_has_no_name_for_a_queue_is_neither_paused_nor_resumed) {
    backrun_engine *engine = engine_with(1);
    char long_name[66];
    memset(long_name, 'q', 65);
    long_name[65] = 0;
    int32_t (*const calls[])(backrun_engine *, backrun_str, backrun_error **) = {
        backrun_engine_pause, backrun_engine_resume};
    for (int i = 0; i < 2; i++) {
        FAILS(BACKRUN_NOT_FOUND, "nowhere", calls[i](engine, str("nowhere"), E));
        FAILS(BACKRUN_INVALID_ARGUMENT, "UTF-8", calls[i](engine, str("\xFF"), E));
        FAILS(BACKRUN_INVALID_ARGUMENT, "does not print", calls[i](engine, str("a\nb"), E));
        FAILS(BACKRUN_TOO_LARGE, "65", calls[i](engine, str(long_name), E));
    }
    finish(engine);
}
