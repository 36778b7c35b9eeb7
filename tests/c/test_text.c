// Views: every text must be UTF-8, and NULL has length 0; the error names the argument or field.

#include "test.h"

// One place of the header that takes a text. `field` is what the message must name.
typedef struct place {
    const char *field;
    int32_t (*pass)(backrun_engine *engine, backrun_str text, backrun_error **out_error);
} place;

static int32_t name_of_handler(backrun_engine *engine, backrun_str text, backrun_error **out_error) {
    backrun_handler handler = {.struct_size = sizeof handler, .run = run_done};
    return backrun_engine_register(engine, text, &handler, NULL, out_error);
}

static int32_t queue_of_handler(backrun_engine *engine, backrun_str text, backrun_error **out_error) {
    backrun_handler handler = {.struct_size = sizeof handler, .run = run_done};
    backrun_task_options options = {.struct_size = sizeof options, .queue = text};
    return backrun_engine_register(engine, str("new"), &handler, &options, out_error);
}

static int32_t name_of_queue(backrun_engine *engine, backrun_str text, backrun_error **out_error) {
    backrun_queue_options options = {.struct_size = sizeof options, .name = text};
    return backrun_engine_configure_queue(engine, &options, out_error);
}

static int32_t start(backrun_engine_options options, backrun_error **out_error) {
    backrun_engine *made = NULL;
    int32_t code = backrun_engine_new(&options, &made, out_error);
    CHECK(made == NULL);
    return code;
}

static int32_t address_of_store(backrun_engine *engine, backrun_str text, backrun_error **out_error) {
    (void)engine;
    backrun_engine_options options = options_with(1);
    options.store_address = text;
    return start(options, out_error);
}

static int32_t name_of_default_queue(backrun_engine *engine, backrun_str text, backrun_error **out_error) {
    (void)engine;
    backrun_queue_options queue = {.struct_size = sizeof queue, .name = text};
    backrun_engine_options options = options_with(1);
    options.default_queue = &queue;
    return start(options, out_error);
}

static int32_t name_of_submission(backrun_engine *engine, backrun_str text, backrun_error **out_error) {
    backrun_submission submission = submission_of("known");
    submission.task_name = text;
    return backrun_engine_submit(engine, &submission, NULL, out_error);
}

static int32_t queue_of_submission(backrun_engine *engine, backrun_str text, backrun_error **out_error) {
    backrun_submission submission = submission_of("known");
    submission.queue = text;
    return backrun_engine_submit(engine, &submission, NULL, out_error);
}

static int32_t submit_with_header(
    backrun_engine *engine, backrun_str name, backrun_str value, backrun_error **out_error) {
    backrun_header header = {.struct_size = sizeof header, .name = name, .value = value};
    backrun_submission submission = submission_of("known");
    submission.headers = &header;
    submission.header_count = 1;
    return backrun_engine_submit(engine, &submission, NULL, out_error);
}

static int32_t name_of_header(backrun_engine *engine, backrun_str text, backrun_error **out_error) {
    return submit_with_header(engine, text, str("value"), out_error);
}

static int32_t value_of_header(backrun_engine *engine, backrun_str text, backrun_error **out_error) {
    return submit_with_header(engine, str("name"), text, out_error);
}

static int32_t reason_of_cancel(backrun_engine *engine, backrun_str text, backrun_error **out_error) {
    return backrun_engine_cancel(engine, 1, text, NULL, out_error);
}

static int32_t list_by(backrun_engine *engine, backrun_filter filter, backrun_error **out_error) {
    backrun_task_list *list = NULL;
    filter.struct_size = sizeof filter;
    return backrun_engine_list(engine, &filter, &list, out_error);
}

static int32_t name_of_filter(backrun_engine *engine, backrun_str text, backrun_error **out_error) {
    return list_by(engine, (backrun_filter){.task_name = text}, out_error);
}

static int32_t queue_of_filter(backrun_engine *engine, backrun_str text, backrun_error **out_error) {
    return list_by(engine, (backrun_filter){.queue = text}, out_error);
}

static int32_t settle_with(backrun_engine *engine, backrun_failure failure, backrun_error **out_error) {
    failure.struct_size = sizeof failure;
    backrun_outcome outcome = {.struct_size = sizeof outcome, .code = BACKRUN_RUN_FAILED, .failure = &failure};
    return backrun_task_settle(engine, 1, 1, &outcome, out_error);
}

static int32_t type_of_failure(backrun_engine *engine, backrun_str text, backrun_error **out_error) {
    return settle_with(engine, (backrun_failure){.error_type = text}, out_error);
}

static int32_t message_of_failure(backrun_engine *engine, backrun_str text, backrun_error **out_error) {
    return settle_with(engine, (backrun_failure){.message = text}, out_error);
}

static int32_t detail_of_failure(backrun_engine *engine, backrun_str text, backrun_error **out_error) {
    return settle_with(engine, (backrun_failure){.detail = text}, out_error);
}

static int32_t text_of_progress(backrun_engine *engine, backrun_str text, backrun_error **out_error) {
    return backrun_engine_set_progress(engine, 1, 1, 0.5, text, out_error);
}

// Those of a run.

typedef struct said {
    int which;
    backrun_str text;
    int32_t code;
    backrun_error *error;
} said;

static void say(backrun_task *task, void *argument) {
    said *said = argument;
    backrun_failure failure = {.struct_size = sizeof failure, .detail = said->text};
    switch (said->which) {
    case 0:
        said->code = backrun_task_fail(task, said->text, &said->error);
        break;
    case 1:
        said->code = backrun_task_fail_with(task, &failure, &said->error);
        break;
    default:
        said->code = backrun_task_set_progress(task, 0.5, said->text, &said->error);
    }
}

static int32_t say_in_run(backrun_engine *engine, int which, backrun_str text, backrun_error **out_error) {
    said said = {which, text, -1, NULL};
    inside_run(engine, say, &said);
    *out_error = said.error;
    return said.code;
}

static int32_t message_of_run(backrun_engine *engine, backrun_str text, backrun_error **out_error) {
    return say_in_run(engine, 0, text, out_error);
}

static int32_t detail_of_run(backrun_engine *engine, backrun_str text, backrun_error **out_error) {
    return say_in_run(engine, 1, text, out_error);
}

static int32_t progress_of_run(backrun_engine *engine, backrun_str text, backrun_error **out_error) {
    return say_in_run(engine, 2, text, out_error);
}

static const place places[] = {
    {"name", name_of_handler},
    {"backrun_task_options.queue", queue_of_handler},
    {"backrun_queue_options.name", name_of_queue},
    {"backrun_engine_options.store_address", address_of_store},
    {"backrun_queue_options.name", name_of_default_queue},
    {"backrun_submission.task_name", name_of_submission},
    {"backrun_submission.queue", queue_of_submission},
    {"backrun_header.name", name_of_header},
    {"backrun_header.value", value_of_header},
    {"reason", reason_of_cancel},
    {"queue", backrun_engine_pause},
    {"queue", backrun_engine_resume},
    {"backrun_filter.task_name", name_of_filter},
    {"backrun_filter.queue", queue_of_filter},
    {"backrun_failure.error_type", type_of_failure},
    {"backrun_failure.message", message_of_failure},
    {"backrun_failure.detail", detail_of_failure},
    {"text", text_of_progress},
    {"message", message_of_run},
    {"backrun_failure.detail", detail_of_run},
    {"text", progress_of_run},
};
enum { PLACES = sizeof places / sizeof places[0] };

static backrun_engine *engine_for_texts(void) {
    backrun_engine *engine = engine_with(1);
    register_run(engine, "known", run_done, NULL);
    return engine;
}

TEST(text_that_is_not_utf8_is_refused_by_the_name_of_its_field) {
    const char *bad[] = {"\xFF", "a\xC3", "\xC0\x80", "\xED\xA0\x80", "\xF5\x80\x80\x80", "ok \x80 ok"};
    backrun_engine *engine = engine_for_texts();
    for (size_t i = 0; i < PLACES; i++) {
        for (size_t j = 0; j < sizeof bad / sizeof bad[0]; j++) {
            FAILS(BACKRUN_INVALID_ARGUMENT, "UTF-8", places[i].pass(engine, str(bad[j]), E));
        }
        FAILS(BACKRUN_INVALID_ARGUMENT, places[i].field, places[i].pass(engine, str(bad[0]), E));
    }
    finish(engine);
}

TEST(a_null_text_with_a_length_is_refused_by_the_name_of_its_field) {
    backrun_engine *engine = engine_for_texts();
    for (size_t i = 0; i < PLACES; i++) {
        backrun_str wrong = {NULL, 3};
        FAILS(BACKRUN_INVALID_ARGUMENT, "NULL", places[i].pass(engine, wrong, E));
        FAILS(BACKRUN_INVALID_ARGUMENT, places[i].field, places[i].pass(engine, wrong, E));
    }
    finish(engine);
}

TEST(a_length_that_no_text_can_have_is_refused_without_reading_it) {
    backrun_engine *engine = engine_for_texts();
    for (size_t i = 0; i < PLACES; i++) {
        backrun_str wrong = {"x", SIZE_MAX};
        FAILS(BACKRUN_INVALID_ARGUMENT, places[i].field, places[i].pass(engine, wrong, E));
    }
    finish(engine);
}

TEST(bytes_that_are_null_with_a_length_are_refused_by_the_name_of_their_field) {
    backrun_engine *engine = engine_for_texts();
    const backrun_bytes wrong[] = {{NULL, 1}, {(const uint8_t *)"x", SIZE_MAX}};
    for (size_t i = 0; i < 2; i++) {
        backrun_submission submission = submission_of("known");
        submission.payload = wrong[i];
        FAILS(BACKRUN_INVALID_ARGUMENT, "backrun_submission.payload",
            backrun_engine_submit(engine, &submission, NULL, E));
        submission = submission_of("known");
        submission.user_context = wrong[i];
        FAILS(BACKRUN_INVALID_ARGUMENT, "backrun_submission.user_context",
            backrun_engine_submit(engine, &submission, NULL, E));
        backrun_outcome outcome = {.struct_size = sizeof outcome, .result = wrong[i]};
        FAILS(BACKRUN_INVALID_ARGUMENT, "backrun_outcome.result", backrun_task_settle(engine, 1, 1, &outcome, E));
    }
    finish(engine);
}

TEST(names_are_printable) {
    backrun_engine *engine = engine_for_texts();
    const char *bad[] = {"a\nb", "\x01", "tab\t", "\x7F", "\xC2\x85"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        FAILS(BACKRUN_INVALID_ARGUMENT, "U+", name_of_handler(engine, str(bad[i]), E));
        FAILS(BACKRUN_INVALID_ARGUMENT, "U+", name_of_queue(engine, str(bad[i]), E));
        FAILS(BACKRUN_INVALID_ARGUMENT, "U+", name_of_header(engine, str(bad[i]), E));
    }
    backrun_str with_nul = {"a\0b", 3};
    FAILS(BACKRUN_INVALID_ARGUMENT, "U+0000", name_of_handler(engine, with_nul, E));
    OK(name_of_handler(engine, str("na\xC3\xAFve \xE2\x98\x95"), E));
    finish(engine);
}

TEST(the_default_queue_of_the_options_may_have_no_other_name) {
    FAILS(BACKRUN_INVALID_ARGUMENT, "mail", name_of_default_queue(NULL, str("mail"), E));
}
