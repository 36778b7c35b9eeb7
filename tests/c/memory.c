// Calls that need memory which cannot be had: the answer is BACKRUN_OUT_OF_MEMORY and nothing was accepted or changed,
// or the call works; and the engine goes on (walk.c looks).

#include "walk.h"

#include <stdatomic.h>

// ---- Handing work over.

// Submits until an allocation fails, or so many times.
static void submit_some(walk *walk, int count, backrun_submission submission) {
    begin(walk);
    for (int i = 0; i < count && !has_begun_to_fail(walk); i++) {
        int64_t id = 77;
        backrun_error *error = NULL;
        submission.priority = i % 5 - 2;
        if (worked(walk, backrun_engine_submit(walk->engine, &submission, &id, &error), &error)) {
            walk->accepted++;
            CHECK(id > 0);
        } else {
            CHECK_INT(0, id);
        }
    }
    end(walk);
}

static void submit_small(walk *walk) {
    submit_some(walk, 3000, submission_with(100));
}

static void submit_with_all(walk *walk) {
    backrun_header headers[8];
    char names[8][4];
    for (int i = 0; i < 8; i++) {
        snprintf(names[i], sizeof names[i], "h%d", i);
        headers[i] = (backrun_header){.struct_size = sizeof headers[0], .name = str(names[i]), .value = str("value")};
    }
    backrun_submission submission = submission_with(10);
    submission.user_context = bytes("user");
    submission.headers = headers;
    submission.header_count = 8;
    submit_some(walk, 20, submission);
}

static void submit_large(walk *walk) {
    submit_some(walk, 40, submission_with(100 * 1000));
}

enum { MANY = 1500 };

static backrun_submission all[MANY];
static int64_t ids[MANY];

static void submit_all(walk *walk) {
    backrun_error *error = NULL;
    begin(walk);
    int32_t code = backrun_engine_submit_many(walk->engine, all, MANY, ids, &error);
    end(walk);
    bool accepted = worked(walk, code, &error);
    walk->accepted += accepted ? MANY : 0;
    for (int i = 0; i < MANY; i++) {
        CHECK((ids[i] > 0) == accepted);
    }
}

static void submit_batch(walk *walk) {
    for (int i = 0; i < MANY; i++) {
        all[i] = submission_with(i % 100 == 0 ? 30 * 1000 : 50);
        all[i].priority = i % 5 - 2;
        all[i].queue = str(i % 2 == 0 ? "default" : "second");
    }
    submit_all(walk);
}

static void submit_batch_of_one_kind(walk *walk) {
    for (int i = 0; i < MANY; i++) {
        all[i] = submission_with(i % 100 == 0 ? 30 * 1000 : 50);
    }
    submit_all(walk);
}

// A submit to a full queue that drops its oldest: if it is refused, nothing was dropped.
static void drop_some(walk *walk) {
    enum { ROOM = 4 };
    configure(walk->engine, (backrun_queue_options){.name = str("narrow"), .workers = 1, .capacity = ROOM});
    backrun_submission submission = submission_of("hold");
    submission.queue = str("narrow");
    submit_one(walk->engine, submission);
    gate_wait(&walk->hold.entered, 2);
    // Small ones to be dropped, and large ones in their place.
    submission = submission_with(10);
    submission.queue = str("narrow");
    for (int i = 0; i < ROOM; i++) {
        submit_one(walk->engine, submission);
    }
    walk->accepted += 1 + ROOM;
    long long before = walk->accepted;
    submission = submission_with(20 * 1000);
    submission.queue = str("narrow");
    submission.when_full = BACKRUN_WHEN_FULL_DROP_OLDEST;
    submit_some(walk, 20, submission);
    CHECK_INT(walk->accepted - before, (long long)stat_of(walk->engine, BACKRUN_STAT_DROPPED));
    backrun_submission batch[3] = {submission, submission, submission};
    batch[1].priority = 1;
    backrun_error *error = NULL;
    if (!walk->failed) {
        begin(walk);
        int32_t code = backrun_engine_submit_many(walk->engine, batch, 3, NULL, &error);
        end(walk);
        walk->accepted += worked(walk, code, &error) ? 3 : 0;
        CHECK_INT(walk->accepted - before, (long long)stat_of(walk->engine, BACKRUN_STAT_DROPPED));
    }
}

TEST(a_submit_that_needs_much_memory_in_vain_accepts_nothing) {
    CHECK_INT(0, WALK(submit_small, LARGE) + WALK(submit_with_all, LARGE) + WALK(submit_large, LARGE));
}

TEST(many_that_need_much_memory_in_vain_are_refused_whole) {
    CHECK_INT(0, WALK(submit_batch, LARGE) + WALK(submit_batch_of_one_kind, LARGE));
}

TEST(no_allocation_of_a_submit_can_end_the_process) {
    CHECK_INT(0, WALK(submit_small, ANY) + WALK(submit_with_all, ANY) + WALK(submit_large, ANY));
}

TEST(no_allocation_of_many_can_end_the_process) {
    CHECK_INT(0, WALK(submit_batch, ANY) + WALK(submit_batch_of_one_kind, ANY));
}

TEST(a_submit_that_has_no_memory_drops_nothing_from_a_full_queue) {
    CHECK_INT(0, WALK(drop_some, ANY));
}

// ---- Refusals: the error itself needs memory.

// The code is what it is whatever memory there is.
static void be_told(int32_t expected, int32_t code, backrun_error **error) {
    CHECK_INT(expected, code);
    CHECK_INT(expected, backrun_error_code(*error));
    backrun_str message = backrun_error_message(*error);
    CHECK(message.len > 0 && message.data[message.len] == 0);
    backrun_error_free(*error);
}

static void be_refused(walk *walk) {
    backrun_submission unknown = submission_of("nobody knows it"), elsewhere = submission_with(1);
    elsewhere.queue = str("no queue");
    backrun_submission not_yet = submission_with(1), large = submission_with(1), control = submission_of("\a");
    not_yet.payload_flags = BACKRUN_PAYLOAD_ENCRYPTED;
    static uint8_t too_large[4 * 1024 * 1024 + 1];
    large.payload = (backrun_bytes){too_large, sizeof too_large};
    backrun_handler handler = {.struct_size = sizeof handler, .run = run_done};
    backrun_queue_options queue = {.struct_size = sizeof queue, .workers = 100000};
    backrun_error *error = NULL;
    begin(walk);
#define REFUSED(code, call) be_told(code, call, &error)
    REFUSED(BACKRUN_NO_HANDLER, backrun_engine_submit(walk->engine, &unknown, NULL, &error));
    REFUSED(BACKRUN_NOT_FOUND, backrun_engine_submit(walk->engine, &elsewhere, NULL, &error));
    REFUSED(BACKRUN_NOT_SUPPORTED, backrun_engine_submit(walk->engine, &not_yet, NULL, &error));
    REFUSED(BACKRUN_TOO_LARGE, backrun_engine_submit(walk->engine, &large, NULL, &error));
    REFUSED(BACKRUN_INVALID_ARGUMENT, backrun_engine_submit(walk->engine, &control, NULL, &error));
    REFUSED(BACKRUN_INVALID_ARGUMENT, backrun_engine_submit(NULL, &unknown, NULL, &error));
    REFUSED(BACKRUN_STALE_LEASE,
        backrun_task_settle(walk->engine, 1, 7, &(backrun_outcome){.struct_size = sizeof(backrun_outcome)}, &error));
    uint32_t number = 0;
    REFUSED(BACKRUN_NO_HANDLER, backrun_engine_task_number(walk->engine, str("nobody"), &number, &error));
    end(walk);
    // These need memory before they know.
    const struct {
        int32_t code;
        int which;
    } others[] = {{BACKRUN_ALREADY_REGISTERED, 0}, {BACKRUN_INVALID_ARGUMENT, 1}};
    for (size_t i = 0; i < 2 && !walk->failed; i++) {
        begin(walk);
        int32_t code = others[i].which == 0
                           ? backrun_engine_register(walk->engine, str("nothing"), &handler, NULL, &error)
                           : backrun_engine_configure_queue(walk->engine, &queue, &error);
        end(walk);
        if (code != BACKRUN_OUT_OF_MEMORY || !walk->failed) {
            CHECK_INT(others[i].code, code);
        }
        CHECK_INT(code, backrun_error_code(error));
        backrun_error_free(error);
    }
}

TEST(no_allocation_of_an_error_can_end_the_process) {
    CHECK_INT(0, WALK(be_refused, ANY));
}

// ---- Names and queues.

static void register_names(walk *walk) {
    int count = times(walk, 200, 20);
    backrun_handler handler = {.struct_size = sizeof handler, .run = run_done};
    char name[32];
    begin(walk);
    for (int i = 0; i < count && !has_begun_to_fail(walk); i++) {
        snprintf(name, sizeof name, "name-%d", i);
        backrun_error *error = NULL;
        bool is_there = worked(walk, backrun_engine_register(walk->engine, str(name), &handler, NULL, &error), &error);
        if (!is_there) {
            end(walk);
            OK(backrun_engine_register(walk->engine, str(name), &handler, NULL, E)); // Not half there.
        }
    }
    end(walk);
    walk->accepted++;
    submit(walk->engine, "name-0");
}

static void make_queues(walk *walk) {
    char name[32];
    begin(walk);
    for (int i = 0; i < times(walk, 20, 5) && !has_begun_to_fail(walk); i++) {
        snprintf(name, sizeof name, "queue-%d", i);
        backrun_queue_options options = {.struct_size = sizeof options, .name = str(name), .workers = 2};
        backrun_error *error = NULL;
        int32_t code = backrun_engine_configure_queue(walk->engine, &options, &error);
        if (code == BACKRUN_SYSTEM) { // A thread that could not be started, for want of memory too.
            CHECK(has_begun_to_fail(walk));
            backrun_error_free(error);
        } else {
            worked(walk, code, &error);
        }
    }
    end(walk);
    configure(walk->engine, (backrun_queue_options){.name = str(name), .workers = 1});
    backrun_submission submission = submission_with(1);
    submission.queue = str(name);
    walk->accepted++;
    submit_one(walk->engine, submission);
}

// Changing a queue that is there: more workers, then fewer.
static void change_a_queue(walk *walk) {
    begin(walk);
    for (uint32_t workers = 3; workers > 0 && !has_begun_to_fail(walk); workers--) {
        backrun_queue_options options = {.struct_size = sizeof options, .name = str("second"), .workers = workers};
        backrun_error *error = NULL;
        int32_t code = backrun_engine_configure_queue(walk->engine, &options, &error);
        CHECK(code == BACKRUN_OK || (has_begun_to_fail(walk) && backrun_error_code(error) == code));
        backrun_error_free(error);
    }
    end(walk);
    backrun_submission submission = submission_with(1);
    submission.queue = str("second");
    walk->accepted++;
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(walk->engine, submit_one(walk->engine, submission)));
}

TEST(a_table_of_names_that_cannot_grow_registers_nothing) {
    CHECK_INT(0, WALK(register_names, LARGE) + WALK(register_names, ANY));
}

TEST(a_queue_that_cannot_be_made_leaves_the_others) {
    CHECK_INT(0, WALK(make_queues, LARGE) + WALK(make_queues, ANY) + WALK(change_a_queue, ANY));
}

// A queue that could not be made again and again takes up one of the 512 places, not one each time.
static void make_a_queue_in_vain(walk *walk) {
    backrun_queue_options options = {.struct_size = sizeof options, .name = str("late"), .workers = 2};
    for (int i = 0; i < 1000; i++) {
        begin(walk);
        int32_t code = backrun_engine_configure_queue(walk->engine, &options, NULL);
        end(walk);
        CHECK(code == BACKRUN_OK || walk->failed);
        if (code == BACKRUN_OK) {
            return;
        }
    }
    OK(backrun_engine_configure_queue(walk->engine, &options, E));
}

TEST(a_queue_that_could_not_be_made_a_thousand_times_can_be_made_then) {
    CHECK_INT(0, WALK(make_a_queue_in_vain, ANY));
}

// ---- Tasks.

enum { LOOKED_AT = 3000 };

static int64_t looked_at[LOOKED_AT];

// Tasks that wait, to be looked at and ended. How many.
static int fill(walk *walk, int count) {
    for (int i = 0; i < count; i++) {
        looked_at[i] = submit_one(walk->engine, submission_with(i == 0 ? 1 << 20 : 2000));
    }
    walk->accepted += count;
    return count;
}

static void cancel_some(walk *walk) {
    int count = fill(walk, times(walk, LOOKED_AT, 40)), cancelled = 0;
    begin(walk);
    for (int i = 0; i < count && !has_begun_to_fail(walk); i++) {
        uint32_t met = 0;
        backrun_error *error = NULL;
        int32_t code = backrun_engine_cancel(walk->engine, looked_at[i], str("a reason"), &met, &error);
        if (worked(walk, code, &error)) {
            CHECK_INT(BACKRUN_CANCEL_QUEUED, met);
            cancelled++;
        } else {
            CHECK_INT(0, met);
        }
    }
    end(walk);
    CHECK_INT(cancelled, (long long)stat_of(walk->engine, BACKRUN_STAT_CANCELLED));
}

// A run that is asked to stop: it is told once, and the reason is kept, or the call is refused and it is not asked.
static void cancel_what_runs(walk *walk) {
    backrun_error *error = NULL;
    uint32_t met = 0;
    begin(walk);
    int32_t code = backrun_engine_cancel(walk->engine, walk->hold.id, str("a reason"), &met, &error);
    end(walk);
    bool asked = worked(walk, code, &error);
    CHECK_INT(asked ? BACKRUN_CANCEL_RUNNING : 0, met);
    backrun_task_status *status = NULL;
    OK(backrun_engine_wait(walk->engine, walk->hold.id, 0, &status, E));
    CHECK_INT(asked, backrun_task_status_is_cancel_requested(status));
    CHECK_TEXT(asked ? "a reason" : "", backrun_task_status_cancel_reason(status));
    backrun_task_status_free(status);
}

TEST(a_cancel_that_needs_much_memory_in_vain_changes_nothing) {
    CHECK_INT(0, WALK(cancel_some, LARGE) + WALK(cancel_some, ANY) + WALK(cancel_what_runs, ANY));
}

static atomic_int heard;

static void hear(void *user_data, int32_t code, const backrun_task_status *status) {
    (void)user_data, (void)status;
    CHECK_INT(BACKRUN_OK, code);
    atomic_fetch_add(&heard, 1);
}

static void watch_some(walk *walk) {
    int count = fill(walk, times(walk, LOOKED_AT, 40)), watched = 0;
    begin(walk);
    for (int i = 0; i < count && !has_begun_to_fail(walk); i++) {
        backrun_error *error = NULL;
        watched += worked(walk, backrun_engine_watch(walk->engine, looked_at[i], hear, NULL, &error), &error);
    }
    end(walk);
    gate_add(&walk->hold.may_leave, 1);
    OK(backrun_engine_shutdown(walk->engine, BACKRUN_SHUTDOWN_DRAIN, -1, NULL, E));
    CHECK_INT(watched, atomic_load(&heard));
}

TEST(a_watch_that_needs_much_memory_in_vain_is_not_told) {
    CHECK_INT(0, WALK(watch_some, LARGE) + WALK(watch_some, ANY));
}

static void look_at_some(walk *walk) {
    int count = fill(walk, times(walk, 20, 5));
    begin(walk);
    for (int i = 0; i < count && !has_begun_to_fail(walk); i++) {
        backrun_error *error = NULL;
        backrun_task_status *status = NULL;
        bool is_there = worked(walk, backrun_engine_wait(walk->engine, looked_at[i], i % 2, &status, &error), &error);
        CHECK(is_there == (status != NULL));
        backrun_task_status_free(status);
        backrun_buffer *copy = NULL;
        error = NULL;
        is_there = worked(walk, backrun_engine_payload(walk->engine, looked_at[i], &copy, &error), &error);
        CHECK(is_there == (copy != NULL));
        backrun_buffer_free(copy);
        backrun_stats *stats = NULL;
        error = NULL;
        is_there = worked(walk, backrun_engine_stats(walk->engine, &stats, &error), &error);
        CHECK(is_there == (stats != NULL));
        backrun_stats_free(stats);
    }
    end(walk);
}

TEST(a_look_that_needs_much_memory_in_vain_shows_nothing) {
    CHECK_INT(0, WALK(look_at_some, LARGE) + WALK(look_at_some, ANY));
}

// ---- Engines.

static void release_observer(void *user_data) {
    atomic_fetch_add((atomic_int *)user_data, 1);
}

static void hear_logs(void *user_data, const backrun_log_record *records, size_t count) {
    (void)user_data, (void)records, (void)count;
}

static void make_an_engine_with(walk *walk, uint32_t workers) {
    atomic_int released = 0;
    backrun_queue_options queue = {.struct_size = sizeof queue, .workers = workers};
    backrun_engine_options options = options_with(workers);
    options.default_queue = &queue;
    options.on_log = hear_logs;
    options.observer_user_data = &released;
    options.observer_release = release_observer;
    backrun_engine *engine = NULL;
    backrun_error *error = NULL;
    begin(walk);
    int32_t code = backrun_engine_new(&options, &engine, &error);
    end(walk);
    if (code == BACKRUN_SYSTEM) { // A thread that could not be started.
        CHECK(walk->failed && engine == NULL);
        CHECK_INT(BACKRUN_SYSTEM, backrun_error_code(error));
        backrun_error_free(error);
        CHECK_INT(0, atomic_load(&released)); // Still the caller's.
    } else if (worked(walk, code, &error)) {
        finish(engine);
        CHECK_INT(1, atomic_load(&released));
    } else {
        CHECK(engine == NULL);
        CHECK_INT(0, atomic_load(&released));
    }
}

static void make_an_engine(walk *walk) {
    make_an_engine_with(walk, 2);
}

static void make_an_engine_with_every_default(walk *walk) {
    make_an_engine_with(walk, 0);
}

TEST(an_engine_that_needs_much_memory_in_vain_is_not_made) {
    CHECK_INT(0, WALK(make_an_engine, LARGE));
    CHECK_INT(0, WALK(make_an_engine, ANY) + WALK(make_an_engine_with_every_default, ANY));
}
