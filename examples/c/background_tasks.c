// Background tasks in C, from the first call to the last. Read it from main down to see what happens, then upwards.
//
// Standard output is what happened, always in this order (background_tasks.expected); the engine's log goes to standard
// error.

#include "backrun.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// What the callbacks share with main. Several threads use it, so there is a lock.
typedef struct application {
    backrun_engine *engine;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int figures_are_in;
    unsigned events[BACKRUN_EVENT_EVENTS_LOST + 1];
    pthread_t courier;
    int64_t mail_id, mail_lease;
} application;

// Every fallible call answers BACKRUN_OK or a code, and then gives an error with a message, which is ours to free.
static void check(int32_t code, backrun_error *error, const char *doing) {
    if (code != BACKRUN_OK) {
        fprintf(stderr, "%s: %s (code %d)\n", doing, backrun_error_message(error).data, (int)code);
        backrun_error_free(error);
        exit(1);
    }
}

static backrun_str text(const char *literal) {
    return (backrun_str){literal, strlen(literal)};
}

// ---- Payloads are MessagePack. A text of up to 31 bytes is one byte 0xA0 + length and the bytes.

typedef struct packed {
    uint8_t bytes[32];
    size_t len;
} packed;

static packed pack(const char *text_up_to_31_bytes) {
    packed result = {{0}, strlen(text_up_to_31_bytes) + 1};
    result.bytes[0] = (uint8_t)(0xA0 | (result.len - 1));
    memcpy(result.bytes + 1, text_up_to_31_bytes, result.len - 1);
    return result;
}

static backrun_str unpack(backrun_bytes payload) {
    if (payload.len == 0 || payload.data[0] != (0xA0 | (payload.len - 1)) || payload.len > 32) {
        return text("(not a short text)");
    }
    return (backrun_str){(const char *)payload.data + 1, payload.len - 1};
}

// ---- The handler "import-contacts": runs on behalf of a user.

typedef struct connection {
    char user[32];
} connection;

// Called before `run`, on the same thread, if the task has a user context. What it leaves in `task_state` is run's to
// end.
static int32_t open_connection(void *user_data, backrun_task *task, backrun_bytes user_context, void **task_state) {
    (void)user_data;
    connection *opened = calloc(1, sizeof *opened);
    if (opened == NULL || user_context.len >= sizeof opened->user) {
        free(opened);
        backrun_task_fail(task, text("no connection for this user"), NULL);
        return BACKRUN_RUN_FAILED;
    }
    memcpy(opened->user, user_context.data, user_context.len);
    *task_state = opened;
    return BACKRUN_RUN_DONE;
}

// Called instead of `run` where `run` does not follow after all.
static void close_connection(void *user_data, void *task_state) {
    (void)user_data;
    free(task_state);
}

static int32_t import_contacts(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state) {
    (void)user_data;
    connection *opened = task_state; // NULL for a task without user context
    backrun_str file = unpack(payload);
    int32_t result = BACKRUN_RUN_DONE;
    if (file.len > 0 && file.data[0] == '!') {
        backrun_task_fail(task, text("the file is damaged"), NULL);
        result = BACKRUN_RUN_FAILED;
    } else {
        printf("import: %.*s for %s\n", (int)file.len, file.data, opened != NULL ? opened->user : "nobody");
    }
    free(opened);
    return result;
}

// ---- The handler "yearly-report": takes as long as main wants it to.

static int32_t yearly_report(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state) {
    application *app = user_data;
    (void)task, (void)task_state;
    pthread_mutex_lock(&app->lock);
    while (!app->figures_are_in) {
        pthread_cond_wait(&app->changed, &app->lock);
    }
    pthread_mutex_unlock(&app->lock);
    backrun_str year = unpack(payload);
    printf("report: %.*s is written\n", (int)year.len, year.data);
    return BACKRUN_RUN_DONE;
}

// ---- The handler "send-mail": goes on elsewhere, without holding a worker.

static void *deliver(void *argument) {
    application *app = argument;
    printf("courier: delivered\n");
    backrun_outcome outcome = {.struct_size = sizeof outcome, .code = BACKRUN_RUN_DONE};
    backrun_error *error = NULL;
    check(backrun_task_settle(app->engine, app->mail_id, app->mail_lease, &outcome, &error), error, "settle");
    return NULL;
}

static int32_t send_mail(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state) {
    application *app = user_data;
    (void)payload, (void)task_state;
    app->mail_id =
        backrun_task_id(task); // The task itself is valid in this call only; these two name its run for ever.
    app->mail_lease = backrun_task_lease(task);
    printf("mail: handed to the courier\n");
    pthread_mutex_lock(&app->lock);
    int failed = pthread_create(&app->courier, NULL, deliver, app);
    pthread_mutex_unlock(&app->lock);
    if (failed) {
        backrun_task_fail(task, text("no courier"), NULL);
        return BACKRUN_RUN_FATAL;
    }
    return BACKRUN_RUN_PENDING; // The courier may have settled it already: that is fine.
}

// ---- Observers: called on a thread of the engine's own, in batches; they must return promptly.

static void count_events(void *user_data, const backrun_event *events, size_t count) {
    application *app = user_data;
    pthread_mutex_lock(&app->lock);
    for (size_t i = 0; i < count; i++) { // One step is struct_size: a later library may have a longer struct.
        const backrun_event *event = (const void *)((const char *)events + i * events->struct_size);
        if (event->kind <= BACKRUN_EVENT_EVENTS_LOST) {
            app->events[event->kind]++;
        }
    }
    pthread_mutex_unlock(&app->lock);
}

static void print_log(void *user_data, const backrun_log_record *records, size_t count) {
    (void)user_data;
    for (size_t i = 0; i < count; i++) {
        const backrun_log_record *record = (const void *)((const char *)records + i * records->struct_size);
        fprintf(stderr, "log %u: %.*s\n", record->level, (int)record->message.len, record->message.data);
    }
}

// ---- What main does with the engine.

static void register_handler(application *app, const char *name, backrun_handler handler) {
    handler.struct_size = sizeof handler;
    handler.user_data = app;
    backrun_error *error = NULL;
    check(backrun_engine_register(app->engine, text(name), &handler, NULL, &error), error, name);
}

static int64_t submit(application *app, const char *name, const char *parameters, const char *user) {
    packed payload = pack(parameters);
    backrun_submission submission = {
        .struct_size = sizeof submission,
        .task_name = text(name),
        .payload = {payload.bytes, payload.len},
        .user_context = {(const uint8_t *)user, strlen(user)},
    };
    int64_t id = 0;
    backrun_error *error = NULL;
    check(backrun_engine_submit(app->engine, &submission, &id, &error), error, "submit");
    return id;
}

static void wait_and_print(application *app, int64_t id) {
    backrun_task_status *status = NULL;
    backrun_error *error = NULL;
    check(backrun_engine_wait(app->engine, id, -1, &status, &error), error, "wait");
    backrun_str name = backrun_task_status_name(status), message = backrun_task_status_error_message(status);
    switch (backrun_task_status_state(status)) {
    case BACKRUN_STATE_SUCCEEDED:
        printf("%.*s succeeded\n", (int)name.len, name.data);
        break;
    case BACKRUN_STATE_DEAD:
        printf("%.*s failed: %.*s\n", (int)name.len, name.data, (int)message.len, message.data);
        break;
    default:
        printf("%.*s was cancelled\n", (int)name.len, name.data);
    }
    backrun_task_status_free(status);
}

int main(void) {
    application app = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    backrun_error *error = NULL;

    // One worker, so that what follows comes in order. Everything that is not named is 0, the default.
    backrun_engine_options options = {
        .struct_size = sizeof options,
        .abi_version = BACKRUN_ABI_VERSION,
        .workers = 1,
        .on_log = print_log,
        .on_event = count_events,
        .observer_user_data = &app,
    };
    check(backrun_engine_new(&options, &app.engine, &error), error, "start");
    register_handler(&app, "import-contacts",
        (backrun_handler){
            .set_user_connection = open_connection, .run = import_contacts, .drop_task_state = close_connection});
    register_handler(&app, "yearly-report", (backrun_handler){.run = yearly_report});
    register_handler(&app, "send-mail", (backrun_handler){.run = send_mail});

    // A task on behalf of a user, and one that fails.
    wait_and_print(&app, submit(&app, "import-contacts", "contacts.csv", "anna"));
    wait_and_print(&app, submit(&app, "import-contacts", "!damaged.csv", "anna"));

    // Two reports: the only worker is busy with the first, so the second is queued and can be cancelled.
    int64_t first = submit(&app, "yearly-report", "2024", ""), second = submit(&app, "yearly-report", "2025", "");
    uint32_t met = 0;
    check(backrun_engine_cancel(app.engine, second, text("not needed"), &met, &error), error, "cancel");
    printf("cancel met a %s task\n", met == BACKRUN_CANCEL_QUEUED ? "queued" : "running or ended");
    pthread_mutex_lock(&app.lock);
    app.figures_are_in = 1;
    pthread_cond_broadcast(&app.changed);
    pthread_mutex_unlock(&app.lock);
    wait_and_print(&app, first);
    wait_and_print(&app, second);

    // A pending run: the worker is free while the courier is on the way.
    wait_and_print(&app, submit(&app, "send-mail", "hello", ""));
    pthread_mutex_lock(&app.lock);
    pthread_t courier = app.courier;
    pthread_mutex_unlock(&app.lock);
    pthread_join(courier, NULL);

    // Shut down: what is queued is still run, up to ten seconds. After BACKRUN_OK no callback comes any more.
    submit(&app, "import-contacts", "leads.csv", "");
    backrun_shutdown_report *report = NULL;
    int32_t ended = backrun_engine_shutdown(app.engine, BACKRUN_SHUTDOWN_DRAIN, 10000, &report, &error);
    printf("shutdown: %zu still running, %llu cancelled\n", backrun_shutdown_report_running_count(report),
        (unsigned long long)backrun_shutdown_report_queued_count(report));
    backrun_shutdown_report_free(report);
    check(ended, error, "shut down");
    backrun_engine_free(app.engine);

    printf("events: %u accepted, %u started, %u succeeded, %u failed, %u cancelled\n",
        app.events[BACKRUN_EVENT_ACCEPTED], app.events[BACKRUN_EVENT_STARTED], app.events[BACKRUN_EVENT_SUCCEEDED],
        app.events[BACKRUN_EVENT_RUN_FAILED], app.events[BACKRUN_EVENT_CANCELLED]);
    return 0;
}
