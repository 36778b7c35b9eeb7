// A full queue: refusal, waiting, dropping; by count and by bytes.

#include "test.h"

// An engine whose one worker is held, so that what is submitted stays queued: room for two.
typedef struct held {
    backrun_engine *engine;
    memory *memory;
    hold hold;
} held;

static void start(held *held, backrun_queue_options queue) {
    queue.struct_size = sizeof queue;
    held->memory = memory_new();
    held->hold = (hold)HOLD;
    backrun_engine_options options = options_with(1);
    options.default_queue = &queue;
    options.on_event = remember;
    options.observer_user_data = held->memory;
    held->engine = engine_of(options);
    register_hold(held->engine, "hold", &held->hold);
    submit(held->engine, "hold");
    gate_wait(&held->hold.entered, 1);
}

static void stop(held *held) {
    gate_add(&held->hold.may_leave, 1);
    finish(held->engine);
    free(held->memory);
}

TEST(a_full_queue_refuses_and_says_how_full_it_is) {
    held held;
    start(&held, (backrun_queue_options){.capacity = 2});
    submit(held.engine, "hold");
    submit(held.engine, "hold");
    backrun_submission submission = submission_of("hold");
    int64_t id = 77;
    FAILS(BACKRUN_QUEUE_FULL, "2 of 2", backrun_engine_submit(held.engine, &submission, &id, E));
    CHECK_INT(0, id);
    CHECK_INT(3, (long long)stat_of(held.engine, BACKRUN_STAT_ACCEPTED));
    CHECK_INT(1, (long long)stat_of(held.engine, BACKRUN_STAT_REFUSED));
    CHECK_INT(2, (long long)stat_of(held.engine, BACKRUN_STAT_READY));
    told refused = await_event(held.memory, BACKRUN_EVENT_REFUSED, 0);
    CHECK(refused.code == BACKRUN_QUEUE_FULL && refused.id == 0 && refused.count == 1);
    CHECK(strcmp(refused.name, "hold") == 0 && strcmp(refused.queue, "default") == 0);
    stop(&held);
}

TEST(room_that_is_made_is_used) {
    held held;
    start(&held, (backrun_queue_options){.capacity = 1});
    int64_t queued = submit(held.engine, "hold");
    backrun_submission submission = submission_of("hold");
    FAILS(BACKRUN_QUEUE_FULL, NULL, backrun_engine_submit(held.engine, &submission, NULL, E));
    CHECK_INT(BACKRUN_CANCEL_QUEUED, cancel(held.engine, queued));
    submit(held.engine, "hold");
    FAILS(BACKRUN_QUEUE_FULL, NULL, backrun_engine_submit(held.engine, &submission, NULL, E));
    configure(held.engine, (backrun_queue_options){.capacity = 2});
    submit(held.engine, "hold");
    stop(&held);
}

TEST(bytes_count_as_well_as_tasks) {
    held held;
    start(&held, (backrun_queue_options){.capacity_bytes = 100});
    uint8_t payload[60] = {0};
    backrun_header header = {.struct_size = sizeof header, .name = str("culture"), .value = str("de-AT")}; // 12 bytes
    backrun_submission submission = submission_of("hold");
    submission.payload = (backrun_bytes){payload, 60};
    submission.headers = &header;
    submission.header_count = 1;
    submission.user_context = bytes("anna"); // 4 bytes
    submit_one(held.engine, submission);
    CHECK_INT(76, (long long)stat_of(held.engine, BACKRUN_STAT_READY_BYTES));
    submission = submission_of("hold");
    submission.payload = (backrun_bytes){payload, 25};
    FAILS(BACKRUN_QUEUE_FULL, "100 bytes", backrun_engine_submit(held.engine, &submission, NULL, E));
    submission.payload.len = 24;
    submit_one(held.engine, submission);
    CHECK_INT(100, (long long)stat_of(held.engine, BACKRUN_STAT_READY_BYTES));
    submission.payload.len = 0;
    submit_one(held.engine, submission);
    stop(&held);
}

TEST(a_submit_that_waits_is_refused_at_its_limit) {
    held held;
    start(
        &held, (backrun_queue_options){.capacity = 1, .when_full = BACKRUN_WHEN_FULL_WAIT, .when_full_timeout_ms = 20});
    submit(held.engine, "hold");
    backrun_submission submission = submission_of("hold");
    FAILS(BACKRUN_QUEUE_FULL, NULL, backrun_engine_submit(held.engine, &submission, NULL, E)); // as the queue says
    submission.when_full = BACKRUN_WHEN_FULL_WAIT;
    submission.when_full_timeout_ms = 1;
    FAILS(BACKRUN_QUEUE_FULL, NULL, backrun_engine_submit(held.engine, &submission, NULL, E)); // as it says itself
    submission.when_full = BACKRUN_WHEN_FULL_REFUSE;
    submission.when_full_timeout_ms = 0;
    FAILS(BACKRUN_QUEUE_FULL, NULL, backrun_engine_submit(held.engine, &submission, NULL, E));
    stop(&held);
}

typedef struct submitter {
    backrun_engine *engine;
    int64_t limit, id;
    int32_t code;
    gate about_to;
} submitter;

static void *submit_waiting(void *argument) {
    submitter *submitter = argument;
    backrun_submission submission = submission_of("hold");
    submission.when_full = BACKRUN_WHEN_FULL_WAIT;
    submission.when_full_timeout_ms = submitter->limit;
    gate_add(&submitter->about_to, 1);
    submitter->code = backrun_engine_submit(submitter->engine, &submission, &submitter->id, NULL);
    return NULL;
}

TEST(a_submit_that_waits_gets_the_room_that_is_made) {
    const int64_t limits[] = {-1, 0, INT64_MAX, 9000};
    for (int i = 0; i < 4; i++) {
        held held;
        start(&held, (backrun_queue_options){.capacity = 1});
        submit(held.engine, "hold");
        submitter submitter = {held.engine, limits[i], 0, -1, GATE};
        pthread_t thread = start_thread(submit_waiting, &submitter);
        gate_wait(&submitter.about_to, 1);
        gate_add(&held.hold.may_leave, 1);
        join_thread(thread);
        CHECK_INT(BACKRUN_OK, submitter.code);
        CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(held.engine, submitter.id));
        stop(&held);
    }
}

TEST(a_submit_that_waits_is_refused_when_the_engine_ends) {
    held held;
    start(&held, (backrun_queue_options){.capacity = 1});
    submit(held.engine, "hold");
    submitter submitter = {held.engine, -1, 0, -1, GATE};
    pthread_t thread = start_thread(submit_waiting, &submitter);
    gate_wait(&submitter.about_to, 1);
    FAILS(BACKRUN_SHUTDOWN_INCOMPLETE, NULL, backrun_engine_shutdown(held.engine, BACKRUN_SHUTDOWN_CANCEL, 0, NULL, E));
    join_thread(thread);
    CHECK_INT(BACKRUN_SHUTTING_DOWN, submitter.code);
    CHECK_INT(0, submitter.id);
    gate_add(&held.hold.may_leave, 1);
    gate_wait(&held.hold.released, 1);
    backrun_engine_free(held.engine);
    free(held.memory);
}

TEST(the_oldest_of_the_lowest_level_is_dropped_where_the_queue_says_so) {
    held held;
    start(&held, (backrun_queue_options){.capacity = 3, .when_full = BACKRUN_WHEN_FULL_DROP_OLDEST});
    backrun_submission high = submission_of("hold"), low = submission_of("hold");
    high.priority = 1;
    low.priority = -1;
    int64_t first_high = submit_one(held.engine, high);
    int64_t first_low = submit_one(held.engine, low), second_low = submit_one(held.engine, low);
    int64_t normal = submit(held.engine, "hold"); // drops the first low one
    CHECK_INT(BACKRUN_STATE_DROPPED, state_of(held.engine, first_low));
    CHECK_INT(BACKRUN_STATE_READY, state_of(held.engine, second_low));
    int64_t second_normal = submit(held.engine, "hold"); // drops the second low one
    CHECK_INT(BACKRUN_STATE_DROPPED, state_of(held.engine, second_low));
    int64_t third_normal = submit(held.engine, "hold"); // drops the first normal one
    CHECK_INT(BACKRUN_STATE_DROPPED, state_of(held.engine, normal));
    CHECK_INT(BACKRUN_STATE_READY, state_of(held.engine, first_high));
    CHECK_INT(BACKRUN_STATE_READY, state_of(held.engine, second_normal));
    CHECK_INT(BACKRUN_STATE_READY, state_of(held.engine, third_normal));
    CHECK_INT(3, (long long)stat_of(held.engine, BACKRUN_STAT_DROPPED));
    told dropped = await_event(held.memory, BACKRUN_EVENT_DROPPED, first_low);
    CHECK(dropped.state == BACKRUN_STATE_DROPPED);
    stop(&held);
}

TEST(a_submission_may_ask_for_dropping_on_its_own) {
    held held;
    start(&held, (backrun_queue_options){.capacity = 1});
    int64_t oldest = submit(held.engine, "hold");
    backrun_submission submission = submission_of("hold");
    submission.when_full = BACKRUN_WHEN_FULL_DROP_OLDEST;
    int64_t newest = submit_one(held.engine, submission);
    CHECK_INT(BACKRUN_STATE_DROPPED, state_of(held.engine, oldest));
    CHECK_INT(BACKRUN_STATE_READY, state_of(held.engine, newest));
    stop(&held);
}

TEST(a_task_that_its_queue_can_never_hold_is_refused_at_once_however_long_it_would_wait) {
    held held;
    start(&held, (backrun_queue_options){.capacity_bytes = 10});
    backrun_submission submission = submission_of("hold");
    submission.payload = bytes("more than ten bytes");
    submission.when_full = BACKRUN_WHEN_FULL_WAIT;
    submission.when_full_timeout_ms = -1;
    FAILS(BACKRUN_QUEUE_FULL, NULL, backrun_engine_submit(held.engine, &submission, NULL, E));
    submission.when_full = BACKRUN_WHEN_FULL_DROP_OLDEST;
    submission.when_full_timeout_ms = 0;
    int64_t waiting = submit(held.engine, "hold");
    FAILS(BACKRUN_QUEUE_FULL, NULL, backrun_engine_submit(held.engine, &submission, NULL, E));
    CHECK_INT(BACKRUN_STATE_READY, state_of(held.engine, waiting)); // Nothing was dropped in vain.
    stop(&held);
}
