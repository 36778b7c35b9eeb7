// Numbers of task names, in place of the names.

#include "test.h"

static uint32_t number_of(backrun_engine *engine, const char *name) {
    uint32_t number = 0;
    OK(backrun_engine_task_number(engine, str(name), &number, E));
    CHECK(number > 0);
    return number;
}

static backrun_submission numbered(uint32_t number) {
    return (backrun_submission){.struct_size = sizeof(backrun_submission), .task_number = number};
}

// Adds what the payload says to a sum of its own.
typedef struct sum {
    gate runs;
    _Atomic int of_payloads;
} sum;

static int32_t run_add(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state) {
    (void)task, (void)task_state;
    sum *sum = user_data;
    CHECK_INT(1, (long long)payload.len);
    sum->of_payloads += payload.data[0];
    gate_add(&sum->runs, 1);
    return BACKRUN_RUN_DONE;
}

TEST(a_number_stands_in_place_of_the_name) {
    sum first = {.runs = GATE}, second = {.runs = GATE};
    backrun_engine *engine = engine_with(2);
    register_run(engine, "first", run_add, &first);
    register_run(engine, "second", run_add, &second);
    backrun_submission submission = numbered(number_of(engine, "second"));
    submission.payload = bytes("\x05");
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, submit_one(engine, submission)));
    CHECK_INT(5, second.of_payloads);
    submission.task_number = number_of(engine, "first");
    // Not looked at: neither as a name nor as a text.
    submission.task_name = (backrun_str){"\xff", 1};
    int64_t id = submit_one(engine, submission);
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, id));
    CHECK_INT(5, first.of_payloads);
    backrun_task_status *status = NULL;
    OK(backrun_engine_wait(engine, id, 0, &status, E));
    CHECK(same(backrun_task_status_name(status), "first"));
    backrun_task_status_free(status);
    finish(engine);
}

TEST(a_number_goes_with_everything_else_a_submission_may_say) {
    backrun_engine *engine = engine_with(1);
    configure(engine, (backrun_queue_options){.name = str("other"), .workers = 1});
    sum sum = {.runs = GATE};
    register_run(engine, "add", run_add, &sum);
    backrun_header header = {.struct_size = sizeof header, .name = str("culture"), .value = str("de-AT")};
    backrun_submission submission = numbered(number_of(engine, "add"));
    submission.payload = bytes("\x03");
    submission.queue = str("other");
    submission.priority = BACKRUN_PRIORITY_HIGHEST;
    submission.user_context = bytes("ada");
    submission.headers = &header;
    submission.header_count = 1;
    submission.when_full = BACKRUN_WHEN_FULL_WAIT;
    submission.when_full_timeout_ms = 1;
    int64_t id = submit_one(engine, submission);
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, id));
    backrun_task_status *status = NULL;
    OK(backrun_engine_wait(engine, id, 0, &status, E));
    CHECK(same(backrun_task_status_queue(status), "other"));
    CHECK_INT(BACKRUN_PRIORITY_HIGHEST, backrun_task_status_priority(status));
    backrun_task_status_free(status);
    CHECK_INT(3, sum.of_payloads);
    finish(engine);
}

TEST(a_number_stays_what_it_is_for_the_life_of_its_engine) {
    backrun_engine *engine = engine_with(1);
    register_run(engine, "first", run_done, NULL);
    uint32_t first = number_of(engine, "first");
    register_run(engine, "second", run_done, NULL);
    uint32_t second = number_of(engine, "second");
    CHECK(first != second);
    CHECK_INT(first, number_of(engine, "first"));
    CHECK_INT(second, number_of(engine, "second"));
    OK(backrun_engine_shutdown(engine, BACKRUN_SHUTDOWN_DRAIN, -1, NULL, E));
    CHECK_INT(second, number_of(engine, "second"));
    backrun_engine_free(engine);
}

TEST(a_name_without_a_handler_has_no_number) {
    backrun_engine *engine = engine_with(1);
    uint32_t number = 77;
    FAILS(BACKRUN_NO_HANDLER, "nobody", backrun_engine_task_number(engine, str("nobody"), &number, E));
    CHECK_INT(0, number);
    finish(engine);
}

TEST(a_number_that_the_engine_did_not_give_is_refused_and_told) {
    memory *memory = memory_new();
    backrun_engine *engine = engine_remembered(memory, 1);
    register_run(engine, "nothing", run_done, NULL);
    const uint32_t wrong[] = {number_of(engine, "nothing") + 1, UINT32_MAX};
    for (size_t i = 0; i < 2; i++) {
        backrun_submission submission = numbered(wrong[i]);
        int64_t id = 77;
        FAILS(BACKRUN_INVALID_ARGUMENT, "task number", backrun_engine_submit(engine, &submission, &id, E));
        CHECK_INT(0, id);
        backrun_submission both[] = {numbered(number_of(engine, "nothing")), submission};
        FAILS(BACKRUN_INVALID_ARGUMENT, "task number", backrun_engine_submit_many(engine, both, 2, NULL, E));
        both[0] = submission;
        FAILS(BACKRUN_INVALID_ARGUMENT, "task number", backrun_engine_submit_many(engine, both, 2, NULL, E));
    }
    CHECK_INT(0, (long long)stat_of(engine, BACKRUN_STAT_ACCEPTED));
    CHECK_INT(10, (long long)stat_of(engine, BACKRUN_STAT_REFUSED));
    CHECK_INT(BACKRUN_INVALID_ARGUMENT, await_event(memory, BACKRUN_EVENT_REFUSED, 0).code);
    finish(engine);
    free(memory);
}

TEST(a_refusal_by_number_is_told_with_the_name) {
    memory *memory = memory_new();
    backrun_engine *engine = engine_remembered(memory, 1);
    register_run(engine, "nothing", run_done, NULL);
    configure(engine, (backrun_queue_options){.capacity = 1});
    backrun_submission both[] = {numbered(number_of(engine, "nothing")), numbered(number_of(engine, "nothing"))};
    FAILS(BACKRUN_QUEUE_FULL, NULL, backrun_engine_submit_many(engine, both, 2, NULL, E));
    told refused = await_event(memory, BACKRUN_EVENT_REFUSED, 0);
    CHECK_TEXT("nothing", str(refused.name));
    CHECK_INT(2, (long long)refused.count);
    finish(engine);
    free(memory);
}

TEST(many_that_differ_in_their_payloads_alone_come_with_their_own) {
    enum { MANY = 3000 };
    sum sum = {.runs = GATE};
    backrun_engine *engine = engine_with(2);
    register_run(engine, "add", run_add, &sum);
    static uint8_t payloads[MANY];
    static backrun_submission submissions[MANY];
    static int64_t ids[MANY];
    int expected = 0;
    for (int i = 0; i < MANY; i++) {
        payloads[i] = (uint8_t)(i * 7);
        expected += payloads[i];
        submissions[i] = numbered(number_of(engine, "add"));
        submissions[i].payload = (backrun_bytes){&payloads[i], 1};
    }
    OK(backrun_engine_submit_many(engine, submissions, MANY, ids, E));
    for (int i = 0; i < MANY; i++) {
        CHECK(ids[i] > 0 && (i == 0 || ids[i] > ids[i - 1]));
    }
    gate_wait(&sum.runs, MANY);
    CHECK_INT(expected, sum.of_payloads);
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, ids[MANY - 1]));
    finish(engine);
}

TEST(a_batch_may_mix_names_and_numbers) {
    sum first = {.runs = GATE}, second = {.runs = GATE};
    backrun_engine *engine = engine_with(2);
    register_run(engine, "first", run_add, &first);
    register_run(engine, "second", run_add, &second);
    backrun_submission submissions[] = {submission_of("first"), numbered(number_of(engine, "second")),
        numbered(number_of(engine, "first")), submission_of("second")};
    for (int i = 0; i < 4; i++) {
        submissions[i].payload = bytes("\x02");
        submissions[i].priority = i - 2;
    }
    OK(backrun_engine_submit_many(engine, submissions, 4, NULL, E));
    gate_wait(&first.runs, 2);
    gate_wait(&second.runs, 2);
    CHECK_INT(4, first.of_payloads);
    CHECK_INT(4, second.of_payloads);
    finish(engine);
}
