// The SQLite store, through the border: what its options say, submits that do not wait for it, and what one engine
// leaves to the next. That it survives a kill and a power cut is tests/crash.rs.

#include "test.h"

#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

// A file in a folder of its own, which goes with it.
typedef struct store {
    char folder[64];
    char file[80];
} store;

static store store_new(void) {
    store store;
    snprintf(store.folder, sizeof store.folder, "/tmp/backrun-c-XXXXXX");
    CHECK(mkdtemp(store.folder) != NULL);
    snprintf(store.file, sizeof store.file, "%s/tasks.db", store.folder);
    return store;
}

static void store_free(const store *store) {
    DIR *folder = opendir(store->folder);
    CHECK(folder != NULL);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", store->folder, entry->d_name);
        unlink(path);
    }
    closedir(folder);
    CHECK_INT(0, rmdir(store->folder));
}

static backrun_engine_options options_on(const store *store) {
    backrun_engine_options options = options_with(1);
    options.store = BACKRUN_STORE_SQLITE;
    options.store_address = str(store->file);
    options.owner_wait_ms = -1;
    return options;
}

static void refuse(int32_t code, const char *part, backrun_engine_options options) {
    backrun_engine *made = (void *)1;
    FAILS(code, part, backrun_engine_new(&options, &made, E));
    CHECK(made == NULL);
}

// Ends it, and tells how many tasks stay in the store.
static long long leave(backrun_engine *engine) {
    backrun_shutdown_report *report = NULL;
    OK(backrun_engine_shutdown(engine, BACKRUN_SHUTDOWN_CANCEL, -1, &report, E));
    long long queued = (long long)backrun_shutdown_report_queued_count(report);
    backrun_shutdown_report_free(report);
    backrun_engine_free(engine);
    return queued;
}

TEST(what_a_store_cannot_be_is_refused_with_what_is_wrong) {
    store store = store_new();
    backrun_engine_options options = options_on(&store);
    options.store_address = str("");
    refuse(BACKRUN_INVALID_ARGUMENT, "store_address is empty", options);
    options = options_on(&store);
    options.store_address = str("/nowhere/at/all/tasks.db");
    refuse(BACKRUN_STORE, "/nowhere/at/all/tasks.db", options);
    options = options_on(&store);
    options.owner_wait_ms = -2;
    refuse(BACKRUN_INVALID_ARGUMENT, "owner_wait_ms is -2", options);
    options = options_on(&store);
    options.keep_for_ms = -1;
    refuse(BACKRUN_INVALID_ARGUMENT, "keep_for_ms is -1", options);
    options = options_on(&store);
    options.durability = 7;
    refuse(BACKRUN_INVALID_ARGUMENT, "durability is 7", options);
    // A file that is somebody else's is left alone.
    FILE *file = fopen(store.file, "w");
    CHECK(file != NULL && fputs("this is a letter, and no tasks are in it\n", file) >= 0 && fclose(file) == 0);
    refuse(BACKRUN_STORE, NULL, options_on(&store));
    char first[5] = {0};
    file = fopen(store.file, "r");
    CHECK(file != NULL && fread(first, 1, 4, file) == 4 && fclose(file) == 0);
    CHECK_TEXT("this", str(first));
    store_free(&store);
}

TEST(a_store_that_is_in_use_is_refused_and_free_once_its_engine_has_ended) {
    store store = store_new();
    backrun_engine *engine = engine_of(options_on(&store));
    char owner[64];
    snprintf(owner, sizeof owner, "in use by process %d", (int)getpid());
    refuse(BACKRUN_STORE, owner, options_on(&store));
    finish(engine);
    finish(engine_of(options_on(&store)));
    store_free(&store);
}

TEST(a_durable_store_refuses_to_drop_what_it_has_accepted) {
    store store = store_new();
    backrun_engine *engine = engine_of(options_on(&store));
    register_run(engine, "nothing", run_done, NULL);
    backrun_submission submission = submission_of("nothing");
    submission.when_full = BACKRUN_WHEN_FULL_DROP_OLDEST;
    FAILS(BACKRUN_NOT_SUPPORTED, NULL, backrun_engine_submit(engine, &submission, NULL, E));
    backrun_queue_options queue = {
        .struct_size = sizeof queue, .name = str("drops"), .when_full = BACKRUN_WHEN_FULL_DROP_OLDEST};
    FAILS(BACKRUN_NOT_SUPPORTED, NULL, backrun_engine_configure_queue(engine, &queue, E));
    const uint32_t both[] = {BACKRUN_DURABILITY_COMMITTED, BACKRUN_DURABILITY_BUFFERED};
    for (size_t i = 0; i < 2; i++) {
        submission = submission_of("nothing");
        submission.durability = both[i];
        CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, submit_one(engine, submission)));
    }
    finish(engine);
    store_free(&store);
}

typedef struct seen {
    gate runs;
    char payload[16], user[16], header[16];
    uint32_t attempt;
} seen;

static int32_t set_user(void *user_data, backrun_task *task, backrun_bytes user_context, void **task_state) {
    (void)task, (void)task_state;
    seen *seen = user_data;
    CHECK(user_context.len < sizeof seen->user);
    memcpy(seen->user, user_context.data, user_context.len);
    return BACKRUN_RUN_DONE;
}

static int32_t run_seen(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state) {
    (void)task_state;
    seen *seen = user_data;
    CHECK(payload.len < sizeof seen->payload);
    memcpy(seen->payload, payload.data, payload.len);
    backrun_str value = backrun_task_header(task, str("culture"));
    CHECK(value.len < sizeof seen->header);
    if (value.len > 0) {
        memcpy(seen->header, value.data, value.len);
    }
    seen->attempt = backrun_task_attempt(task);
    OK(backrun_task_set_result(task, bytes("result"), E));
    gate_add(&seen->runs, 1);
    return BACKRUN_RUN_DONE;
}

TEST(what_an_engine_leaves_runs_in_the_next_one_with_all_that_it_was_given) {
    store store = store_new();
    backrun_engine *engine = engine_of(options_on(&store));
    OK(backrun_engine_pause(engine, str("default"), E));
    seen seen = {.runs = GATE};
    backrun_handler handler = {
        .struct_size = sizeof handler, .user_data = &seen, .set_user_connection = set_user, .run = run_seen};
    register_handler(engine, "see", handler);
    backrun_header header = {.struct_size = sizeof header, .name = str("culture"), .value = str("de-DE")};
    backrun_submission submission = submission_of("see");
    submission.payload = bytes("payload");
    submission.user_context = bytes("user");
    submission.headers = &header;
    submission.header_count = 1;
    int64_t id = submit_one(engine, submission);
    CHECK_INT(1, leave(engine));
    CHECK_INT(0, gate_value(&seen.runs));

    engine = engine_of(options_on(&store));
    CHECK_INT(BACKRUN_STATE_READY, state_of(engine, id));
    OK(backrun_engine_resume(engine, str("default"), E));
    register_handler(engine, "see", handler);
    gate_wait(&seen.runs, 1);
    await_state(engine, id, BACKRUN_STATE_SUCCEEDED);
    CHECK_TEXT("payload", str(seen.payload));
    CHECK_TEXT("user", str(seen.user));
    CHECK_TEXT("de-DE", str(seen.header));
    CHECK_INT(1, seen.attempt);
    CHECK_INT(0, leave(engine));

    // It has ended, and what came out is known still.
    engine = engine_of(options_on(&store));
    register_handler(engine, "see", handler);
    backrun_task_status *status = status_of(engine, id);
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, backrun_task_status_state(status));
    backrun_bytes result = backrun_task_status_result(status);
    CHECK(result.len == 6 && memcmp(result.data, "result", 6) == 0);
    backrun_task_status_free(status);
    CHECK(submit_one(engine, submission) > id);
    gate_wait(&seen.runs, 2);
    finish(engine);
    store_free(&store);
}

// What the ends that were asked for are told to.
typedef struct end {
    gate told;
    int64_t id;
    uint32_t state;
} end;

static void hear(void *user_data, int64_t id, int64_t lease, uint32_t state) {
    (void)lease;
    end *end = user_data;
    end->id = id;
    end->state = state;
    gate_add(&end->told, 1);
}

TEST(the_end_of_a_task_of_an_earlier_engine_is_told_to_whoever_asked_before_its_handler_came) {
    store store = store_new();
    backrun_engine *engine = engine_of(options_on(&store));
    OK(backrun_engine_pause(engine, str("default"), E));
    register_run(engine, "nothing", run_done, NULL);
    int64_t id = submit(engine, "nothing");
    CHECK_INT(1, leave(engine));
    end end = {.told = GATE};
    backrun_engine_options options = options_on(&store);
    options.on_end = hear;
    options.observer_user_data = &end;
    engine = engine_of(options);
    OK(backrun_engine_resume(engine, str("default"), E));
    uint32_t state = 77;
    int64_t lease = 77;
    OK(backrun_engine_tell_end(engine, id, &state, &lease, E));
    CHECK(state == 0 && lease == 0);
    register_run(engine, "nothing", run_done, NULL);
    gate_wait(&end.told, 1);
    CHECK(end.id == id && end.state == BACKRUN_STATE_SUCCEEDED);
    CHECK_INT(0, leave(engine));
    CHECK_INT(1, gate_value(&end.told));
    store_free(&store);
}

enum { MANY = 3000 };

typedef struct submits {
    gate told;
    backrun_engine *engine; // to be asked for one more task inside the callback; may be NULL
    int32_t code_inside;
    int64_t ids[MANY];
} submits;

static void submitted(void *user_data, int32_t code, int64_t id) {
    submits *submits = user_data;
    int at = gate_value(&submits->told);
    CHECK(code == BACKRUN_OK && at < MANY);
    submits->ids[at] = id;
    if (submits->engine != NULL) {
        backrun_submission submission = submission_of("nothing");
        submits->code_inside = backrun_engine_submit(submits->engine, &submission, NULL, NULL);
    }
    gate_add(&submits->told, 1);
}

TEST(one_thread_has_thousands_of_submits_on_their_way_and_is_told_of_each_in_their_order) {
    store store = store_new();
    backrun_engine *engine = engine_of(options_on(&store));
    register_run(engine, "nothing", run_done, NULL);
    submits *submits = calloc(1, sizeof *submits);
    submits->told = (gate)GATE;
    backrun_submission submission = submission_of("nothing");
    for (int i = 0; i < MANY; i++) {
        OK(backrun_engine_submit_async(engine, &submission, submitted, submits, E));
    }
    gate_wait(&submits->told, MANY);
    for (int i = 0; i < MANY; i++) {
        CHECK(submits->ids[i] > (i == 0 ? 0 : submits->ids[i - 1]));
        CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, submits->ids[i]));
    }
    CHECK_INT(MANY, (long long)stat_of(engine, BACKRUN_STAT_ACCEPTED));
    // What is refused at once is not told of.
    submission = submission_of("nobody");
    FAILS(BACKRUN_NO_HANDLER, "nobody", backrun_engine_submit_async(engine, &submission, submitted, submits, E));
    CHECK_INT(MANY, gate_value(&submits->told));
    finish(engine);
    free(submits);
    store_free(&store);
}

TEST(who_is_told_of_a_submit_is_refused_a_wait_for_the_store) {
    store store = store_new();
    backrun_engine *engine = engine_of(options_on(&store));
    register_run(engine, "nothing", run_done, NULL);
    submits *submits = calloc(1, sizeof *submits);
    submits->told = (gate)GATE;
    submits->engine = engine;
    backrun_submission submission = submission_of("nothing");
    OK(backrun_engine_submit_async(engine, &submission, submitted, submits, E));
    gate_wait(&submits->told, 1);
    CHECK_INT(BACKRUN_WOULD_DEADLOCK, submits->code_inside);
    finish(engine);
    free(submits);
    store_free(&store);
}

TEST(with_the_memory_store_an_asynchronous_submit_is_told_before_it_returns) {
    backrun_engine *engine = engine_with(1);
    register_run(engine, "nothing", run_done, NULL);
    submits *submits = calloc(1, sizeof *submits);
    submits->told = (gate)GATE;
    submits->engine = engine;
    backrun_submission submission = submission_of("nothing");
    OK(backrun_engine_submit_async(engine, &submission, submitted, submits, E));
    CHECK_INT(1, gate_value(&submits->told));
    CHECK_INT(BACKRUN_OK, submits->code_inside);
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, submits->ids[0]));
    finish(engine);
    free(submits);
}

TEST(what_a_killed_process_accepted_runs_in_the_next_one) {
    store store = store_new();
    int ready[2];
    CHECK_INT(0, pipe(ready));
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        backrun_engine *engine = engine_of(options_on(&store));
        hold hold = HOLD;
        register_hold(engine, "task", &hold);
        int64_t ids[2] = {submit(engine, "task"), submit(engine, "task")};
        gate_wait(&hold.entered, 1);
        CHECK(write(ready[1], ids, sizeof ids) == sizeof ids);
        pause();
    }
    int64_t ids[2];
    CHECK(read(ready[0], ids, sizeof ids) == sizeof ids);
    CHECK_INT(0, kill(child, SIGKILL));
    int how = 0;
    CHECK(waitpid(child, &how, 0) == child && WIFSIGNALED(how));
    backrun_engine *engine = engine_of(options_on(&store));
    seen seen = {.runs = GATE};
    register_run(engine, "task", run_seen, &seen);
    gate_wait(&seen.runs, 2);
    await_state(engine, ids[0], BACKRUN_STATE_SUCCEEDED);
    await_state(engine, ids[1], BACKRUN_STATE_SUCCEEDED);
    CHECK_INT(0, leave(engine));
    close(ready[0]), close(ready[1]);
    store_free(&store);
}

static backrun_encryption_key key_of(const char *id, const char *secret) {
    return (backrun_encryption_key){
        .struct_size = sizeof(backrun_encryption_key), .id = str(id), .secret = bytes(secret)};
}

#define SECRET_1 "0123456789abcdef0123456789abcdef"
#define SECRET_2 "fedcba9876543210fedcba9876543210"

TEST(encryption_keys_are_taken_in_their_order_and_a_missing_or_wrong_one_is_named) {
    store store = store_new();
    backrun_engine_options options = options_on(&store);
    backrun_encryption_key keys[2] = {key_of("k1", SECRET_1)};
    options.encryption_keys = keys;
    options.encryption_key_count = 1;
    options.flags = BACKRUN_ENGINE_ENCRYPTION_REQUIRED;
    backrun_engine *engine = engine_of(options);
    register_run(engine, "task", run_done, NULL);
    OK(backrun_engine_pause(engine, str(""), E));
    int64_t id = submit(engine, "task");
    CHECK_INT(1, leave(engine));
    refuse(BACKRUN_STORE, "'k1', which was not given", options_on(&store));
    keys[0] = key_of("k1", SECRET_2);
    refuse(BACKRUN_STORE, "'k1' is not the one", options);
    keys[0] = key_of("k2", SECRET_2), keys[1] = key_of("k1", SECRET_1);
    options.encryption_key_count = 2;
    engine = engine_of(options);
    register_run(engine, "task", run_done, NULL);
    OK(backrun_engine_resume(engine, str(""), E));
    await_state(engine, id, BACKRUN_STATE_SUCCEEDED);
    CHECK_INT(0, leave(engine));
    store_free(&store);
}

TEST(keys_that_are_none_are_refused_by_their_field) {
    store store = store_new();
    backrun_engine_options options = options_on(&store);
    backrun_encryption_key key = key_of("k", "too short");
    options.encryption_key_count = 1;
    refuse(BACKRUN_INVALID_ARGUMENT, "NULL", options);
    options.encryption_keys = &key;
    refuse(BACKRUN_INVALID_ARGUMENT, "'k' has 9 bytes; pass 32", options);
    options.encryption_key_count = 0;
    refuse(BACKRUN_INVALID_ARGUMENT, "0 encryption keys", options);
    key = key_of("k 1", SECRET_1);
    options.encryption_key_count = 1;
    refuse(BACKRUN_INVALID_ARGUMENT, "'k 1'", options);
    key = key_of("k", SECRET_1);
    key.reserved = 1;
    refuse(BACKRUN_INVALID_ARGUMENT, "backrun_encryption_key.reserved", options);
    key.struct_size = 8;
    refuse(BACKRUN_INVALID_ARGUMENT, "backrun_encryption_key.struct_size", options);
    backrun_encryption_key twice[2] = {key_of("k", SECRET_1), key_of("k", SECRET_2)};
    options.encryption_keys = twice;
    options.encryption_key_count = 2;
    refuse(BACKRUN_INVALID_ARGUMENT, "two encryption keys have the id 'k'", options);
    options = options_with(1);
    options.encryption_keys = twice;
    options.encryption_key_count = 1;
    refuse(BACKRUN_NOT_SUPPORTED, "backrun_engine_options.encryption_keys", options);
    options = options_on(&store);
    options.flags = BACKRUN_ENGINE_ENCRYPTION_REQUIRED;
    refuse(BACKRUN_INVALID_ARGUMENT, "encryption_keys is NULL", options);
    store_free(&store);
}
