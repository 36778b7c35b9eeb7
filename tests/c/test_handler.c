// Handlers: who runs a task, what the run is told, and what its answer does.

#include "test.h"

static void release(void *user_data) {
    gate_add(user_data, 1);
}

TEST(a_name_is_registered_once_and_a_refused_handler_stays_the_callers) {
    backrun_engine *engine = engine_with(1);
    gate first = GATE, second = GATE;
    register_handler(engine, "name", (backrun_handler){.user_data = &first, .run = run_done, .release = release});
    backrun_handler again = {.struct_size = sizeof again, .user_data = &second, .run = run_done, .release = release};
    FAILS(BACKRUN_ALREADY_REGISTERED, "'name'", backrun_engine_register(engine, str("name"), &again, NULL, E));
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, submit(engine, "name")));
    finish(engine);
    CHECK_INT(1, gate_value(&first));
    CHECK_INT(0, gate_value(&second));
}

TEST(a_task_without_a_handler_or_a_queue_is_refused_by_its_name) {
    backrun_engine *engine = engine_with(1);
    backrun_submission submission = submission_of("nobody");
    FAILS(BACKRUN_NO_HANDLER, "'nobody'", backrun_engine_submit(engine, &submission, NULL, E));
    register_run(engine, "somebody", run_done, NULL);
    submission = submission_of("somebody");
    submission.queue = str("nowhere");
    FAILS(BACKRUN_NOT_FOUND, "nowhere", backrun_engine_submit(engine, &submission, NULL, E));
    backrun_handler handler = {.struct_size = sizeof handler, .run = run_done};
    backrun_task_options options = {.struct_size = sizeof options, .queue = str("nowhere")};
    FAILS(BACKRUN_NOT_FOUND, "nowhere", backrun_engine_register(engine, str("other"), &handler, &options, E));
    finish(engine);
}

TEST(a_task_runs_in_the_queue_of_its_submission_else_of_its_name_else_default) {
    backrun_engine *engine = engine_with(1);
    configure(engine, (backrun_queue_options){.name = str("of name")});
    configure(engine, (backrun_queue_options){.name = str("of submission")});
    backrun_handler handler = {.struct_size = sizeof handler, .run = run_done};
    backrun_task_options options = {.struct_size = sizeof options, .queue = str("of name")};
    OK(backrun_engine_register(engine, str("with queue"), &handler, &options, E));
    register_run(engine, "without", run_done, NULL);
    const struct {
        const char *name, *queue, *expected;
    } all[] = {
        {"without", "", "default"},
        {"without", "of submission", "of submission"},
        {"with queue", "", "of name"},
        {"with queue", "of submission", "of submission"},
        {"with queue", "default", "default"},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        backrun_submission submission = submission_of(all[i].name);
        submission.queue = str(all[i].queue);
        backrun_task_status *status = NULL;
        OK(backrun_engine_wait(engine, submit_one(engine, submission), -1, &status, E));
        CHECK_TEXT(all[i].expected, backrun_task_status_queue(status));
        CHECK_INT(BACKRUN_STATE_SUCCEEDED, backrun_task_status_state(status));
        backrun_task_status_free(status);
    }
    finish(engine);
}

static int32_t run_returning(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state) {
    (void)task, (void)payload, (void)task_state;
    return *(const int32_t *)user_data;
}

TEST(the_answer_of_run_decides_the_state) {
    const struct {
        int32_t answer;
        uint32_t state;
        const char *part;
    } all[] = {
        {BACKRUN_RUN_DONE, BACKRUN_STATE_SUCCEEDED, ""},
        {BACKRUN_RUN_FAILED, BACKRUN_STATE_DEAD, "no reason"},
        {BACKRUN_RUN_RETRY_AFTER, BACKRUN_STATE_DEAD, "no reason"},
        {BACKRUN_RUN_FATAL, BACKRUN_STATE_DEAD, "no reason"},
        {BACKRUN_RUN_CANCELLED, BACKRUN_STATE_CANCELLED, ""},
        {77, BACKRUN_STATE_DEAD, "77"},
        {-5, BACKRUN_STATE_DEAD, "-5"},
    };
    backrun_engine *engine = engine_with(1);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        char name[16];
        snprintf(name, sizeof name, "answer-%zu", i);
        int32_t answer = all[i].answer;
        register_run(engine, name, run_returning, &answer);
        // With a policy of one run, so that one that asks for another gets none.
        backrun_retry_policy once = {.struct_size = sizeof once, .max_attempts = 1};
        backrun_submission submission = submission_of(name);
        submission.retry = &once;
        backrun_task_status *status = NULL;
        OK(backrun_engine_wait(engine, submit_one(engine, submission), -1, &status, E));
        CHECK_INT(all[i].state, backrun_task_status_state(status));
        CHECK_INT(1, backrun_task_status_is_final(status));
        CHECK_INT(1, backrun_task_status_attempt(status));
        char message[256];
        backrun_str said = backrun_task_status_error_message(status);
        snprintf(message, sizeof message, "%.*s", (int)said.len, said.len > 0 ? said.data : "");
        CHECK(strstr(message, all[i].part) != NULL);
        CHECK((message[0] == 0) == (all[i].state != BACKRUN_STATE_DEAD));
        backrun_task_status_free(status);
    }
    finish(engine);
}

static int32_t run_failing(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state) {
    (void)payload, (void)task_state;
    OK(backrun_task_fail(task, str("the first reason"), E));
    backrun_failure failure = {
        .struct_size = sizeof failure,
        .error_type = str("IOException"),
        .message = str("the disk is full"),
        .detail = str("at write()"),
    };
    OK(backrun_task_fail_with(task, &failure, E));
    return *(const int32_t *)user_data;
}

TEST(the_last_reason_of_a_failure_reaches_status_and_event) {
    for (int32_t answer = BACKRUN_RUN_FAILED; answer <= BACKRUN_RUN_FATAL; answer++) {
        memory *memory = memory_new();
        backrun_engine *engine = engine_remembered(memory, 1);
        register_run(engine, "fail", run_failing, &answer);
        backrun_retry_policy once = {.struct_size = sizeof once, .max_attempts = 1};
        backrun_submission submission = submission_of("fail");
        submission.retry = &once;
        int64_t id = submit_one(engine, submission);
        backrun_task_status *status = NULL;
        OK(backrun_engine_wait(engine, id, -1, &status, E));
        CHECK_INT(BACKRUN_STATE_DEAD, backrun_task_status_state(status));
        CHECK_TEXT("IOException", backrun_task_status_error_type(status));
        CHECK_TEXT("the disk is full", backrun_task_status_error_message(status));
        CHECK_TEXT("at write()", backrun_task_status_error_detail(status));
        backrun_task_status_free(status);
        finish(engine);
        told event = await_event(memory, BACKRUN_EVENT_RUN_FAILED, id);
        CHECK(strcmp(event.error_type, "IOException") == 0 && strcmp(event.message, "the disk is full") == 0);
        CHECK(strcmp(event.detail, "at write()") == 0 && event.attempt == 1 && event.lease > 0);
        CHECK_INT(1, (long long)count_events(memory, BACKRUN_EVENT_DEAD, id));
        free(memory);
    }
}

static int32_t run_saying_and_done(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state) {
    (void)user_data, (void)payload, (void)task_state;
    OK(backrun_task_fail(task, str("not so bad after all"), E));
    return BACKRUN_RUN_DONE;
}

TEST(a_run_that_said_why_it_fails_and_is_done_has_succeeded) {
    backrun_engine *engine = engine_with(1);
    register_run(engine, "done", run_saying_and_done, NULL);
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, submit(engine, "done")));
    finish(engine);
}

typedef struct seen {
    int64_t id;
    int runs;
} seen;

static int32_t run_looking(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state) {
    seen *seen = user_data;
    seen->id = backrun_task_id(task);
    seen->runs++;
    CHECK(task_state == NULL);
    CHECK(payload.len == 3 && memcmp(payload.data, "\x92\x00\x01", 3) == 0);
    CHECK_INT(1, backrun_task_attempt(task));
    CHECK(backrun_task_lease(task) > 0);
    CHECK_TEXT("look", backrun_task_name(task));
    CHECK_TEXT("default", backrun_task_queue(task));
    CHECK_INT(-1, backrun_task_priority(task));
    CHECK_INT(BACKRUN_FORMAT_STANDARD, backrun_task_payload_format(task));
    CHECK_INT(0, backrun_task_is_cancelled(task));
    CHECK_INT(2, (long long)backrun_task_header_count(task));
    CHECK_TEXT("culture", backrun_task_header_name(task, 0));
    CHECK_TEXT("empty", backrun_task_header_name(task, 1));
    CHECK_TEXT("", backrun_task_header_name(task, 2));
    CHECK_TEXT("de-AT", backrun_task_header(task, str("culture")));
    backrun_str empty = backrun_task_header(task, str("empty"));
    CHECK(empty.data != NULL && empty.len == 0);
    CHECK(backrun_task_header(task, str("Culture")).data == NULL);
    CHECK(backrun_task_header(task, str("\xFF")).data == NULL);
    return BACKRUN_RUN_DONE;
}

TEST(a_run_sees_what_was_submitted) {
    backrun_engine *engine = engine_with(1);
    seen seen = {0, 0};
    register_run(engine, "look", run_looking, &seen);
    backrun_header headers[] = {
        {.struct_size = sizeof headers[0], .name = str("culture"), .value = str("de-AT")},
        {.struct_size = sizeof headers[0], .name = str("empty"), .value = str("")},
    };
    backrun_submission submission = submission_of("look");
    submission.payload = (backrun_bytes){(const uint8_t *)"\x92\x00\x01", 3};
    submission.priority = -1;
    submission.payload_format = BACKRUN_FORMAT_STANDARD;
    submission.headers = headers;
    submission.header_count = 2;
    int64_t id = submit_one(engine, submission);
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, id));
    finish(engine);
    CHECK(seen.runs == 1 && seen.id == id);
}

static int32_t run_formatted(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state) {
    (void)payload, (void)task_state;
    *(uint32_t *)user_data = backrun_task_payload_format(task);
    return BACKRUN_RUN_DONE;
}

TEST(a_run_sees_the_format_of_its_payload) {
    backrun_engine *engine = engine_with(1);
    uint32_t seen = 0;
    register_run(engine, "look", run_formatted, &seen);
    for (uint32_t format = 0; format <= BACKRUN_FORMAT_TYPELESS; format++) {
        // With a time of its own it takes the longer of the two ways in.
        for (int64_t limit = 0; limit <= 60000; limit += 60000) {
            backrun_submission submission = submission_of("look");
            submission.payload_format = format;
            submission.time_limit_ms = limit;
            CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, submit_one(engine, submission)));
            CHECK_INT(format == 0 ? BACKRUN_FORMAT_CONTRACTLESS : format, seen);
        }
    }
    finish(engine);
}

static int32_t run_empty(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state) {
    (void)user_data, (void)task, (void)task_state;
    return payload.len == 0 ? BACKRUN_RUN_DONE : BACKRUN_RUN_FAILED;
}

TEST(an_empty_payload_is_a_payload) {
    backrun_engine *engine = engine_with(1);
    register_run(engine, "empty", run_empty, NULL);
    backrun_submission submission = submission_of("empty");
    submission.payload = (backrun_bytes){NULL, 0};
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, submit_one(engine, submission)));
    submission.payload = (backrun_bytes){(const uint8_t *)"x", 0};
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, submit_one(engine, submission)));
    finish(engine);
}

TEST(what_a_submission_points_to_is_copied) {
    backrun_engine *engine = engine_with(1);
    hold hold = HOLD;
    register_hold(engine, "hold", &hold);
    submit(engine, "hold");
    char payload[] = "\xC0", name[] = "hold", queue[] = "default";
    backrun_submission submission = {
        .struct_size = sizeof submission, .task_name = str(name), .payload = bytes(payload), .queue = str(queue)};
    int64_t id = submit_one(engine, submission);
    memset(payload, 'x', 1);
    memset(name, 'x', 4);
    memset(queue, 'x', 7);
    backrun_buffer *copy = NULL;
    OK(backrun_engine_payload(engine, id, &copy, E));
    backrun_bytes kept = backrun_buffer_bytes(copy);
    CHECK(kept.len == 1 && kept.data[0] == 0xC0);
    backrun_buffer_free(copy);
    gate_add(&hold.may_leave, 1);
    backrun_task_status *status = NULL;
    OK(backrun_engine_wait(engine, id, -1, &status, E));
    CHECK_TEXT("hold", backrun_task_status_name(status));
    CHECK_TEXT("default", backrun_task_status_queue(status));
    backrun_task_status_free(status);
    FAILS(BACKRUN_NOT_FOUND, NULL, backrun_engine_payload(engine, id, &copy, E));
    CHECK(copy == NULL);
    finish(engine);
}

static int32_t run_submitting(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state) {
    (void)task, (void)payload, (void)task_state;
    backrun_engine *engine = *(backrun_engine **)user_data;
    register_run(engine, "registered in a run", run_done, NULL);
    submit(engine, "registered in a run");
    return BACKRUN_RUN_DONE;
}

TEST(a_run_may_register_and_submit) {
    backrun_engine *engine = engine_with(1);
    register_run(engine, "outer", run_submitting, &engine);
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, submit(engine, "outer")));
    OK(backrun_engine_shutdown(engine, BACKRUN_SHUTDOWN_DRAIN, -1, NULL, E));
    CHECK_INT(2, (long long)stat_of(engine, BACKRUN_STAT_SUCCEEDED));
    backrun_engine_free(engine);
}
