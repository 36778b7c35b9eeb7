// Limits: the largest value is taken, one more is BACKRUN_TOO_LARGE with both numbers in the message.

#include "test.h"

static backrun_engine *engine_with_nothing(void) {
    backrun_engine *engine = engine_with(1);
    register_run(engine, "nothing", run_done, NULL);
    return engine;
}

static char *letters(size_t count) {
    char *text = malloc(count + 1);
    CHECK(text != NULL);
    memset(text, 'x', count);
    text[count] = 0;
    return text;
}

static void too_large(backrun_engine *engine, backrun_submission submission, const char *actual, const char *limit) {
    FAILS(BACKRUN_TOO_LARGE, actual, backrun_engine_submit(engine, &submission, NULL, E));
    FAILS(BACKRUN_TOO_LARGE, limit, backrun_engine_submit(engine, &submission, NULL, E));
}

typedef struct expected {
    const char *bytes;
    size_t len;
    bool equal;
} expected;

static int32_t compare(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state) {
    (void)task, (void)task_state;
    expected *expected = user_data;
    expected->equal = payload.len == expected->len && memcmp(payload.data, expected->bytes, payload.len) == 0;
    return BACKRUN_RUN_DONE;
}

TEST(a_payload_has_up_to_4_mib_and_arrives_whole) {
    backrun_engine *engine = engine_with_nothing();
    enum { LIMIT = 4 * 1024 * 1024 };
    char *text = letters(LIMIT + 1);
    for (size_t i = 0; i < LIMIT; i++) {
        text[i] = (char)(i * 31 >> 7);
    }
    expected expected = {text, LIMIT, false};
    register_run(engine, "compare", compare, &expected);
    backrun_submission submission = submission_of("compare");
    submission.payload = (backrun_bytes){(const uint8_t *)text, LIMIT};
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, submit_one(engine, submission)));
    CHECK(expected.equal);
    submission.payload.len = LIMIT + 1;
    too_large(engine, submission, "4194305", "4194304");
    free(text);
    finish(engine);
}

TEST(a_task_name_has_up_to_200_bytes) {
    backrun_engine *engine = engine_with_nothing();
    char *text = letters(201);
    backrun_handler handler = {.struct_size = sizeof handler, .run = run_done};
    OK(backrun_engine_register(engine, (backrun_str){text, 200}, &handler, NULL, E));
    FAILS(BACKRUN_TOO_LARGE, "201", backrun_engine_register(engine, str(text), &handler, NULL, E));
    FAILS(BACKRUN_TOO_LARGE, "200", backrun_engine_register(engine, str(text), &handler, NULL, E));
    backrun_submission submission = submission_of(text);
    too_large(engine, submission, "201", "200");
    submission.task_name.len = 200;
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, submit_one(engine, submission)));
    free(text);
    finish(engine);
}

TEST(a_user_context_has_up_to_64_kib) {
    backrun_engine *engine = engine_with_nothing();
    char *text = letters(64 * 1024 + 1);
    backrun_submission submission = submission_of("nothing");
    submission.user_context = (backrun_bytes){(const uint8_t *)text, 64 * 1024};
    submit_one(engine, submission);
    submission.user_context.len++;
    too_large(engine, submission, "65537", "65536");
    free(text);
    finish(engine);
}

TEST(headers_have_up_to_4_kib_together) {
    backrun_engine *engine = engine_with_nothing();
    char *text = letters(4096);
    backrun_header headers[] = {
        {.struct_size = sizeof headers[0], .name = str("a"), .value = {text, 2047}},
        {.struct_size = sizeof headers[0], .name = str("b"), .value = {text, 2047}},
    };
    backrun_submission submission = submission_of("nothing");
    submission.headers = headers;
    submission.header_count = 2;
    submit_one(engine, submission);
    headers[1].value.len++;
    too_large(engine, submission, "4097", "4096");
    free(text);
    finish(engine);
}

TEST(a_header_has_a_name_once) {
    backrun_engine *engine = engine_with_nothing();
    backrun_header headers[] = {
        {.struct_size = sizeof headers[0], .name = str("same"), .value = str("1")},
        {.struct_size = sizeof headers[0], .name = str("same"), .value = str("2")},
    };
    backrun_submission submission = submission_of("nothing");
    submission.headers = headers;
    submission.header_count = 2;
    FAILS(BACKRUN_INVALID_ARGUMENT, "same", backrun_engine_submit(engine, &submission, NULL, E));
    headers[1].name = str("");
    FAILS(BACKRUN_INVALID_ARGUMENT, "empty", backrun_engine_submit(engine, &submission, NULL, E));
    finish(engine);
}

TEST(a_queue_name_has_up_to_64_bytes) {
    backrun_engine *engine = engine_with_nothing();
    char *text = letters(65);
    configure(engine, (backrun_queue_options){.name = {text, 64}});
    backrun_queue_options options = {.struct_size = sizeof options, .name = str(text)};
    FAILS(BACKRUN_TOO_LARGE, "65", backrun_engine_configure_queue(engine, &options, E));
    FAILS(BACKRUN_TOO_LARGE, "64", backrun_engine_configure_queue(engine, &options, E));
    backrun_submission submission = submission_of("nothing");
    submission.queue = (backrun_str){text, 64};
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, submit_one(engine, submission)));
    free(text);
    finish(engine);
}

static int32_t fail_long(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state) {
    (void)payload, (void)task_state;
    const char *text = user_data;
    backrun_failure failure = {
        .struct_size = sizeof failure, .error_type = str(text), .message = str(text), .detail = str(text)};
    OK(backrun_task_fail_with(task, &failure, E));
    return BACKRUN_RUN_FAILED;
}

// What is kept of a text is whole characters.
static void kept(backrun_str text, size_t limit) {
    CHECK(text.len <= limit && text.len > limit - 8);
    CHECK(((unsigned char)text.data[text.len - 1] & 0xC0) == 0x80 || text.data[text.len - 1] == '.');
}

TEST(what_a_run_says_of_its_failure_is_kept_up_to_its_limits) {
    backrun_engine *engine = engine_with(1);
    char *text = letters(99000);
    for (size_t i = 0; i < 99000; i += 3) {
        memcpy(text + i, "\xE2\x82\xAC", 3); // the euro sign: never cut in the middle
    }
    register_run(engine, "fail", fail_long, text);
    backrun_task_status *status = NULL;
    int64_t id = submit(engine, "fail");
    OK(backrun_engine_wait(engine, id, -1, &status, E));
    kept(backrun_task_status_error_type(status), 512);
    kept(backrun_task_status_error_message(status), 4096);
    kept(backrun_task_status_error_detail(status), 32 * 1024);
    backrun_task_status_free(status);
    free(text);
    finish(engine);
}

TEST(a_reason_of_a_cancel_is_kept_up_to_512_bytes) {
    backrun_engine *engine = engine_with(1);
    hold hold = HOLD;
    register_hold(engine, "hold", &hold);
    int64_t running = submit(engine, "hold"), queued = submit(engine, "hold");
    char *text = letters(600);
    OK(backrun_engine_cancel(engine, queued, str(text), NULL, E));
    backrun_task_status *status = NULL;
    OK(backrun_engine_wait(engine, queued, -1, &status, E));
    backrun_str reason = backrun_task_status_cancel_reason(status);
    CHECK(reason.len <= 512 && reason.len >= 505 && reason.data[0] == 'x');
    backrun_task_status_free(status);
    gate_add(&hold.may_leave, 1);
    wait_for_end(engine, running);
    free(text);
    finish(engine);
}
