// The hot path, for counting instructions: TASKS tasks of 100 bytes are submitted while the only worker is busy, then
// run. `cargo xtask test instructions` runs it under callgrind with two numbers of tasks; the difference is what a task
// costs, start and end of the engine left out. Arguments: TASKS and how many are handed over in one call (1 or 32).

#include "backrun.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int worker_is_busy, all_submitted, all_have_run;
static size_t left_to_run;

static int32_t hold(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state) {
    (void)user_data, (void)task, (void)payload, (void)task_state;
    pthread_mutex_lock(&lock);
    worker_is_busy = 1;
    pthread_cond_signal(&changed);
    while (!all_submitted) {
        pthread_cond_wait(&changed, &lock);
    }
    pthread_mutex_unlock(&lock);
    return BACKRUN_RUN_DONE;
}

// Does nothing but for the last one, which says so.
static int32_t nothing(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state) {
    (void)user_data, (void)task, (void)payload, (void)task_state;
    if (--left_to_run == 0) {
        pthread_mutex_lock(&lock);
        all_have_run = 1;
        pthread_cond_signal(&changed);
        pthread_mutex_unlock(&lock);
    }
    return BACKRUN_RUN_DONE;
}

static void check(int32_t code, backrun_error *error) {
    if (code != BACKRUN_OK) {
        fprintf(stderr, "%s\n", backrun_error_message(error).data);
        exit(1);
    }
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: hot_path TASKS BATCH\n");
        return 2;
    }
    size_t tasks = strtoul(argv[1], NULL, 10), batch = strtoul(argv[2], NULL, 10);
    if (batch < 1 || batch > 32) {
        fprintf(stderr, "BATCH is from 1 to 32\n");
        return 2;
    }
    backrun_engine *engine = NULL;
    backrun_error *error = NULL;
    backrun_engine_options options = {.struct_size = sizeof options, .abi_version = BACKRUN_ABI_VERSION, .workers = 1};
    check(backrun_engine_new(&options, &engine, &error), error);
    const backrun_str hold_name = {"hold", 4}, name = {"Company.Product.ImportContacts", 30};
    backrun_handler handler = {.struct_size = sizeof handler, .run = hold};
    check(backrun_engine_register(engine, hold_name, &handler, NULL, &error), error);
    handler.run = nothing;
    check(backrun_engine_register(engine, name, &handler, NULL, &error), error);

    uint32_t number = 0;
    check(backrun_engine_task_number(engine, name, &number, &error), error);
    uint8_t payload[100] = {0};
    backrun_submission submissions[32] = {{0}};
    for (size_t i = 0; i < 32; i++) {
        submissions[i].struct_size = sizeof submissions[i];
        submissions[i].task_number = number;
        submissions[i].payload = (backrun_bytes){payload, sizeof payload};
    }
    backrun_submission first = {.struct_size = sizeof first, .task_name = hold_name};
    check(backrun_engine_submit(engine, &first, NULL, &error), error);
    pthread_mutex_lock(&lock);
    while (!worker_is_busy) {
        pthread_cond_wait(&changed, &lock);
    }
    pthread_mutex_unlock(&lock);

    left_to_run = tasks;
    for (size_t done = 0; done < tasks; done += batch) {
        if (batch == 1) {
            check(backrun_engine_submit(engine, submissions, NULL, &error), error);
        } else {
            check(backrun_engine_submit_many(engine, submissions, batch, NULL, &error), error);
        }
    }
    pthread_mutex_lock(&lock);
    all_submitted = 1;
    pthread_cond_signal(&changed);
    while (!all_have_run) {
        pthread_cond_wait(&changed, &lock);
    }
    pthread_mutex_unlock(&lock);
    check(backrun_engine_shutdown(engine, BACKRUN_SHUTDOWN_DRAIN, -1, NULL, &error), error);
    backrun_engine_free(engine);
    return 0;
}
