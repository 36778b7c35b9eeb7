#include "walk.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static uint8_t payload[1 << 20];

backrun_submission submission_with(size_t size) {
    CHECK(size <= sizeof payload);
    backrun_submission submission = submission_of("nothing");
    submission.payload = (backrun_bytes){payload, size};
    return submission;
}

void begin(walk *walk) {
    if (walk->from_then_on) {
        fail_allocations_from(walk->least, walk->number);
    } else {
        fail_allocation(walk->least, walk->number);
    }
}

bool has_begun_to_fail(walk *walk) {
    walk->failed = has_failed();
    return walk->failed;
}

void end(walk *walk) {
    walk->failed = fail_no_more();
}

bool worked(walk *walk, int32_t code, backrun_error **error) {
    if (code == BACKRUN_OK) {
        CHECK(*error == NULL);
        return true;
    }
    CHECK_INT(BACKRUN_OUT_OF_MEMORY, code);
    CHECK(has_begun_to_fail(walk));
    CHECK_INT(BACKRUN_OUT_OF_MEMORY, backrun_error_code(*error));
    CHECK(backrun_error_message(*error).len > 0);
    backrun_error_free(*error);
    return false;
}

int times(const walk *walk, int often, int seldom) {
    return walk->least == ANY ? seldom : often;
}

// ---- Processes.

enum { NOT_REACHED = 43, REACHED = 42 };

// Rust ends a process by abort where it cannot go on without memory.
static void tell_and_die(int signal) {
    (void)signal;
    fail_no_more();
    fail_every(0);
    tell_where_it_failed();
    _exit(44);
}

static int status_of_child(void (*body)(void *argument), void *argument) {
    fflush(NULL);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        alarm(60);
        signal(SIGABRT, tell_and_die);
        body(argument);
        _exit(0);
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    return status;
}

bool in_child(void (*body)(void *argument), void *argument) {
    int status = status_of_child(body, argument);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// ---- Walks.

static void hear_events(void *user_data, const backrun_event *events, size_t count) {
    (void)user_data;
    CHECK(count > 0 && events->kind > 0);
}

static void hear_logs(void *user_data, const backrun_log_record *records, size_t count) {
    (void)user_data;
    CHECK(count > 0 && records->message.len > 0);
}

typedef struct way {
    void (*body)(walk *walk);
    walk walk;
} way;

static void walk_once(void *argument) {
    way *way = argument;
    walk *walk = &way->walk;
    backrun_engine_options options = options_with(1);
    if (walk->observed) {
        options.on_event = hear_events;
        options.on_log = hear_logs;
        options.log_level = BACKRUN_LOG_DEBUG;
    }
    walk->engine = engine_of(options);
    configure(walk->engine, (backrun_queue_options){.name = str("second"), .workers = 1});
    register_run(walk->engine, "nothing", run_done, NULL);
    register_hold(walk->engine, "hold", &walk->hold);
    submit(walk->engine, "hold");
    walk->accepted = 1;
    gate_wait(&walk->hold.entered, 1);
    way->body(walk);
    // The engine goes on: what was accepted and nothing else ends, and so does one more where there still may be one.
    gate_add(&walk->hold.may_leave, 1);
    backrun_submission submission = submission_with(1);
    int64_t id = 0;
    if (backrun_engine_submit(walk->engine, &submission, &id, NULL) == BACKRUN_OK) {
        walk->accepted++;
        CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(walk->engine, id));
    }
    OK(backrun_engine_shutdown(walk->engine, BACKRUN_SHUTDOWN_DRAIN, -1, NULL, E));
    const uint32_t ends[] = {BACKRUN_STAT_SUCCEEDED, BACKRUN_STAT_DEAD, BACKRUN_STAT_CANCELLED, BACKRUN_STAT_DROPPED};
    long long ended = 0;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        ended += (long long)stat_of(walk->engine, ends[i]);
    }
    CHECK_INT(walk->accepted + walk->replayed, ended);
    CHECK_INT(walk->accepted, (long long)stat_of(walk->engine, BACKRUN_STAT_ACCEPTED));
    CHECK_INT(1, gate_value(&walk->hold.released));
    backrun_engine_free(walk->engine);
    _exit(walk->failed ? REACHED : NOT_REACHED);
}

// How many did not end as they should; their number of allocations is added up.
static int walk_one_way(const char *path, way *way, int *allocations) {
    int bad = 0;
    for (int number = 1; bad < 5; number++) {
        way->walk.number = number;
        int status = status_of_child(walk_once, way);
        if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_REACHED) {
            *allocations += number - 1;
            break;
        }
        if (!WIFEXITED(status) || WEXITSTATUS(status) != REACHED) {
            fprintf(stderr,
                "%s%s: the process in which allocation %d of at least %zu bytes fails%s ends with status %#x\n", path,
                way->walk.observed ? ", observed" : "", number, way->walk.least,
                way->walk.from_then_on ? ", and all that follow it," : "", (unsigned)status);
            bad++;
        }
    }
    return bad;
}

static int walk_every_way(const char *path, void (*body)(walk *walk), size_t least, int *allocations) {
    const char *instead = getenv("BACKRUN_LEAST");
    int bad = 0;
    for (int ways = 0; ways < 4; ways++) {
        way way = {
            .body = body,
            .walk =
                {
                    .hold = HOLD,
                    .least = instead != NULL ? (size_t)atoi(instead) : least,
                    .from_then_on = ways % 2 == 1,
                    .observed = ways / 2 == 1,
                },
        };
        bad += walk_one_way(path, &way, allocations);
    }
    fprintf(stderr, "%s: %d allocations of at least %zu bytes, in four ways\n", path, *allocations, least);
    return bad;
}

int walk_all(const char *path, void (*body)(walk *walk), size_t least) {
    int allocations = 0;
    int bad = walk_every_way(path, body, least, &allocations);
    CHECK(allocations > 0 || least > ANY); // A path without any would show that none of them is seen.
    return bad;
}

int walk_frugal(const char *path, void (*body)(walk *walk)) {
    int allocations = 0;
    return walk_every_way(path, body, ANY, &allocations);
}
