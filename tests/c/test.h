// What the border's C tests share: checks, a gate to wait at, a handler that holds, an observer that remembers.
//
// A test is TEST(a_sentence_that_is_guaranteed) { ... }. A failed check ends the process; so does a test of more than
// 10 s (BACKRUN_TEST_SECONDS). Nothing here sleeps: threads wait for each other.

#ifndef BACKRUN_TEST_H
#define BACKRUN_TEST_H

#include "backrun.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEST(name)                                                                                                     \
    static void name(void);                                                                                            \
    __attribute__((constructor)) static void add_##name(void) {                                                        \
        test_add(#name, name);                                                                                         \
    }                                                                                                                  \
    static void name(void)

void test_add(const char *name, void (*body)(void));

// ---- Checks.

#define CHECK(condition) test_check(__FILE__, __LINE__, (condition), #condition)
#define CHECK_INT(expected, actual) test_check_int(__FILE__, __LINE__, (expected), (actual), #actual)
#define CHECK_TEXT(expected, actual) test_check_text(__FILE__, __LINE__, (expected), (actual), #actual)
// A call that takes `E` as its last argument: it must return BACKRUN_OK and leave no error.
#define OK(call) test_check_code(__FILE__, __LINE__, BACKRUN_OK, (call), NULL, #call)
// A call that must fail with this code and an error object whose message has `part` in it (NULL: any message).
#define FAILS(code, part, call) test_check_code(__FILE__, __LINE__, (code), (call), (part), #call)
// Where the error of a call goes: one slot a thread.
#define E test_error_slot()

void test_check(const char *file, int line, bool holds, const char *what);
void test_check_int(const char *file, int line, long long expected, long long actual, const char *what);
void test_check_text(const char *file, int line, const char *expected, backrun_str actual, const char *what);
void test_check_code(const char *file, int line, int32_t expected, int32_t actual, const char *part, const char *what);
backrun_error **test_error_slot(void);

// ---- Views.

backrun_str str(const char *text);
backrun_bytes bytes(const char *text);
bool same(backrun_str text, const char *expected);

// ---- A number that threads wait for.

typedef struct gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int value;
} gate;

#define GATE                                                                                                           \
    { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0 }

void gate_add(gate *gate, int number);
void gate_wait(gate *gate, int at_least);
int gate_value(gate *gate);

// ---- How much.

// As usual, or, where BACKRUN_TORTURE is set, the long form, with 600 s for it.
int usual_or_long(int usual, int long_form);

// ---- Chance.

// Random numbers, for one thread.
typedef struct chance {
    uint64_t state;
} chance;

// Begins elsewhere for each `number`; the same on each run, unless BACKRUN_STRESS_SEED says where all begin.
chance chance_of(uint64_t number);
unsigned chance_below(chance *chance, unsigned limit);

// ---- Threads.

pthread_t start_thread(void *(*body)(void *), void *argument);
void join_thread(pthread_t thread);

// ---- Engines. Each of these must succeed.

// Every default, and this many workers, which are held as long as a test likes and get no replacement.
backrun_engine_options options_with(uint32_t workers);
backrun_engine *engine_of(backrun_engine_options options);
backrun_engine *engine_with(uint32_t workers);
// An engine whose time passes by `advance` only.
backrun_engine *engine_with_manual_time(uint32_t workers);
void advance(backrun_engine *engine, int64_t ms);
void register_run(backrun_engine *engine, const char *name, backrun_run_fn run, void *user_data);
void register_handler(backrun_engine *engine, const char *name, backrun_handler handler);
// Workers get no replacement, unless `options` say when.
void configure(backrun_engine *engine, backrun_queue_options options);
backrun_submission submission_of(const char *name);
int64_t submit(backrun_engine *engine, const char *name);
int64_t submit_one(backrun_engine *engine, backrun_submission submission);
uint32_t wait_for_end(backrun_engine *engine, int64_t id);
uint32_t state_of(backrun_engine *engine, int64_t id);
uint32_t cancel(backrun_engine *engine, int64_t id);
uint64_t stat_of(backrun_engine *engine, uint32_t stat);
// Waits until a task is in this state, which need not be a final one.
void await_state(backrun_engine *engine, int64_t id, uint32_t state);
void await_stat(backrun_engine *engine, uint32_t stat, uint64_t at_least);
backrun_task_status *status_of(backrun_engine *engine, int64_t id);
void settle(backrun_engine *engine, int64_t id, int64_t lease, int32_t code);
// Shuts down by draining, without limit, and frees.
void finish(backrun_engine *engine);

// ---- A handler that does nothing, one that is a test's own code, and one that holds its worker until it may leave.

int32_t run_done(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state);

// Runs `body` inside a run of `engine`, and waits until that has ended.
void inside_run(backrun_engine *engine, void (*body)(backrun_task *task, void *argument), void *argument);

typedef struct hold {
    gate entered;   // one for each run that has begun
    gate may_leave; // at least 1: every run may end
    gate left;      // one for each run that has ended
    gate released;  // one for each release of the handler
    int32_t result;
    int64_t id, lease; // of the last run that began
} hold;

#define HOLD                                                                                                           \
    { .entered = GATE, .may_leave = GATE, .left = GATE, .released = GATE }

int32_t run_hold(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state);
void release_hold(void *user_data);
// Registers it as `name`.
void register_hold(backrun_engine *engine, const char *name, hold *hold);

// ---- An observer that remembers what it was told, in order.

enum { MEMORY = 4096 };

typedef struct told {
    uint32_t kind;
    int64_t id;
    int64_t lease;
    uint32_t attempt;
    uint32_t state;
    int32_t code;
    uint64_t count;
    int64_t time_unix_us, run_at_unix_us;
    char name[64];
    char queue[64];
    char error_type[64];
    char message[512];
    char detail[64];
} told;

typedef struct memory {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t count;
    told all[MEMORY];
} memory;

// Of the heap, so that it is not on a stack; free() it after the engine.
memory *memory_new(void);
// Is an on_event; `user_data`: a memory.
void remember(void *user_data, const backrun_event *events, size_t count);
// An engine whose events are remembered.
backrun_engine *engine_remembered(memory *memory, uint32_t workers);
// Waits until an event of this kind and task has come, and gives a copy; `id` 0: of any task.
told await_event(memory *memory, uint32_t kind, int64_t id);
// How many events of this kind (0: any) and task (0: any) have come so far.
size_t count_events(memory *memory, uint32_t kind, int64_t id);

#endif
