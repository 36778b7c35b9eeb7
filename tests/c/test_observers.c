// Events, log records and counters: all of them, in order, and only those that were asked for.

#include "test.h"

#include <sched.h>

static const told *event_of(const memory *memory, uint32_t kind, int64_t id) {
    for (size_t i = 0; i < memory->count; i++) {
        if (memory->all[i].kind == kind && memory->all[i].id == id) {
            return &memory->all[i];
        }
    }
    return NULL;
}

static void *submit_some(void *argument) {
    for (int i = 0; i < 100; i++) {
        submit(argument, "nothing");
    }
    return NULL;
}

TEST(each_task_is_accepted_then_started_then_ended_in_the_events) {
    memory *memory = memory_new();
    backrun_engine *engine = engine_remembered(memory, 4);
    register_run(engine, "nothing", run_done, NULL);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        threads[i] = start_thread(submit_some, engine);
    }
    for (int i = 0; i < 4; i++) {
        join_thread(threads[i]);
    }
    finish(engine);
    CHECK_INT(1200, (long long)memory->count);
    for (size_t i = 0; i < memory->count; i++) {
        const told *accepted = &memory->all[i];
        if (accepted->kind != BACKRUN_EVENT_ACCEPTED) {
            continue;
        }
        const told *started = event_of(memory, BACKRUN_EVENT_STARTED, accepted->id);
        const told *succeeded = event_of(memory, BACKRUN_EVENT_SUCCEEDED, accepted->id);
        CHECK(started != NULL && succeeded != NULL && accepted < started && started < succeeded);
        CHECK(accepted->lease == 0 && accepted->attempt == 0 && accepted->state == BACKRUN_STATE_READY);
        CHECK(started->lease > 0 && started->attempt == 1 && started->state == BACKRUN_STATE_RUNNING);
        CHECK(succeeded->lease == started->lease && succeeded->state == BACKRUN_STATE_SUCCEEDED);
        CHECK(strcmp(succeeded->name, "nothing") == 0 && strcmp(succeeded->queue, "default") == 0);
        CHECK(succeeded->count == 1 && succeeded->code == 0);
    }
    free(memory);
}

TEST(only_the_kinds_asked_for_come) {
    memory *memory = memory_new();
    backrun_engine_options options = options_with(1);
    options.on_event = remember;
    options.observer_user_data = memory;
    options.event_kinds = (1U << BACKRUN_EVENT_SUCCEEDED) | (UINT64_C(1) << 63);
    backrun_engine *engine = engine_of(options);
    register_run(engine, "nothing", run_done, NULL);
    int64_t first = submit(engine, "nothing");
    await_event(memory, BACKRUN_EVENT_SUCCEEDED, first);
    OK(backrun_engine_set_event_kinds(engine, 1U << BACKRUN_EVENT_ACCEPTED, E));
    int64_t second = submit(engine, "nothing");
    wait_for_end(engine, second);
    await_event(memory, BACKRUN_EVENT_ACCEPTED, second);
    OK(backrun_engine_set_event_kinds(engine, 0, E));
    int64_t third = submit(engine, "nothing");
    finish(engine);
    CHECK_INT(1, (long long)count_events(memory, 0, first));
    CHECK_INT(1, (long long)count_events(memory, 0, second));
    CHECK_INT(3, (long long)count_events(memory, 0, third));
    free(memory);
}

// Log records: how many of each level, and whether a text stood in one.

typedef struct logged {
    pthread_mutex_t lock;
    size_t levels[BACKRUN_LOG_OFF + 1];
    bool secret, about_a_task;
} logged;

static void log_records(void *user_data, const backrun_log_record *records, size_t count) {
    logged *logged = user_data;
    pthread_mutex_lock(&logged->lock);
    for (size_t i = 0; i < count; i++) {
        const backrun_log_record *record = (const void *)((const char *)records + i * records->struct_size);
        CHECK(record->level >= BACKRUN_LOG_ERROR && record->level <= BACKRUN_LOG_DEBUG);
        CHECK(record->struct_size >= sizeof *record && record->message.len > 0 && record->time_unix_us > 0);
        logged->levels[record->level]++;
        char text[1024];
        snprintf(text, sizeof text, "%.*s", (int)record->message.len, record->message.data);
        logged->secret = logged->secret || strstr(text, "secret") != NULL;
        logged->about_a_task = logged->about_a_task || record->task_id > 0;
    }
    pthread_mutex_unlock(&logged->lock);
}

static int32_t run_failing(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state) {
    (void)user_data, (void)payload, (void)task_state;
    OK(backrun_task_fail(task, str("it failed"), E));
    return BACKRUN_RUN_FAILED;
}

// The same work at some level of the log: a task that succeeds, one that dies, one that is refused.
static logged log_at(uint32_t level) {
    logged logged = {.lock = PTHREAD_MUTEX_INITIALIZER};
    backrun_engine_options options = options_with(1);
    options.on_log = log_records;
    options.observer_user_data = &logged;
    options.log_level = level;
    backrun_engine *engine = engine_of(options);
    register_run(engine, "nothing", run_done, NULL);
    register_run(engine, "fail", run_failing, NULL);
    backrun_header header = {.struct_size = sizeof header, .name = str("token"), .value = str("secret value")};
    backrun_submission submission = submission_of("nothing");
    submission.payload = bytes("secret payload");
    submission.user_context = bytes("secret user");
    submission.headers = &header;
    submission.header_count = 1;
    submit_one(engine, submission);
    submission.task_name = str("fail");
    submit_one(engine, submission);
    submission.task_name = str("unknown");
    FAILS(BACKRUN_NO_HANDLER, NULL, backrun_engine_submit(engine, &submission, NULL, E));
    finish(engine);
    return logged;
}

TEST(the_log_has_its_level_and_worse) {
    logged all[BACKRUN_LOG_OFF + 1];
    for (uint32_t level = 0; level <= BACKRUN_LOG_OFF; level++) {
        all[level] = log_at(level);
        uint32_t effective = level == 0 ? BACKRUN_LOG_INFO : level;
        for (uint32_t other = BACKRUN_LOG_ERROR; other <= BACKRUN_LOG_DEBUG; other++) {
            bool wanted = level != BACKRUN_LOG_OFF && other <= effective;
            CHECK((all[level].levels[other] > 0) == wanted);
        }
    }
    CHECK(all[BACKRUN_LOG_DEBUG].levels[BACKRUN_LOG_ERROR] == all[BACKRUN_LOG_ERROR].levels[BACKRUN_LOG_ERROR]);
}

TEST(no_payload_user_or_header_stands_in_the_log) {
    logged logged = log_at(BACKRUN_LOG_DEBUG);
    CHECK(!logged.secret && logged.about_a_task);
}

// Counters.

static uint64_t sum_of_queues(backrun_stats *stats, uint32_t stat) {
    uint64_t sum = 0;
    for (size_t i = 0; i < backrun_stats_queue_count(stats); i++) {
        uint64_t value = 0;
        OK(backrun_stats_queue_value(stats, i, stat, &value, E));
        sum += value;
    }
    return sum;
}

TEST(counters_add_up_and_agree_with_the_events) {
    memory *memory = memory_new();
    backrun_engine *engine = engine_remembered(memory, 2);
    configure(engine, (backrun_queue_options){.name = str("mail"), .workers = 1});
    register_run(engine, "nothing", run_done, NULL);
    register_run(engine, "fail", run_failing, NULL);
    hold hold = HOLD;
    register_hold(engine, "hold", &hold);
    for (int i = 0; i < 60; i++) {
        backrun_submission submission = submission_of(i % 3 == 0 ? "fail" : "nothing");
        submission.queue = str(i % 2 == 0 ? "mail" : "");
        submit_one(engine, submission);
    }
    backrun_submission held = submission_of("hold");
    held.queue = str("mail");
    submit_one(engine, held);
    int64_t cancelled = submit_one(engine, held);
    gate_wait(&hold.entered, 1);
    CHECK_INT(BACKRUN_CANCEL_QUEUED, cancel(engine, cancelled));
    gate_add(&hold.may_leave, 1);
    OK(backrun_engine_shutdown(engine, BACKRUN_SHUTDOWN_DRAIN, -1, NULL, E));
    backrun_stats *stats = NULL;
    OK(backrun_engine_stats(engine, &stats, E));
    const struct {
        uint32_t stat, event;
        uint64_t expected;
    } all[] = {
        {BACKRUN_STAT_ACCEPTED, BACKRUN_EVENT_ACCEPTED, 62},
        {BACKRUN_STAT_STARTED, BACKRUN_EVENT_STARTED, 61},
        {BACKRUN_STAT_SUCCEEDED, BACKRUN_EVENT_SUCCEEDED, 41},
        {BACKRUN_STAT_RUNS_FAILED, BACKRUN_EVENT_RUN_FAILED, 20},
        {BACKRUN_STAT_DEAD, BACKRUN_EVENT_DEAD, 20},
        {BACKRUN_STAT_CANCELLED, BACKRUN_EVENT_CANCELLED, 1},
        {BACKRUN_STAT_DROPPED, BACKRUN_EVENT_DROPPED, 0},
        {BACKRUN_STAT_INTERRUPTED, BACKRUN_EVENT_INTERRUPTED, 0},
        {BACKRUN_STAT_ABANDONED, BACKRUN_EVENT_ABANDONED, 0},
        {BACKRUN_STAT_STALE_SETTLES, BACKRUN_EVENT_STALE_SETTLE, 0},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        uint64_t value = 0;
        OK(backrun_stats_value(stats, all[i].stat, &value, E));
        CHECK_INT((long long)all[i].expected, (long long)value);
        CHECK_INT((long long)value, (long long)sum_of_queues(stats, all[i].stat));
        CHECK_INT((long long)value, (long long)count_events(memory, all[i].event, 0));
    }
    const uint32_t now[] = {BACKRUN_STAT_READY, BACKRUN_STAT_READY_BYTES, BACKRUN_STAT_RUNNING, BACKRUN_STAT_PENDING,
        BACKRUN_STAT_EVENTS_LOST, BACKRUN_STAT_LOGS_LOST};
    for (size_t i = 0; i < sizeof now / sizeof now[0]; i++) {
        uint64_t value = 77;
        OK(backrun_stats_value(stats, now[i], &value, E));
        CHECK_INT(0, (long long)value);
    }
    CHECK_INT(2, (long long)backrun_stats_queue_count(stats));
    CHECK(same(backrun_stats_queue_name(stats, 0), "default") || same(backrun_stats_queue_name(stats, 1), "default"));
    CHECK(same(backrun_stats_queue_name(stats, 0), "mail") || same(backrun_stats_queue_name(stats, 1), "mail"));
    CHECK_TEXT("", backrun_stats_queue_name(stats, 2));
    backrun_engine_free(engine);
    backrun_stats_free(stats); // A snapshot outlives its engine.
    free(memory);
}

// An observer that cannot keep up.

typedef struct slow {
    gate entered, may_go_on;
    uint64_t came, lost;
} slow;

static void observe_slowly(void *user_data, const backrun_event *events, size_t count) {
    slow *slow = user_data;
    gate_add(&slow->entered, 1);
    gate_wait(&slow->may_go_on, 1);
    for (size_t i = 0; i < count; i++) {
        const backrun_event *event = (const void *)((const char *)events + i * events->struct_size);
        if (event->kind == BACKRUN_EVENT_EVENTS_LOST) {
            slow->lost += event->count;
            CHECK_INT(0, event->task_id);
        } else {
            slow->came++;
        }
    }
}

TEST(events_that_cannot_be_kept_up_with_are_counted_and_told_and_hold_nobody_up) {
    slow slow = {.entered = GATE, .may_go_on = GATE};
    backrun_engine_options options = options_with(1);
    options.on_event = observe_slowly;
    options.observer_user_data = &slow;
    options.observer_capacity = 8;
    backrun_engine *engine = engine_of(options);
    register_run(engine, "nothing", run_done, NULL);
    submit(engine, "nothing");
    gate_wait(&slow.entered, 1);
    for (int i = 0; i < 99; i++) {
        CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, submit(engine, "nothing")));
    }
    gate_add(&slow.may_go_on, 1);
    OK(backrun_engine_shutdown(engine, BACKRUN_SHUTDOWN_DRAIN, -1, NULL, E));
    CHECK(slow.lost > 0);
    CHECK_INT(300, (long long)(slow.came + slow.lost));
    CHECK_INT((long long)slow.lost, (long long)stat_of(engine, BACKRUN_STAT_EVENTS_LOST));
    backrun_engine_free(engine);
}

TEST(how_long_tasks_waited_and_ran_is_told_by_task_name) {
    backrun_engine *engine = engine_with(1);
    register_run(engine, "first", run_done, NULL);
    register_run(engine, "second", run_done, NULL);
    for (int i = 0; i < 100; i++) {
        wait_for_end(engine, submit(engine, "second"));
    }
    backrun_stats *stats = NULL;
    // What is told of a run follows its end.
    uint64_t ran = 0;
    for (; ran == 0; sched_yield()) {
        backrun_stats_free(stats);
        OK(backrun_engine_stats(engine, &stats, E));
        OK(backrun_stats_task_name_duration(stats, 1, BACKRUN_DURATION_RAN_COUNT, &ran, E));
    }
    CHECK_INT(2, (long long)backrun_stats_task_name_count(stats));
    CHECK_TEXT("second", backrun_stats_task_name(stats, 1));
    uint64_t value = 77, most = 0;
    OK(backrun_stats_task_name_duration(stats, 0, BACKRUN_DURATION_RAN_COUNT, &value, E));
    CHECK_INT(0, (long long)value);
    OK(backrun_stats_task_name_duration(stats, 1, BACKRUN_DURATION_RAN_P50_US, &value, E));
    OK(backrun_stats_task_name_duration(stats, 1, BACKRUN_DURATION_RAN_MAX_US, &most, E));
    CHECK(value <= most);
    backrun_stats_free(stats);
    finish(engine);
}
