// struct_size: what a program of an older or newer header may pass, for every struct that goes in.

#include "test.h"

#include <stddef.h>

// Room for a struct and a tail that this library does not know.
typedef union raw {
    max_align_t align;
    unsigned char bytes[1024];
} raw;

// One struct of the header: `fill` makes a right one, `pass` passes it, which then gives `right`.
typedef struct in_struct {
    const char *name;
    size_t first; // the size of its first version; 0: as it is now
    size_t size;
    void (*fill)(raw *raw);
    int32_t (*pass)(backrun_engine *engine, const raw *raw, backrun_error **out_error);
    int32_t right;
} in_struct;

static void fill_nothing(raw *raw) {
    (void)raw;
}

static void fill_engine(raw *raw) {
    backrun_engine_options options = options_with(1);
    memcpy(raw->bytes, &options, sizeof options);
}

static int32_t pass_engine(backrun_engine *engine, const raw *raw, backrun_error **out_error) {
    (void)engine;
    backrun_engine *made = NULL;
    int32_t code = backrun_engine_new((const void *)raw, &made, out_error);
    CHECK((code == BACKRUN_OK) == (made != NULL));
    backrun_engine_free(made);
    return code;
}

static int32_t pass_queue(backrun_engine *engine, const raw *raw, backrun_error **out_error) {
    return backrun_engine_configure_queue(engine, (const void *)raw, out_error);
}

static int32_t pass_default_queue(backrun_engine *engine, const raw *raw, backrun_error **out_error) {
    (void)engine;
    backrun_engine_options options = options_with(1);
    options.default_queue = (const void *)raw;
    backrun_engine *made = NULL;
    int32_t code = backrun_engine_new(&options, &made, out_error);
    backrun_engine_free(made);
    return code;
}

static backrun_str new_name(void) {
    static char name[32];
    static int count;
    snprintf(name, sizeof name, "name-%d", ++count);
    return str(name);
}

static void fill_handler(raw *raw) {
    backrun_handler handler = {.run = run_done};
    memcpy(raw->bytes, &handler, sizeof handler);
}

static int32_t pass_handler(backrun_engine *engine, const raw *raw, backrun_error **out_error) {
    return backrun_engine_register(engine, new_name(), (const void *)raw, NULL, out_error);
}

static int32_t pass_task_options(backrun_engine *engine, const raw *raw, backrun_error **out_error) {
    backrun_handler handler = {.struct_size = sizeof handler, .run = run_done};
    return backrun_engine_register(engine, new_name(), &handler, (const void *)raw, out_error);
}

static int32_t pass_retry_of_name(backrun_engine *engine, const raw *raw, backrun_error **out_error) {
    backrun_handler handler = {.struct_size = sizeof handler, .run = run_done};
    backrun_task_options options = {.struct_size = sizeof options, .retry = (const void *)raw};
    return backrun_engine_register(engine, new_name(), &handler, &options, out_error);
}

static int32_t pass_retry_of_submission(backrun_engine *engine, const raw *raw, backrun_error **out_error) {
    backrun_submission submission = submission_of("known");
    submission.retry = (const void *)raw;
    return backrun_engine_submit(engine, &submission, NULL, out_error);
}

static void fill_submission(raw *raw) {
    backrun_submission submission = submission_of("known");
    memcpy(raw->bytes, &submission, sizeof submission);
}

static int32_t pass_submission(backrun_engine *engine, const raw *raw, backrun_error **out_error) {
    int64_t id = 77;
    int32_t code = backrun_engine_submit(engine, (const void *)raw, &id, out_error);
    CHECK((code == BACKRUN_OK) == (id != 0));
    return code;
}

static int32_t pass_submissions(backrun_engine *engine, const raw *raw, backrun_error **out_error) {
    int64_t id = 77;
    int32_t code = backrun_engine_submit_many(engine, (const void *)raw, 1, &id, out_error);
    CHECK((code == BACKRUN_OK) == (id != 0));
    return code;
}

static void fill_header(raw *raw) {
    backrun_header header = {.name = str("culture"), .value = str("de-AT")};
    memcpy(raw->bytes, &header, sizeof header);
}

static int32_t pass_header(backrun_engine *engine, const raw *raw, backrun_error **out_error) {
    backrun_submission submission = submission_of("known");
    submission.headers = (const void *)raw;
    submission.header_count = 1;
    return backrun_engine_submit(engine, &submission, NULL, out_error);
}

static int32_t pass_filter_to_list(backrun_engine *engine, const raw *raw, backrun_error **out_error) {
    backrun_task_list *list = NULL;
    int32_t code = backrun_engine_list(engine, (const void *)raw, &list, out_error);
    CHECK((code == BACKRUN_OK) == (list != NULL));
    backrun_task_list_free(list);
    return code;
}

static int32_t pass_filter_to_purge(backrun_engine *engine, const raw *raw, backrun_error **out_error) {
    return backrun_engine_purge(engine, (const void *)raw, NULL, out_error);
}

static int32_t pass_outcome(backrun_engine *engine, const raw *raw, backrun_error **out_error) {
    return backrun_task_settle(engine, INT64_MAX, 1, (const void *)raw, out_error);
}

static int32_t pass_failure_of_outcome(backrun_engine *engine, const raw *raw, backrun_error **out_error) {
    backrun_outcome outcome = {.struct_size = sizeof outcome, .code = BACKRUN_RUN_FAILED, .failure = (const void *)raw};
    return backrun_task_settle(engine, INT64_MAX, 1, &outcome, out_error);
}

typedef struct failing {
    const raw *raw;
    int32_t code;
    backrun_error **out_error;
} failing;

static void fail_with(backrun_task *task, void *argument) {
    failing *failing = argument;
    failing->code = backrun_task_fail_with(task, (const void *)failing->raw, failing->out_error);
}

static int32_t pass_failure_of_run(backrun_engine *engine, const raw *raw, backrun_error **out_error) {
    backrun_error *error = NULL;
    failing failing = {raw, -1, &error};
    inside_run(engine, fail_with, &failing);
    *out_error = error;
    return failing.code;
}

static int32_t pass_settings(backrun_engine *engine, const raw *raw, backrun_error **out_error) {
    (void)engine;
    backrun_writer *made = NULL;
    int32_t code = backrun_writer_new((const void *)raw, &made, out_error);
    CHECK((code == BACKRUN_OK) == (made != NULL));
    backrun_writer_free(made);
    return code;
}

static const in_struct all[] = {
    {"backrun_engine_options", offsetof(backrun_engine_options, on_end), sizeof(backrun_engine_options), fill_engine,
        pass_engine, BACKRUN_OK},
    {"backrun_queue_options", 0, sizeof(backrun_queue_options), fill_nothing, pass_queue, BACKRUN_OK},
    {"backrun_queue_options", 0, sizeof(backrun_queue_options), fill_nothing, pass_default_queue, BACKRUN_OK},
    {"backrun_handler", 0, sizeof(backrun_handler), fill_handler, pass_handler, BACKRUN_OK},
    {"backrun_task_options", 0, sizeof(backrun_task_options), fill_nothing, pass_task_options, BACKRUN_OK},
    {"backrun_retry_policy", 0, sizeof(backrun_retry_policy), fill_nothing, pass_retry_of_name, BACKRUN_OK},
    {"backrun_retry_policy", 0, sizeof(backrun_retry_policy), fill_nothing, pass_retry_of_submission, BACKRUN_OK},
    {"backrun_submission", 0, sizeof(backrun_submission), fill_submission, pass_submission, BACKRUN_OK},
    {"backrun_submission", 0, sizeof(backrun_submission), fill_submission, pass_submissions, BACKRUN_OK},
    {"backrun_header", 0, sizeof(backrun_header), fill_header, pass_header, BACKRUN_OK},
    {"backrun_filter", 0, sizeof(backrun_filter), fill_nothing, pass_filter_to_list, BACKRUN_OK},
    {"backrun_filter", 0, sizeof(backrun_filter), fill_nothing, pass_filter_to_purge, BACKRUN_OK},
    {"backrun_outcome", 0, sizeof(backrun_outcome), fill_nothing, pass_outcome, BACKRUN_NOT_FOUND},
    {"backrun_failure", 0, sizeof(backrun_failure), fill_nothing, pass_failure_of_outcome, BACKRUN_NOT_FOUND},
    {"backrun_failure", 0, sizeof(backrun_failure), fill_nothing, pass_failure_of_run, BACKRUN_OK},
    {"backrun_codec_settings", 0, sizeof(backrun_codec_settings), fill_nothing, pass_settings, BACKRUN_OK},
};
enum { STRUCTS = sizeof all / sizeof all[0] };

static void make(const in_struct *one, uint32_t struct_size, raw *raw) {
    memset(raw, 0, sizeof *raw);
    one->fill(raw);
    memcpy(raw->bytes, &struct_size, sizeof struct_size);
}

static uint32_t first_size(const in_struct *one) {
    return (uint32_t)(one->first != 0 ? one->first : one->size);
}

static backrun_engine *engine_for_structs(void) {
    backrun_engine *engine = engine_with(1);
    register_run(engine, "known", run_done, NULL);
    return engine;
}

TEST(a_struct_shorter_than_its_first_version_is_refused_by_name) {
    backrun_engine *engine = engine_for_structs();
    for (size_t i = 0; i < STRUCTS; i++) {
        const uint32_t sizes[] = {0, 4, first_size(&all[i]) - 8, first_size(&all[i]) - 1};
        for (size_t j = 0; j < sizeof sizes / sizeof sizes[0]; j++) {
            raw raw;
            make(&all[i], sizes[j], &raw);
            FAILS(BACKRUN_INVALID_ARGUMENT, all[i].name, all[i].pass(engine, &raw, E));
        }
    }
    finish(engine);
}

TEST(a_struct_of_this_header_or_of_its_first_version_is_understood) {
    backrun_engine *engine = engine_for_structs();
    for (size_t i = 0; i < STRUCTS; i++) {
        const uint32_t sizes[] = {(uint32_t)all[i].size, first_size(&all[i])};
        for (size_t j = 0; j < sizeof sizes / sizeof sizes[0]; j++) {
            raw raw;
            make(&all[i], sizes[j], &raw);
            // What an older program has there is not the library's to read.
            memset(raw.bytes + sizes[j], 0xab, sizeof raw.bytes - sizes[j]);
            test_check_code(__FILE__, __LINE__, all[i].right, all[i].pass(engine, &raw, E), NULL, all[i].name);
        }
    }
    finish(engine);
}

TEST(a_longer_struct_is_understood_where_its_unknown_tail_is_zero) {
    backrun_engine *engine = engine_for_structs();
    for (size_t i = 0; i < STRUCTS; i++) {
        for (uint32_t more = 8; more <= 512; more *= 8) {
            raw raw;
            make(&all[i], (uint32_t)all[i].size + more, &raw);
            test_check_code(__FILE__, __LINE__, all[i].right, all[i].pass(engine, &raw, E), NULL, all[i].name);
        }
    }
    finish(engine);
}

TEST(a_value_in_an_unknown_field_is_refused_by_the_name_of_the_struct) {
    backrun_engine *engine = engine_for_structs();
    for (size_t i = 0; i < STRUCTS; i++) {
        for (size_t at = all[i].size; at < all[i].size + 64; at += 9) {
            raw raw;
            make(&all[i], (uint32_t)all[i].size + 64, &raw);
            raw.bytes[at] = 1;
            FAILS(BACKRUN_UNSUPPORTED_FIELD, all[i].name, all[i].pass(engine, &raw, E));
        }
    }
    finish(engine);
}

TEST(a_struct_size_that_was_never_set_is_refused_and_not_followed) {
    backrun_engine *engine = engine_for_structs();
    for (size_t i = 0; i < STRUCTS; i++) {
        raw raw;
        make(&all[i], 0xBEBEBEBE, &raw);
        FAILS(BACKRUN_INVALID_ARGUMENT, all[i].name, all[i].pass(engine, &raw, E));
    }
    finish(engine);
}

typedef struct longer_submission {
    backrun_submission known;
    uint64_t unknown[3];
} longer_submission;

typedef struct longer_header {
    backrun_header known;
    uint64_t unknown;
} longer_header;

TEST(the_elements_of_an_array_are_struct_size_apart) {
    backrun_engine *engine = engine_for_structs();
    backrun_engine_options options = options_with(1);
    (void)options;
    longer_submission submissions[3];
    memset(submissions, 0, sizeof submissions);
    longer_header headers[2];
    memset(headers, 0, sizeof headers);
    for (size_t i = 0; i < 2; i++) {
        headers[i].known = (backrun_header){
            .struct_size = sizeof headers[0], .name = str(i == 0 ? "first" : "second"), .value = str("value")};
    }
    for (size_t i = 0; i < 3; i++) {
        submissions[i].known = submission_of("known");
        submissions[i].known.struct_size = sizeof submissions[0];
        submissions[i].known.headers = (const void *)headers;
        submissions[i].known.header_count = 2;
    }
    int64_t ids[3] = {0};
    OK(backrun_engine_submit_many(engine, (const void *)submissions, 3, ids, E));
    for (size_t i = 0; i < 3; i++) {
        CHECK(ids[i] > 0 && (i == 0 || ids[i] > ids[i - 1]));
        CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, ids[i]));
    }
    submissions[2].unknown[1] = 5;
    FAILS(BACKRUN_UNSUPPORTED_FIELD, "backrun_submission",
        backrun_engine_submit_many(engine, (const void *)submissions, 3, ids, E));
    headers[1].unknown = 5;
    submissions[2].unknown[1] = 0;
    FAILS(BACKRUN_UNSUPPORTED_FIELD, "backrun_header",
        backrun_engine_submit_many(engine, (const void *)submissions, 3, ids, E));
    finish(engine);
}

TEST(an_array_of_mixed_sizes_is_refused_and_its_ids_are_zero) {
    backrun_engine *engine = engine_for_structs();
    longer_submission submissions[2];
    memset(submissions, 0, sizeof submissions);
    for (size_t i = 0; i < 2; i++) {
        submissions[i].known = submission_of("known");
        submissions[i].known.struct_size = sizeof submissions[0];
    }
    submissions[1].known.struct_size = sizeof(backrun_submission);
    int64_t ids[2] = {7, 7};
    FAILS(BACKRUN_INVALID_ARGUMENT, "backrun_submission[1]",
        backrun_engine_submit_many(engine, (const void *)submissions, 2, ids, E));
    CHECK(ids[0] == 0 && ids[1] == 0);
    CHECK_INT(0, (long long)stat_of(engine, BACKRUN_STAT_ACCEPTED));
    finish(engine);
}

TEST(a_count_that_no_array_can_have_is_refused) {
    backrun_engine *engine = engine_for_structs();
    backrun_submission submission = submission_of("known");
    FAILS(BACKRUN_INVALID_ARGUMENT, "count", backrun_engine_submit_many(engine, &submission, SIZE_MAX, NULL, E));
    submission.headers = (const void *)&submission;
    submission.header_count = SIZE_MAX / 8;
    FAILS(BACKRUN_INVALID_ARGUMENT, "count", backrun_engine_submit(engine, &submission, NULL, E));
    uint64_t refused = stat_of(engine, BACKRUN_STAT_REFUSED); // Nobody believes the count.
    CHECK(refused > 0 && refused < 10);
    finish(engine);
}

TEST(a_misaligned_struct_is_refused) {
    backrun_engine *engine = engine_for_structs();
    union {
        max_align_t align;
        unsigned char bytes[sizeof(backrun_submission) + 8];
    } space;
    backrun_submission submission = submission_of("known");
    memcpy(space.bytes + 1, &submission, sizeof submission);
    void *misaligned = space.bytes + 1;
    FAILS(BACKRUN_INVALID_ARGUMENT, "align", backrun_engine_submit(engine, misaligned, NULL, E));
    finish(engine);
}
