#include "test.h"

#include <sched.h>
#include <unistd.h>

// ---- Tests.

static struct {
    const char *name;
    void (*body)(void);
} tests[128];
static size_t test_count;

void test_add(const char *name, void (*body)(void)) {
    if (test_count == sizeof tests / sizeof tests[0]) {
        abort();
    }
    tests[test_count].name = name;
    tests[test_count].body = body;
    test_count++;
}

int main(int argc, char **argv) {
    const char *seconds = getenv("BACKRUN_TEST_SECONDS"); // Under valgrind everything takes longer.
    size_t run = 0;
    for (size_t i = 0; i < test_count; i++) {
        if (argc < 2 || strcmp(argv[1], tests[i].name) == 0) {
            alarm(seconds != NULL ? (unsigned)atoi(seconds) : 60); // SIGALRM ends the process: a hang is a failure.
            fprintf(stderr, "%s\n", tests[i].name);
            tests[i].body();
            run++;
        }
    }
    if (run == 0) {
        fprintf(stderr, "there is no test named %s\n", argc < 2 ? "anything" : argv[1]);
        return 1;
    }
    return 0;
}

// ---- Checks.

static void fail(void) {
    fflush(NULL);
    _exit(1); // Not exit: engine threads may be anywhere.
}

void test_check(const char *file, int line, bool holds, const char *what) {
    if (!holds) {
        fprintf(stderr, "%s:%d: it does not hold that %s\n", file, line, what);
        fail();
    }
}

void test_check_int(const char *file, int line, long long expected, long long actual, const char *what) {
    if (expected != actual) {
        fprintf(stderr, "%s:%d: %s is %lld, not %lld\n", file, line, what, actual, expected);
        fail();
    }
}

void test_check_text(const char *file, int line, const char *expected, backrun_str actual, const char *what) {
    if (!same(actual, expected)) {
        fprintf(stderr, "%s:%d: %s is \"%.*s\", not \"%s\"\n", file, line, what, (int)actual.len,
            actual.len > 0 ? actual.data : "", expected);
        fail();
    }
}

static _Thread_local backrun_error *error_of_thread;

backrun_error **test_error_slot(void) {
    return &error_of_thread;
}

void test_check_code(const char *file, int line, int32_t expected, int32_t actual, const char *part, const char *what) {
    backrun_error *error = error_of_thread;
    error_of_thread = NULL;
    backrun_str message = backrun_error_message(error);
    if (actual != expected) {
        fprintf(
            stderr, "%s:%d: %s gives %d (%s), not %d\n", file, line, what, (int)actual, message.data, (int)expected);
        fail();
    }
    if (expected != BACKRUN_OK && (error == NULL || backrun_error_code(error) != expected || message.len == 0)) {
        fprintf(stderr, "%s:%d: %s gives %d without an error object of that code with a message\n", file, line, what,
            (int)actual);
        fail();
    }
    if (expected == BACKRUN_OK && error != NULL) {
        fprintf(stderr, "%s:%d: %s worked and gives an error: %s\n", file, line, what, message.data);
        fail();
    }
    if (part != NULL && strstr(message.data, part) == NULL) {
        fprintf(stderr, "%s:%d: the error of %s is \"%s\", without \"%s\"\n", file, line, what, message.data, part);
        fail();
    }
    backrun_error_free(error);
}

// ---- Views.

backrun_str str(const char *text) {
    return (backrun_str){text, strlen(text)};
}

backrun_bytes bytes(const char *text) {
    return (backrun_bytes){(const uint8_t *)text, strlen(text)};
}

bool same(backrun_str text, const char *expected) {
    return text.len == strlen(expected) && (text.len == 0 || memcmp(text.data, expected, text.len) == 0);
}

// ---- How much, and chance: splitmix64.

int usual_or_long(int usual, int long_form) {
    if (getenv("BACKRUN_TORTURE") == NULL) {
        return usual;
    }
    alarm(600);
    return long_form;
}

chance chance_of(uint64_t number) {
    const char *seed = getenv("BACKRUN_STRESS_SEED");
    if (seed == NULL) {
        return (chance){number};
    }
    fprintf(stderr, "BACKRUN_STRESS_SEED=%s\n", seed);
    return (chance){strtoull(seed, NULL, 10) + number};
}

unsigned chance_below(chance *chance, unsigned limit) {
    chance->state += 0x9E3779B97F4A7C15ULL;
    uint64_t x = chance->state;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
    return (unsigned)((x ^ (x >> 31)) % limit);
}

// ---- Gates and threads.

void gate_add(gate *gate, int number) {
    pthread_mutex_lock(&gate->lock);
    gate->value += number;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->lock);
}

void gate_wait(gate *gate, int at_least) {
    pthread_mutex_lock(&gate->lock);
    while (gate->value < at_least) {
        pthread_cond_wait(&gate->changed, &gate->lock);
    }
    pthread_mutex_unlock(&gate->lock);
}

int gate_value(gate *gate) {
    pthread_mutex_lock(&gate->lock);
    int value = gate->value;
    pthread_mutex_unlock(&gate->lock);
    return value;
}

pthread_t start_thread(void *(*body)(void *), void *argument) {
    pthread_t thread;
    CHECK_INT(0, pthread_create(&thread, NULL, body, argument));
    return thread;
}

void join_thread(pthread_t thread) {
    CHECK_INT(0, pthread_join(thread, NULL));
}

// ---- Engines.

// A worker that a test holds is not replaced, however slow the machine: what a stall does is test_watchdog.c's.
enum { NEVER_STALLS_MS = 3600 * 1000 };

backrun_engine_options options_with(uint32_t workers) {
    static const backrun_queue_options patient = {.struct_size = sizeof patient, .stall_threshold_ms = NEVER_STALLS_MS};
    return (backrun_engine_options){
        .default_queue = &patient,
        .struct_size = sizeof(backrun_engine_options),
        .abi_version = BACKRUN_ABI_VERSION,
        .workers = workers,
    };
}

backrun_engine *engine_of(backrun_engine_options options) {
    backrun_engine *engine = NULL;
    OK(backrun_engine_new(&options, &engine, E));
    CHECK(engine != NULL);
    return engine;
}

backrun_engine *engine_with(uint32_t workers) {
    return engine_of(options_with(workers));
}

void register_handler(backrun_engine *engine, const char *name, backrun_handler handler) {
    handler.struct_size = sizeof handler;
    OK(backrun_engine_register(engine, str(name), &handler, NULL, E));
}

void register_run(backrun_engine *engine, const char *name, backrun_run_fn run, void *user_data) {
    register_handler(engine, name, (backrun_handler){.run = run, .user_data = user_data});
}

void configure(backrun_engine *engine, backrun_queue_options options) {
    if (options.stall_threshold_ms == 0) {
        options.stall_threshold_ms = NEVER_STALLS_MS;
    }
    options.struct_size = sizeof options;
    OK(backrun_engine_configure_queue(engine, &options, E));
}

backrun_submission submission_of(const char *name) {
    return (backrun_submission){
        .struct_size = sizeof(backrun_submission),
        .task_name = str(name),
        .payload = bytes("\xC0"), // MessagePack's nil
    };
}

int64_t submit_one(backrun_engine *engine, backrun_submission submission) {
    int64_t id = 0;
    OK(backrun_engine_submit(engine, &submission, &id, E));
    CHECK(id > 0);
    return id;
}

int64_t submit(backrun_engine *engine, const char *name) {
    return submit_one(engine, submission_of(name));
}

static uint32_t look(backrun_engine *engine, int64_t id, int64_t timeout_ms) {
    backrun_task_status *status = NULL;
    OK(backrun_engine_wait(engine, id, timeout_ms, &status, E));
    CHECK_INT(id, backrun_task_status_id(status));
    uint32_t state = backrun_task_status_state(status);
    backrun_task_status_free(status);
    return state;
}

uint32_t wait_for_end(backrun_engine *engine, int64_t id) {
    return look(engine, id, -1);
}

uint32_t state_of(backrun_engine *engine, int64_t id) {
    return look(engine, id, 0);
}

void await_state(backrun_engine *engine, int64_t id, uint32_t state) {
    while (state_of(engine, id) != state) {
        sched_yield();
    }
}

void await_stat(backrun_engine *engine, uint32_t stat, uint64_t at_least) {
    while (stat_of(engine, stat) < at_least) {
        sched_yield();
    }
}

backrun_task_status *status_of(backrun_engine *engine, int64_t id) {
    backrun_task_status *status = NULL;
    OK(backrun_engine_wait(engine, id, 0, &status, E));
    return status;
}

backrun_engine *engine_with_manual_time(uint32_t workers) {
    backrun_engine_options options = options_with(workers);
    options.flags = BACKRUN_ENGINE_MANUAL_TIME;
    return engine_of(options);
}

void advance(backrun_engine *engine, int64_t ms) {
    OK(backrun_engine_advance_time(engine, ms, E));
}

uint32_t cancel(backrun_engine *engine, int64_t id) {
    uint32_t what = 0;
    OK(backrun_engine_cancel(engine, id, str("a test"), &what, E));
    return what;
}

uint64_t stat_of(backrun_engine *engine, uint32_t stat) {
    backrun_stats *stats = NULL;
    uint64_t value = 0;
    OK(backrun_engine_stats(engine, &stats, E));
    OK(backrun_stats_value(stats, stat, &value, E));
    backrun_stats_free(stats);
    return value;
}

void settle(backrun_engine *engine, int64_t id, int64_t lease, int32_t code) {
    backrun_outcome outcome = {.struct_size = sizeof outcome, .code = code};
    OK(backrun_task_settle(engine, id, lease, &outcome, E));
}

void finish(backrun_engine *engine) {
    OK(backrun_engine_shutdown(engine, BACKRUN_SHUTDOWN_DRAIN, -1, NULL, E));
    backrun_engine_free(engine);
}

// ---- Handlers.

int32_t run_done(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state) {
    (void)user_data, (void)task, (void)payload, (void)task_state;
    return BACKRUN_RUN_DONE;
}

typedef struct inside {
    void (*body)(backrun_task *task, void *argument);
    void *argument;
} inside;

static int32_t run_inside(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state) {
    (void)payload, (void)task_state;
    const inside *inside = user_data;
    inside->body(task, inside->argument);
    return BACKRUN_RUN_DONE;
}

static void release_by_free(void *user_data) {
    free(user_data);
}

void inside_run(backrun_engine *engine, void (*body)(backrun_task *task, void *argument), void *argument) {
    static gate names = GATE;
    gate_add(&names, 1);
    char name[32];
    snprintf(name, sizeof name, "inside-%d", gate_value(&names));
    inside *inside = malloc(sizeof *inside);
    CHECK(inside != NULL);
    inside->body = body;
    inside->argument = argument;
    register_handler(
        engine, name, (backrun_handler){.user_data = inside, .run = run_inside, .release = release_by_free});
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, submit(engine, name)));
}

int32_t run_hold(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state) {
    (void)payload, (void)task_state;
    hold *hold = user_data;
    pthread_mutex_lock(&hold->entered.lock);
    hold->id = backrun_task_id(task);
    hold->lease = backrun_task_lease(task);
    pthread_mutex_unlock(&hold->entered.lock);
    gate_add(&hold->entered, 1);
    gate_wait(&hold->may_leave, 1);
    int32_t result = hold->result;
    gate_add(&hold->left, 1);
    return result;
}

void release_hold(void *user_data) {
    hold *hold = user_data;
    gate_add(&hold->released, 1);
}

void register_hold(backrun_engine *engine, const char *name, hold *hold) {
    register_handler(engine, name, (backrun_handler){.user_data = hold, .run = run_hold, .release = release_hold});
}

// ---- The observer.

memory *memory_new(void) {
    memory *made = calloc(1, sizeof *made);
    CHECK(made != NULL);
    pthread_mutex_init(&made->lock, NULL);
    pthread_cond_init(&made->changed, NULL);
    return made;
}

static void copy(char *to, size_t size, backrun_str from) {
    size_t len = from.len < size - 1 ? from.len : size - 1;
    if (len > 0) {
        memcpy(to, from.data, len);
    }
    to[len] = 0;
}

void remember(void *user_data, const backrun_event *events, size_t count) {
    memory *memory = user_data;
    pthread_mutex_lock(&memory->lock);
    for (size_t i = 0; i < count; i++) {
        const backrun_event *event = (const void *)((const char *)events + i * events->struct_size);
        CHECK(memory->count < MEMORY);
        CHECK(event->struct_size >= sizeof *event && event->time_unix_us > 0 && event->reserved == 0);
        told *told = &memory->all[memory->count++];
        told->kind = event->kind;
        told->id = event->task_id;
        told->lease = event->lease;
        told->attempt = event->attempt;
        told->state = event->state;
        told->code = event->code;
        told->count = event->count;
        told->time_unix_us = event->time_unix_us;
        told->run_at_unix_us = event->run_at_unix_us;
        copy(told->name, sizeof told->name, event->task_name);
        copy(told->queue, sizeof told->queue, event->queue);
        copy(told->error_type, sizeof told->error_type, event->error_type);
        copy(told->message, sizeof told->message, event->message);
        copy(told->detail, sizeof told->detail, event->detail);
    }
    pthread_cond_broadcast(&memory->changed);
    pthread_mutex_unlock(&memory->lock);
}

backrun_engine *engine_remembered(memory *memory, uint32_t workers) {
    backrun_engine_options options = options_with(workers);
    options.on_event = remember;
    options.observer_user_data = memory;
    return engine_of(options);
}

static size_t count_locked(const memory *memory, uint32_t kind, int64_t id, const told **last) {
    size_t found = 0;
    for (size_t i = 0; i < memory->count; i++) {
        const told *told = &memory->all[i];
        if ((kind == 0 || told->kind == kind) && (id == 0 || told->id == id)) {
            *last = told;
            found++;
        }
    }
    return found;
}

told await_event(memory *memory, uint32_t kind, int64_t id) {
    const told *last = NULL;
    pthread_mutex_lock(&memory->lock);
    while (count_locked(memory, kind, id, &last) == 0) {
        pthread_cond_wait(&memory->changed, &memory->lock);
    }
    told found = *last;
    pthread_mutex_unlock(&memory->lock);
    return found;
}

size_t count_events(memory *memory, uint32_t kind, int64_t id) {
    const told *last = NULL;
    pthread_mutex_lock(&memory->lock);
    size_t found = count_locked(memory, kind, id, &last);
    pthread_mutex_unlock(&memory->lock);
    return found;
}
