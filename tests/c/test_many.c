// submit_many: all or none.

#include "test.h"

enum { MANY = 50 };

static void fill(backrun_submission *submissions, const char *name) {
    for (int i = 0; i < MANY; i++) {
        submissions[i] = submission_of(name);
    }
}

static bool all_zero(const int64_t *ids) {
    for (int i = 0; i < MANY; i++) {
        if (ids[i] != 0) {
            return false;
        }
    }
    return true;
}

static void spoil(int64_t *ids) {
    for (int i = 0; i < MANY; i++) {
        ids[i] = 77;
    }
}

TEST(many_are_accepted_in_their_order) {
    backrun_engine *engine = engine_with(1);
    register_run(engine, "nothing", run_done, NULL);
    backrun_submission submissions[MANY];
    fill(submissions, "nothing");
    int64_t ids[MANY];
    OK(backrun_engine_submit_many(engine, submissions, MANY, ids, E));
    for (int i = 0; i < MANY; i++) {
        CHECK(ids[i] > 0 && (i == 0 || ids[i] > ids[i - 1]));
        CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, ids[i]));
    }
    CHECK_INT(MANY, (long long)stat_of(engine, BACKRUN_STAT_ACCEPTED));
    finish(engine);
}

TEST(one_that_is_refused_refuses_all) {
    memory *memory = memory_new();
    backrun_engine *engine = engine_remembered(memory, 1);
    register_run(engine, "nothing", run_done, NULL);
    backrun_submission submissions[MANY];
    int64_t ids[MANY];
    const struct {
        int32_t code;
        backrun_submission last;
    } all[] = {
        {BACKRUN_NO_HANDLER, {.task_name = str("nobody")}},
        {BACKRUN_NOT_FOUND, {.task_name = str("nothing"), .queue = str("nowhere")}},
        {BACKRUN_INVALID_ARGUMENT, {.task_name = str("nothing"), .priority = 9}},
        {BACKRUN_INVALID_ARGUMENT, {.task_name = str("nothing"), .payload = {NULL, 4}}},
        {BACKRUN_NOT_SUPPORTED, {.task_name = str("nothing"), .payload_flags = BACKRUN_PAYLOAD_ENCRYPTED}},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        fill(submissions, "nothing");
        submissions[MANY - 1] = all[i].last;
        submissions[MANY - 1].struct_size = sizeof(backrun_submission);
        spoil(ids);
        FAILS(all[i].code, NULL, backrun_engine_submit_many(engine, submissions, MANY, ids, E));
        CHECK(all_zero(ids));
    }
    CHECK_INT(0, (long long)stat_of(engine, BACKRUN_STAT_ACCEPTED));
    CHECK(stat_of(engine, BACKRUN_STAT_REFUSED) > 0);
    finish(engine);
    CHECK_INT(0, (long long)count_events(memory, BACKRUN_EVENT_ACCEPTED, 0));
    free(memory);
}

TEST(what_does_not_fit_is_refused_whole) {
    memory *memory = memory_new();
    backrun_queue_options queue = {.struct_size = sizeof queue, .capacity = MANY};
    backrun_engine_options options = options_with(1);
    options.default_queue = &queue;
    options.on_event = remember;
    options.observer_user_data = memory;
    backrun_engine *engine = engine_of(options);
    hold hold = HOLD;
    register_hold(engine, "hold", &hold);
    submit(engine, "hold");
    gate_wait(&hold.entered, 1);
    submit(engine, "hold");
    backrun_submission submissions[MANY];
    int64_t ids[MANY];
    fill(submissions, "hold");
    spoil(ids);
    FAILS(BACKRUN_QUEUE_FULL, NULL, backrun_engine_submit_many(engine, submissions, MANY, ids, E));
    CHECK(all_zero(ids));
    told refused = await_event(memory, BACKRUN_EVENT_REFUSED, 0);
    CHECK_INT(MANY, (long long)refused.count);
    CHECK_INT(MANY, (long long)stat_of(engine, BACKRUN_STAT_REFUSED));
    OK(backrun_engine_submit_many(engine, submissions, MANY - 1, ids, E));
    gate_add(&hold.may_leave, 1);
    finish(engine);
    free(memory);
}

TEST(a_count_that_its_queue_can_never_hold_is_refused_at_once) {
    backrun_engine *engine = engine_with(1);
    register_run(engine, "nothing", run_done, NULL);
    configure(engine, (backrun_queue_options){.capacity = MANY - 1});
    backrun_submission submissions[MANY];
    fill(submissions, "nothing");
    for (int i = 0; i < MANY; i++) {
        submissions[i].when_full = BACKRUN_WHEN_FULL_WAIT;
        submissions[i].when_full_timeout_ms = -1;
    }
    FAILS(BACKRUN_QUEUE_FULL, NULL, backrun_engine_submit_many(engine, submissions, MANY, NULL, E));
    finish(engine);
}

typedef struct submitter {
    backrun_engine *engine;
    int32_t code;
    gate about_to;
} submitter;

static void *submit_waiting(void *argument) {
    submitter *submitter = argument;
    backrun_submission submissions[MANY];
    fill(submissions, "hold");
    for (int i = 0; i < MANY; i++) {
        submissions[i].when_full = BACKRUN_WHEN_FULL_WAIT;
        submissions[i].when_full_timeout_ms = -1;
    }
    gate_add(&submitter->about_to, 1);
    submitter->code = backrun_engine_submit_many(submitter->engine, submissions, MANY, NULL, NULL);
    return NULL;
}

TEST(many_that_wait_get_room_together) {
    backrun_engine *engine = engine_with(1);
    configure(engine, (backrun_queue_options){.capacity = MANY});
    hold hold = HOLD;
    register_hold(engine, "hold", &hold);
    submit(engine, "hold");
    gate_wait(&hold.entered, 1);
    submit(engine, "hold");
    submitter submitter = {engine, -1, GATE};
    pthread_t thread = start_thread(submit_waiting, &submitter);
    gate_wait(&submitter.about_to, 1);
    gate_add(&hold.may_leave, 1);
    join_thread(thread);
    CHECK_INT(BACKRUN_OK, submitter.code);
    finish(engine);
    CHECK_INT(MANY + 2, gate_value(&hold.left));
}

TEST(none_is_a_number_too) {
    backrun_engine *engine = engine_with(1);
    OK(backrun_engine_submit_many(engine, NULL, 0, NULL, E));
    finish(engine);
}

TEST(all_must_say_the_same_of_durability_and_of_a_full_queue) {
    backrun_engine *engine = engine_with(1);
    register_run(engine, "nothing", run_done, NULL);
    backrun_submission submissions[MANY];
    fill(submissions, "nothing");
    submissions[1].when_full = BACKRUN_WHEN_FULL_WAIT;
    FAILS(BACKRUN_INVALID_ARGUMENT, "when_full", backrun_engine_submit_many(engine, submissions, MANY, NULL, E));
    fill(submissions, "nothing");
    submissions[1].durability = BACKRUN_DURABILITY_BUFFERED;
    FAILS(BACKRUN_INVALID_ARGUMENT, "durability", backrun_engine_submit_many(engine, submissions, MANY, NULL, E));
    CHECK_INT(0, (long long)stat_of(engine, BACKRUN_STAT_ACCEPTED));
    finish(engine);
}

TEST(many_may_go_to_several_queues) {
    backrun_engine *engine = engine_with(1);
    configure(engine, (backrun_queue_options){.name = str("mail"), .capacity = MANY});
    register_run(engine, "nothing", run_done, NULL);
    backrun_submission submissions[MANY];
    fill(submissions, "nothing");
    for (int i = 0; i < MANY; i += 2) {
        submissions[i].queue = str("mail");
    }
    int64_t ids[MANY];
    OK(backrun_engine_submit_many(engine, submissions, MANY, ids, E));
    for (int i = 0; i < MANY; i++) {
        backrun_task_status *status = NULL;
        OK(backrun_engine_wait(engine, ids[i], -1, &status, E));
        CHECK_TEXT(i % 2 == 0 ? "mail" : "default", backrun_task_status_queue(status));
        backrun_task_status_free(status);
    }
    finish(engine);
}
