#include "storm.h"

// ---- How many.

int storm_tasks(int usual) {
    const char *number = getenv("BACKRUN_STORM_TASKS");
    if (number != NULL) {
        return atoi(number);
    }
    return usual_or_long(usual, 1000 * 1000);
}

// ---- Books.

static book *book_of(storm *storm, int64_t id) {
    CHECK(id > 0 && id <= storm->most_ids);
    return &storm->books[id];
}

static void say(storm *storm, int64_t id, enum said said) {
    atomic_store(&book_of(storm, id)->said, (unsigned char)said);
}

static void note_given(storm *storm, int64_t id) {
    CHECK_INT(0, atomic_exchange(&book_of(storm, id)->given, 1));
    atomic_fetch_add(&storm->accepted, 1);
}

static void note_refused(storm *storm, int32_t code, int count) {
    CHECK(code == BACKRUN_QUEUE_FULL || code == BACKRUN_SHUTTING_DOWN);
    atomic_fetch_add(&storm->refused, count);
    if (code == BACKRUN_SHUTTING_DOWN) {
        atomic_store(&storm->closed, true);
    }
}

storm *storm_new(int tasks) {
    storm *made = calloc(1, sizeof *made);
    CHECK(made != NULL);
    made->most_ids = 2 * (int64_t)tasks + 1000;
    made->books = calloc((size_t)made->most_ids + 1, sizeof *made->books);
    made->pending = calloc((size_t)made->most_ids + 1, sizeof *made->pending);
    CHECK(made->books != NULL && made->pending != NULL);
    pthread_mutex_init(&made->lock, NULL);
    pthread_cond_init(&made->changed, NULL);
    return made;
}

void storm_free(storm *storm) {
    backrun_engine_free(storm->engine);
    free(storm->books);
    free(storm->pending);
    free(storm);
}

// ---- Payloads: each says by its bytes how long it is.

enum { LARGEST = 40 * 1024 };

static uint8_t patterns[256][LARGEST];

__attribute__((constructor)) static void make_patterns(void) {
    for (size_t start = 0; start < 256; start++) {
        for (size_t i = 0; i < LARGEST; i++) {
            patterns[start][i] = (uint8_t)(start + i * 7);
        }
    }
}

static backrun_bytes any_payload(chance *chance) {
    size_t len = chance_below(chance, 1000) == 0 ? chance_below(chance, LARGEST) : chance_below(chance, 60);
    return (backrun_bytes){patterns[len % 256], len};
}

static void check_payload(backrun_bytes payload) {
    CHECK(payload.len < LARGEST);
    CHECK(payload.len == 0 || memcmp(payload.data, patterns[payload.len % 256], payload.len) == 0);
}

// ---- Runs.

static void hand_to_settlers(storm *storm, int64_t id, int64_t lease, bool late) {
    pthread_mutex_lock(&storm->lock);
    storm->pending[storm->pending_count++] = (pending_run){id, lease, late};
    pthread_cond_signal(&storm->changed);
    pthread_mutex_unlock(&storm->lock);
}

static int32_t settle_as(storm *storm, int64_t id, int64_t lease, int32_t code) {
    backrun_outcome outcome = {.struct_size = sizeof outcome, .code = code};
    int32_t result = backrun_task_settle(storm->engine, id, lease, &outcome, NULL);
    if (result == BACKRUN_STALE_LEASE) {
        atomic_fetch_add(&storm->stale, 1);
    }
    return result;
}

static void submit_leaf(storm *storm) {
    backrun_submission submission = submission_of("leaf");
    submission.payload = (backrun_bytes){patterns[3], 3};
    int64_t id = 0;
    int32_t code = backrun_engine_submit(storm->engine, &submission, &id, NULL);
    if (code == BACKRUN_OK) {
        note_given(storm, id);
    } else {
        note_refused(storm, code, 1);
    }
}

static void begin(storm *storm, backrun_task *task, backrun_bytes payload, void *task_state) {
    int64_t id = backrun_task_id(task);
    CHECK_INT(0, atomic_fetch_add(&book_of(storm, id)->runs, 1));
    CHECK_INT(1, backrun_task_attempt(task));
    check_payload(payload);
    if (task_state != NULL) {
        CHECK(*(int64_t *)task_state == id);
        free(task_state);
        atomic_fetch_sub(&storm->states_of_users, 1);
    }
}

static int32_t run_leaf(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state) {
    begin(user_data, task, payload, task_state);
    say(user_data, backrun_task_id(task), SAID_DONE);
    return BACKRUN_RUN_DONE;
}

static int32_t run_any(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state) {
    storm *storm = user_data;
    int64_t id = backrun_task_id(task), lease = backrun_task_lease(task);
    begin(storm, task, payload, task_state);
    chance chance = {(uint64_t)id};
    switch (chance_below(&chance, 16)) {
    case 0:
        OK(backrun_task_fail(task, str("as chance would have it"), E));
        say(storm, id, SAID_FAILED);
        return BACKRUN_RUN_FAILED;
    case 1:
        say(storm, id, SAID_FAILED);
        return BACKRUN_RUN_FATAL;
    case 2:
        submit_leaf(storm);
        break;
    case 3: // Settled before it returns: that counts, and only the first time.
        say(storm, id, SAID_FAILED);
        CHECK_INT(BACKRUN_STALE_LEASE, settle_as(storm, id, lease + 1, BACKRUN_RUN_DONE));
        CHECK_INT(BACKRUN_OK, settle_as(storm, id, lease, BACKRUN_RUN_FAILED));
        CHECK_INT(BACKRUN_STALE_LEASE, settle_as(storm, id, lease, BACKRUN_RUN_DONE));
        return BACKRUN_RUN_DONE;
    case 4:
    case 5:
        hand_to_settlers(storm, id, lease, false);
        return BACKRUN_RUN_PENDING;
    case 6:
        hand_to_settlers(storm, id, lease, true);
        break;
    case 7:
        if (backrun_task_is_cancelled(task)) {
            say(storm, id, SAID_CANCELLED);
            return BACKRUN_RUN_CANCELLED;
        }
        break;
    default:
        break;
    }
    say(storm, id, SAID_DONE);
    return BACKRUN_RUN_DONE;
}

static int32_t connect(void *user_data, backrun_task *task, backrun_bytes user_context, void **task_state) {
    storm *storm = user_data;
    check_payload(user_context);
    atomic_store(&book_of(storm, backrun_task_id(task))->connected, 1);
    int64_t *state = malloc(sizeof *state);
    CHECK(state != NULL);
    *state = backrun_task_id(task);
    *task_state = state;
    atomic_fetch_add(&storm->states_of_users, 1);
    return BACKRUN_RUN_DONE;
}

static void drop_state(void *user_data, void *task_state) {
    storm *storm = user_data;
    free(task_state);
    atomic_fetch_sub(&storm->states_of_users, 1);
}

static void count_release(void *user_data) {
    storm *storm = user_data;
    atomic_fetch_add(&storm->released, 1);
}

void *storm_settle(void *argument) {
    storm *storm = argument;
    pthread_mutex_lock(&storm->lock);
    for (;;) {
        if (storm->pending_first < storm->pending_count) {
            pending_run run = storm->pending[storm->pending_first++];
            pthread_mutex_unlock(&storm->lock);
            bool fails = !run.late && run.id % 3 == 0;
            if (run.late) {
                int32_t code = settle_as(storm, run.id, run.lease, BACKRUN_RUN_DONE);
                CHECK(code == BACKRUN_OK || code == BACKRUN_STALE_LEASE);
            } else {
                say(storm, run.id, fails ? SAID_FAILED : SAID_DONE);
                CHECK_INT(BACKRUN_STALE_LEASE, settle_as(storm, run.id, run.lease - 1, BACKRUN_RUN_FATAL));
                CHECK_INT(
                    BACKRUN_OK, settle_as(storm, run.id, run.lease, fails ? BACKRUN_RUN_FAILED : BACKRUN_RUN_DONE));
            }
            CHECK_INT(BACKRUN_STALE_LEASE, settle_as(storm, run.id, run.lease, BACKRUN_RUN_FATAL));
            pthread_mutex_lock(&storm->lock);
        } else if (storm->over) {
            break;
        } else {
            pthread_cond_wait(&storm->changed, &storm->lock);
        }
    }
    pthread_mutex_unlock(&storm->lock);
    return NULL;
}

void storm_settlers_may_end(storm *storm) {
    pthread_mutex_lock(&storm->lock);
    storm->over = true;
    pthread_cond_broadcast(&storm->changed);
    pthread_mutex_unlock(&storm->lock);
}

// ---- The engine.

const char *const STORM_QUEUES[4] = {"default", "dropping", "waiting", "narrow"};

static void tally_events(void *user_data, const backrun_event *events, size_t count) {
    storm *storm = user_data;
    for (size_t i = 0; i < count; i++) {
        const backrun_event *event = (const void *)((const char *)events + i * events->struct_size);
        CHECK(event->kind <= BACKRUN_EVENT_EVENTS_LOST);
        atomic_fetch_add(&storm->told[event->kind], (long long)event->count);
    }
}

static void hear_of_end(void *user_data, int64_t id, int64_t lease, uint32_t state) {
    book *book = book_of(user_data, id);
    CHECK(lease >= 0 && state != 0);
    book->end = (unsigned char)state;
    atomic_fetch_add(&book->ended, 1);
}

void storm_start(storm *storm, bool observed) {
    backrun_engine_options options = options_with(2);
    options.on_end = hear_of_end;
    options.observer_user_data = storm;
    if (observed) {
        storm->is_observed = true;
        options.on_event = tally_events;
        options.observer_capacity = 100 * 1000 * 1000; // None may be lost.
    }
    // Every end is looked at afterwards.
    options.keep_finished = options.keep_dead = storm->most_ids;
    storm->engine = engine_of(options);
    configure(storm->engine,
        (backrun_queue_options){
            .name = str("dropping"), .workers = 1, .capacity = 64, .when_full = BACKRUN_WHEN_FULL_DROP_OLDEST});
    configure(storm->engine,
        (backrun_queue_options){
            .name = str("waiting"), .capacity = 64, .when_full = BACKRUN_WHEN_FULL_WAIT, .when_full_timeout_ms = -1});
    configure(storm->engine, (backrun_queue_options){.name = str("narrow"), .concurrency_limit = 1, .capacity = 500});
    const backrun_handler handler = {.user_data = storm,
        .run = run_any,
        .set_user_connection = connect,
        .drop_task_state = drop_state,
        .release = count_release};
    register_handler(storm->engine, "any", handler);
    register_handler(
        storm->engine, "leaf", (backrun_handler){.user_data = storm, .run = run_leaf, .release = count_release});
}

// Mostly the one with room for all.
static const char *any_queue(chance *chance) {
    unsigned which = chance_below(chance, 16);
    return STORM_QUEUES[which < 4 ? which : 0];
}

static backrun_submission any_submission(chance *chance) {
    static const backrun_header header = {
        .struct_size = sizeof header, .name = {"traceparent", 11}, .value = {"00-4bf92f3577b34da6", 19}};
    backrun_submission submission = submission_of("any");
    submission.payload = any_payload(chance);
    submission.queue = str(any_queue(chance));
    submission.priority = (int32_t)chance_below(chance, 5) - 2;
    if (chance_below(chance, 16) == 0) {
        submission.user_context = (backrun_bytes){patterns[20], 20};
    }
    if (chance_below(chance, 16) == 0) {
        submission.headers = &header;
        submission.header_count = 1;
    }
    return submission;
}

int64_t storm_submit(storm *storm, chance *chance) {
    backrun_submission submission = any_submission(chance);
    int64_t id = 0;
    int32_t code = backrun_engine_submit(storm->engine, &submission, &id, NULL);
    if (code != BACKRUN_OK) {
        CHECK_INT(0, id);
        note_refused(storm, code, 1);
        return 0;
    }
    note_given(storm, id);
    return id;
}

int storm_submit_many(storm *storm, chance *chance, int count, int64_t *last_id) {
    backrun_submission all[32];
    int64_t ids[32];
    CHECK(count <= 32);
    bool together = chance_below(chance, 8) != 0;
    const char *queue = any_queue(chance);
    for (int i = 0; i < count; i++) {
        all[i] = any_submission(chance);
        all[i].queue = together ? str(queue) : all[i].queue;
        // Refusing, so that it does not matter which of the queues is full.
        all[i].when_full = BACKRUN_WHEN_FULL_REFUSE;
    }
    int32_t code = backrun_engine_submit_many(storm->engine, all, (size_t)count, ids, NULL);
    if (code != BACKRUN_OK) {
        CHECK_INT(0, ids[0]);
        note_refused(storm, code, count);
        return 0;
    }
    for (int i = 0; i < count; i++) {
        note_given(storm, ids[i]);
    }
    *last_id = ids[count - 1];
    return count;
}

typedef struct watch {
    storm *storm;
    int64_t id;
} watch;

static void hear(void *user_data, int32_t code, const backrun_task_status *status) {
    watch *watch = user_data;
    CHECK_INT(BACKRUN_OK, code);
    CHECK_INT(watch->id, backrun_task_status_id(status));
    CHECK_INT(1, backrun_task_status_is_final(status));
    atomic_fetch_add(&book_of(watch->storm, watch->id)->heard, 1);
    free(watch);
}

void storm_watch(storm *storm, int64_t id) {
    watch *made = malloc(sizeof *made);
    CHECK(made != NULL);
    *made = (watch){storm, id};
    int32_t code = backrun_engine_watch(storm->engine, id, hear, made, NULL);
    if (code == BACKRUN_OK) {
        atomic_fetch_add(&book_of(storm, id)->watched, 1);
    } else {
        CHECK_INT(BACKRUN_SHUTTING_DOWN, code); // It has ended already, and so has the engine.
        free(made);
    }
}

void storm_ask(storm *storm, int64_t id) {
    uint32_t state = 0;
    OK(backrun_engine_tell_end(storm->engine, id, &state, NULL, E));
    if (state == 0) {
        book_of(storm, id)->asked = 1;
    }
}

// ---- The end.

typedef struct ends {
    long long succeeded, dead, cancelled, dropped, ran;
} ends;

static void check_end(storm *storm, int64_t id, const book *book, ends *ends) {
    backrun_task_status *status = NULL;
    OK(backrun_engine_wait(storm->engine, id, 0, &status, E));
    uint32_t state = backrun_task_status_state(status);
    int64_t started = backrun_task_status_started_at(status);
    int64_t finished = backrun_task_status_finished_at(status);
    CHECK(finished >= backrun_task_status_submitted_at(status) && (started == 0 || started <= finished));
    CHECK(book->ended == 0 || book->end == state);
    bool began = book->runs || book->connected; // One that is cancelled while its user is connected is not run.
    if (book->said == SAID_DONE || book->said == SAID_FAILED) {
        CHECK_INT(1, backrun_task_status_attempt(status));
    } else { // An attempt that a shutdown interrupted does not count.
        CHECK(backrun_task_status_attempt(status) <= began);
    }
    backrun_task_status_free(status);
    ends->succeeded += state == BACKRUN_STATE_SUCCEEDED;
    ends->dead += state == BACKRUN_STATE_DEAD;
    ends->cancelled += state == BACKRUN_STATE_CANCELLED;
    ends->dropped += state == BACKRUN_STATE_DROPPED;
    ends->ran += began;
    switch ((enum said)book->said) {
    case NEVER_RAN:
        CHECK(book->runs == 0 && (state == BACKRUN_STATE_CANCELLED || state == BACKRUN_STATE_DROPPED));
        break;
    case SAID_DONE:
        CHECK_INT(BACKRUN_STATE_SUCCEEDED, state);
        break;
    case SAID_FAILED:
        CHECK_INT(BACKRUN_STATE_DEAD, state);
        break;
    case SAID_CANCELLED:
        CHECK_INT(BACKRUN_STATE_CANCELLED, state);
        break;
    }
}

#define CHECK_STAT(expected, stat) CHECK_INT((long long)(expected), (long long)stat_of(storm->engine, (stat)))

static void check_events(storm *storm) {
    static const uint32_t stats[][2] = {
        {BACKRUN_EVENT_ACCEPTED, BACKRUN_STAT_ACCEPTED},
        {BACKRUN_EVENT_STARTED, BACKRUN_STAT_STARTED},
        {BACKRUN_EVENT_SUCCEEDED, BACKRUN_STAT_SUCCEEDED},
        {BACKRUN_EVENT_RUN_FAILED, BACKRUN_STAT_RUNS_FAILED},
        {BACKRUN_EVENT_DEAD, BACKRUN_STAT_DEAD},
        {BACKRUN_EVENT_CANCELLED, BACKRUN_STAT_CANCELLED},
        {BACKRUN_EVENT_DROPPED, BACKRUN_STAT_DROPPED},
        {BACKRUN_EVENT_INTERRUPTED, BACKRUN_STAT_INTERRUPTED},
        {BACKRUN_EVENT_EVENTS_LOST, BACKRUN_STAT_EVENTS_LOST},
    };
    for (size_t i = 0; i < sizeof stats / sizeof stats[0]; i++) {
        CHECK_STAT(atomic_load(&storm->told[stats[i][0]]), stats[i][1]);
    }
    CHECK_STAT(0, BACKRUN_STAT_EVENTS_LOST);
    // A submit or an outcome may come after the shutdown: it is counted, and nobody is left to be told of it.
    CHECK(atomic_load(&storm->told[BACKRUN_EVENT_REFUSED]) <= (long long)stat_of(storm->engine, BACKRUN_STAT_REFUSED));
    CHECK(atomic_load(&storm->told[BACKRUN_EVENT_STALE_SETTLE]) <=
          (long long)stat_of(storm->engine, BACKRUN_STAT_STALE_SETTLES));
}

void storm_check(storm *storm, bool whole) {
    ends ends = {0};
    long long given = 0;
    for (int64_t id = 1; id <= storm->most_ids; id++) {
        const book *book = &storm->books[id];
        if (book->given) {
            check_end(storm, id, book, &ends);
            given++;
        } else {
            CHECK_INT(0, book->runs);
        }
        CHECK_INT(book->watched, book->heard);
        CHECK_INT(book->asked, book->ended);
    }
    CHECK_INT(atomic_load(&storm->accepted), given);
    CHECK_INT(given, ends.succeeded + ends.dead + ends.cancelled + ends.dropped);
    CHECK_STAT(given, BACKRUN_STAT_ACCEPTED);
    CHECK_STAT(atomic_load(&storm->refused), BACKRUN_STAT_REFUSED);
    CHECK_STAT(ends.succeeded, BACKRUN_STAT_SUCCEEDED);
    CHECK_STAT(ends.dead, BACKRUN_STAT_DEAD);
    CHECK_STAT(ends.dead, BACKRUN_STAT_RUNS_FAILED);
    CHECK_STAT(ends.cancelled, BACKRUN_STAT_CANCELLED);
    CHECK_STAT(ends.dropped, BACKRUN_STAT_DROPPED);
    CHECK_STAT(atomic_load(&storm->stale), BACKRUN_STAT_STALE_SETTLES);
    CHECK_STAT(ends.ran, BACKRUN_STAT_STARTED);
    if (whole) {
        CHECK_STAT(0, BACKRUN_STAT_INTERRUPTED);
    }
    const uint32_t now[] = {BACKRUN_STAT_READY, BACKRUN_STAT_READY_BYTES, BACKRUN_STAT_RUNNING, BACKRUN_STAT_PENDING,
        BACKRUN_STAT_WORKERS, BACKRUN_STAT_IDLE_WORKERS, BACKRUN_STAT_ABANDONED};
    for (size_t i = 0; i < sizeof now / sizeof now[0]; i++) {
        CHECK_STAT(0, now[i]);
    }
    if (storm->is_observed) {
        check_events(storm);
    }
    CHECK_INT(2, atomic_load(&storm->released));
    CHECK_INT(0, atomic_load(&storm->states_of_users));
}
