// Memory that cannot be had. Each path is walked again and again in a process of its own, and each time another of its
// allocations fails: the answer is BACKRUN_OUT_OF_MEMORY and nothing was accepted, or the call works; and the engine
// goes on.
// BACKRUN_LEAST=1 lets allocations of any size fail on every path, and the child tells where.

#include "failing_malloc.h"
#include "test.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

// What is large: payloads, segments, tables that grow. Smaller ones are a matter of the paths below that say so.
enum { LARGE = 1024, ANY = 1 };

// A walk in its process: an engine with one worker, which is held.
typedef struct walk {
    backrun_engine *engine;
    hold hold;
    size_t least;
    int number;
    long long accepted;
    bool failed; // An allocation did fail.
} walk;

static uint8_t payload[1 << 20];

static backrun_submission submission_with(size_t size) {
    backrun_submission submission = submission_of("nothing");
    submission.payload = (backrun_bytes){payload, size};
    return submission;
}

static void begin(walk *walk) {
    fail_allocation(walk->least, walk->number);
}

static bool has_begun_to_fail(walk *walk) {
    walk->failed = has_failed();
    return walk->failed;
}

// The answer to a call: OK, or an error because of the allocation that failed.
static bool worked(walk *walk, int32_t code, backrun_error *error) {
    if (code == BACKRUN_OK) {
        CHECK(error == NULL);
        return true;
    }
    CHECK_INT(BACKRUN_OUT_OF_MEMORY, code);
    CHECK(has_begun_to_fail(walk));
    // Of memory that cannot be had for the error itself there is none.
    CHECK(error == NULL || backrun_error_code(error) == BACKRUN_OUT_OF_MEMORY);
    backrun_error_free(error);
    return false;
}

static void end(walk *walk) {
    walk->failed = fail_no_more();
}

// ---- Paths.

// Submits until an allocation fails, or so many times.
static void submit_some(walk *walk, int count, backrun_submission submission) {
    begin(walk);
    for (int i = 0; i < count && !has_begun_to_fail(walk); i++) {
        int64_t id = 77;
        backrun_error *error = NULL;
        submission.priority = i % 5 - 2;
        if (worked(walk, backrun_engine_submit(walk->engine, &submission, &id, &error), error)) {
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

static void submit_batch(walk *walk) {
    enum { MANY = 1500 };
    static backrun_submission all[MANY];
    static int64_t ids[MANY];
    for (int i = 0; i < MANY; i++) {
        all[i] = submission_with(i % 100 == 0 ? 30 * 1000 : 50);
        all[i].priority = i % 5 - 2;
        all[i].queue = str(i % 2 == 0 ? "default" : "second");
    }
    backrun_error *error = NULL;
    begin(walk);
    int32_t code = backrun_engine_submit_many(walk->engine, all, MANY, ids, &error);
    end(walk);
    bool accepted = worked(walk, code, error);
    walk->accepted += accepted ? MANY : 0;
    for (int i = 0; i < MANY; i++) {
        CHECK((ids[i] > 0) == accepted);
    }
}

static void register_names(walk *walk) {
    backrun_handler handler = {.struct_size = sizeof handler, .run = run_done};
    char name[32];
    begin(walk);
    for (int i = 0; i < 200 && !has_begun_to_fail(walk); i++) {
        snprintf(name, sizeof name, "name-%d", i);
        backrun_error *error = NULL;
        bool is_there = worked(walk, backrun_engine_register(walk->engine, str(name), &handler, NULL, &error), error);
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
    for (int i = 0; i < 20 && !has_begun_to_fail(walk); i++) {
        snprintf(name, sizeof name, "queue-%d", i);
        backrun_queue_options options = {.struct_size = sizeof options, .name = str(name), .workers = 2};
        backrun_error *error = NULL;
        int32_t code = backrun_engine_configure_queue(walk->engine, &options, &error);
        if (code == BACKRUN_SYSTEM) { // A thread that could not be started, for want of memory too.
            CHECK(has_begun_to_fail(walk));
            backrun_error_free(error);
        } else {
            worked(walk, code, error);
        }
    }
    end(walk);
    configure(walk->engine, (backrun_queue_options){.name = str(name), .workers = 1});
    backrun_submission submission = submission_with(1);
    submission.queue = str(name);
    walk->accepted++;
    submit_one(walk->engine, submission);
}

enum { LOOKED_AT = 3000 };

// Tasks that wait, to be looked at and ended.
static void fill(walk *walk, int64_t *ids) {
    for (int i = 0; i < LOOKED_AT; i++) {
        ids[i] = submit_one(walk->engine, submission_with(i == 0 ? sizeof payload : 2000));
    }
    walk->accepted += LOOKED_AT;
}

static void cancel_some(walk *walk) {
    static int64_t ids[LOOKED_AT];
    fill(walk, ids);
    begin(walk);
    for (int i = 0; i < LOOKED_AT && !has_begun_to_fail(walk); i++) {
        uint32_t met = 0;
        backrun_error *error = NULL;
        if (worked(walk, backrun_engine_cancel(walk->engine, ids[i], str("a reason"), &met, &error), error)) {
            CHECK_INT(BACKRUN_CANCEL_QUEUED, met);
        }
    }
    end(walk);
}

static atomic_int heard;

static void hear(void *user_data, int32_t code, const backrun_task_status *status) {
    (void)user_data, (void)status;
    CHECK_INT(BACKRUN_OK, code);
    atomic_fetch_add(&heard, 1);
}

static void watch_some(walk *walk) {
    static int64_t ids[LOOKED_AT];
    fill(walk, ids);
    int watched = 0;
    begin(walk);
    for (int i = 0; i < LOOKED_AT && !has_begun_to_fail(walk); i++) {
        backrun_error *error = NULL;
        watched += worked(walk, backrun_engine_watch(walk->engine, ids[i], hear, NULL, &error), error);
    }
    end(walk);
    gate_add(&walk->hold.may_leave, 1);
    OK(backrun_engine_shutdown(walk->engine, BACKRUN_SHUTDOWN_DRAIN, -1, NULL, E));
    CHECK_INT(watched, atomic_load(&heard));
}

static void look_at_some(walk *walk) {
    static int64_t ids[LOOKED_AT];
    fill(walk, ids);
    begin(walk);
    for (int i = 0; i < 20 && !has_begun_to_fail(walk); i++) {
        backrun_error *error = NULL;
        backrun_task_status *status = NULL;
        bool is_there = worked(walk, backrun_engine_wait(walk->engine, ids[i], 0, &status, &error), error);
        CHECK(is_there == (status != NULL));
        backrun_task_status_free(status);
        backrun_buffer *copy = NULL;
        error = NULL;
        is_there = worked(walk, backrun_engine_payload(walk->engine, ids[i], &copy, &error), error);
        CHECK(is_there == (copy != NULL));
        backrun_buffer_free(copy);
        backrun_stats *stats = NULL;
        error = NULL;
        is_there = worked(walk, backrun_engine_stats(walk->engine, &stats, &error), error);
        CHECK(is_there == (stats != NULL));
        backrun_stats_free(stats);
    }
    end(walk);
}

// A submit that is refused while memory is short: the error itself needs some.
static void be_refused(walk *walk) {
    backrun_submission submission = submission_of("nobody knows it");
    backrun_error *error = NULL;
    begin(walk);
    int32_t code = backrun_engine_submit(walk->engine, &submission, NULL, &error);
    end(walk);
    CHECK(code == BACKRUN_NO_HANDLER || (code == BACKRUN_OUT_OF_MEMORY && walk->failed));
    backrun_error_free(error);
}

// An engine that is made while memory is short.
static void make_an_engine(walk *walk) {
    backrun_engine_options options = options_with(2);
    backrun_engine *engine = NULL;
    backrun_error *error = NULL;
    begin(walk);
    int32_t code = backrun_engine_new(&options, &engine, &error);
    end(walk);
    if (code == BACKRUN_SYSTEM) { // A thread that could not be started.
        CHECK(walk->failed && engine == NULL);
        backrun_error_free(error);
    } else if (worked(walk, code, error)) {
        finish(engine);
    }
}

// The end of runs: what a worker does after the callback, with the plan of the callback's thread.
typedef struct runs {
    walk *walk;
    int32_t answer;
    atomic_bool has_failed;
} runs;

static int32_t run_short_of_memory(void *user_data, backrun_task *task, backrun_bytes all, void *task_state) {
    (void)all, (void)task_state;
    runs *runs = user_data;
    if (backrun_task_id(task) == 2) { // The first after the one that is held.
        begin(runs->walk);
    }
    if (has_failed()) {
        atomic_store(&runs->has_failed, true);
        fail_no_more();
    }
    return runs->answer;
}

static void end_runs(walk *walk, int32_t answer) {
    enum { RUNS = 3000 };
    static runs runs;
    runs = (struct runs){.walk = walk, .answer = answer};
    register_run(walk->engine, "short of memory", run_short_of_memory, &runs);
    for (int i = 0; i < RUNS; i++) {
        submit(walk->engine, "short of memory");
    }
    walk->accepted += RUNS;
    gate_add(&walk->hold.may_leave, 1);
    OK(backrun_engine_shutdown(walk->engine, BACKRUN_SHUTDOWN_DRAIN, -1, NULL, E));
    walk->failed = atomic_load(&runs.has_failed);
}

static void end_runs_well(walk *walk) {
    end_runs(walk, BACKRUN_RUN_DONE);
}

static void end_runs_badly(walk *walk) {
    end_runs(walk, BACKRUN_RUN_FAILED);
}

static const struct {
    const char *name;
    void (*body)(walk *walk);
} paths[] = {
    {"submit", submit_small},
    {"submit_with_all", submit_with_all},
    {"submit_large", submit_large},
    {"submit_many", submit_batch},
    {"be_refused", be_refused},
    {"register", register_names},
    {"configure_queue", make_queues},
    {"cancel", cancel_some},
    {"watch", watch_some},
    {"look", look_at_some},
    {"engine_new", make_an_engine},
    {"end_runs_well", end_runs_well},
    {"end_runs_badly", end_runs_badly},
};

// ---- Walks.

enum { NOT_REACHED = 43, REACHED = 42 };

// Rust ends a process by abort where it cannot go on without memory.
static void tell_and_die(int signal) {
    (void)signal;
    tell_where_it_failed();
    _exit(44);
}

static void walk_in_child(void (*body)(walk *walk), size_t least, int number) {
    alarm(10);
    signal(SIGABRT, tell_and_die);
    static walk walk;
    walk.hold = (hold)HOLD;
    walk.least = least;
    walk.number = number;
    walk.engine = engine_with(1);
    configure(walk.engine, (backrun_queue_options){.name = str("second"), .workers = 1});
    register_run(walk.engine, "nothing", run_done, NULL);
    register_hold(walk.engine, "hold", &walk.hold);
    submit(walk.engine, "hold");
    gate_wait(&walk.hold.entered, 1);
    body(&walk);
    // The engine goes on: what was accepted and nothing else ends, and so does one more where there still may be one.
    gate_add(&walk.hold.may_leave, 1);
    backrun_submission submission = submission_with(1);
    int64_t id = 0;
    if (backrun_engine_submit(walk.engine, &submission, &id, NULL) == BACKRUN_OK) {
        walk.accepted++;
        CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(walk.engine, id));
    }
    OK(backrun_engine_shutdown(walk.engine, BACKRUN_SHUTDOWN_DRAIN, -1, NULL, E));
    const uint32_t ends[] = {BACKRUN_STAT_SUCCEEDED, BACKRUN_STAT_DEAD, BACKRUN_STAT_CANCELLED};
    long long ended = 0;
    for (size_t i = 0; i < 3; i++) {
        ended += (long long)stat_of(walk.engine, ends[i]);
    }
    CHECK_INT(1 + walk.accepted, ended);
    CHECK_INT(1 + walk.accepted, (long long)stat_of(walk.engine, BACKRUN_STAT_ACCEPTED));
    backrun_engine_free(walk.engine);
    _exit(walk.failed ? REACHED : NOT_REACHED);
}

// Walks a path as often as it has allocations. How many of the walks did not end as they should.
static int walk_all(const char *path, size_t least) {
    size_t which = 0;
    while (which < sizeof paths / sizeof paths[0] && strcmp(paths[which].name, path) != 0) {
        which++;
    }
    CHECK(which < sizeof paths / sizeof paths[0]);
    int bad = 0, number = 0;
    for (int status = 0; bad < 10 && (!WIFEXITED(status) || WEXITSTATUS(status) != NOT_REACHED);) {
        number++;
        fflush(NULL);
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            walk_in_child(paths[which].body, least, number);
        }
        CHECK(waitpid(child, &status, 0) == child);
        if (!WIFEXITED(status) || (WEXITSTATUS(status) != REACHED && WEXITSTATUS(status) != NOT_REACHED)) {
            fprintf(stderr, "%s: the process in which allocation %d of at least %zu bytes fails ends with status %#x\n",
                path, number, least, (unsigned)status);
            bad++;
        }
    }
    fprintf(stderr, "%s: %d allocations of at least %zu bytes\n", path, number - 1, least);
    CHECK(number > 1 || least > ANY); // A path without any allocation would show that none of them is seen.
    return bad;
}

static int walk_large(const char *path) {
    const char *least = getenv("BACKRUN_LEAST");
    return walk_all(path, least != NULL ? (size_t)atoi(least) : LARGE);
}

TEST(a_submit_that_needs_much_memory_in_vain_accepts_nothing) {
    CHECK_INT(0, walk_large("submit") + walk_large("submit_with_all") + walk_large("submit_large"));
}

TEST(many_that_need_much_memory_in_vain_are_refused_whole) {
    CHECK_INT(0, walk_large("submit_many"));
}

TEST(a_table_of_names_that_cannot_grow_registers_nothing) {
    CHECK_INT(0, walk_large("register"));
}

TEST(a_queue_that_cannot_be_made_leaves_the_others) {
    CHECK_INT(0, walk_large("configure_queue"));
}

TEST(a_cancel_that_needs_much_memory_in_vain_changes_nothing) {
    CHECK_INT(0, walk_large("cancel"));
}

TEST(a_watch_that_needs_much_memory_in_vain_is_not_told) {
    CHECK_INT(0, walk_large("watch"));
}

TEST(a_look_that_needs_much_memory_in_vain_shows_nothing) {
    CHECK_INT(0, walk_large("look"));
}

TEST(an_engine_that_needs_much_memory_in_vain_is_not_made) {
    CHECK_INT(0, walk_large("engine_new"));
}

TEST(runs_end_although_there_is_little_memory) {
    CHECK_INT(0, walk_large("end_runs_well") + walk_large("end_runs_badly"));
}

// Of any size: what submits needs is reserved first.
TEST(no_allocation_of_a_submit_can_end_the_process) {
    CHECK_INT(0, walk_all("submit", ANY) + walk_all("submit_with_all", ANY) + walk_all("submit_large", ANY));
}

TEST(no_allocation_of_many_can_end_the_process) {
    CHECK_INT(0, walk_all("submit_many", ANY));
}

TEST(no_allocation_of_an_error_can_end_the_process) {
    CHECK_INT(0, walk_all("be_refused", ANY));
}
