// Delays, retries, lists and replays without memory: a call is refused and has changed nothing; a failed run, which has
// no caller, is followed by another one, or its task is dead and says so.

#include "walk.h"

#include <stdatomic.h>

static const char LONG_TEXT[] = "a text that is longer than what some allocator would keep in a word of its own";

// A delayed task either is accepted, and runs when its time has come, or was refused.
static void submit_delayed(walk *walk) {
    enum { COUNT = 60 };
    int64_t accepted[COUNT];
    int count = 0;
    backrun_retry_policy policy = {.struct_size = sizeof policy, .max_attempts = 3, .delay_ms = 1};
    begin(walk);
    for (int i = 0; i < COUNT && !has_begun_to_fail(walk); i++) {
        backrun_submission submission = submission_with(i % 10 == 0 ? 30 * 1000 : 100);
        submission.queue = str("second");
        submission.delay_ms = 1 + i % 3;
        submission.retry = i % 2 == 0 ? &policy : NULL;
        submission.time_limit_ms = i % 4 == 0 ? 3600 * 1000 : 0;
        backrun_error *error = NULL;
        int64_t id = 77;
        if (worked(walk, backrun_engine_submit(walk->engine, &submission, &id, &error), &error)) {
            accepted[count++] = id;
        } else {
            CHECK_INT(0, id);
        }
    }
    end(walk);
    walk->accepted += count;
    for (int i = 0; i < count; i++) {
        CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(walk->engine, accepted[i]));
    }
}

typedef struct failing {
    walk *walk;
    int since; // runs since an allocation failed
    atomic_bool has_failed;
} failing;

static void may_fail(failing *failing, int32_t code) {
    CHECK(code == BACKRUN_OK || (code == BACKRUN_OUT_OF_MEMORY && has_failed()));
    atomic_store(&failing->has_failed, atomic_load(&failing->has_failed) || has_failed());
}

static int32_t run_failing_once(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state) {
    (void)task_state;
    failing *failing = user_data;
    CHECK(payload.len == 100);
    if (backrun_task_attempt(task) > 1) {
        return BACKRUN_RUN_DONE;
    }
    if (backrun_task_id(task) == 2) {
        begin(failing->walk);
    }
    if (has_failed()) {
        atomic_store(&failing->has_failed, true);
        if (failing->since++ == (failing->walk->from_then_on ? 20 : 0)) {
            fail_no_more();
        }
    }
    may_fail(failing, backrun_task_set_progress(task, 0.5, str(LONG_TEXT), NULL));
    may_fail(failing, backrun_task_set_result(task, bytes(LONG_TEXT), NULL));
    may_fail(failing, backrun_task_fail(task, str(LONG_TEXT), NULL));
    return BACKRUN_RUN_FAILED;
}

// A failed run is followed by another one, or, where there is no memory to keep the task for it, the task is dead and
// says so.
static void retry_runs(walk *walk) {
    static failing failing;
    failing.walk = walk;
    int count = times(walk, 300, 40);
    backrun_handler handler = {.struct_size = sizeof handler, .run = run_failing_once, .user_data = &failing};
    backrun_retry_policy policy = {.struct_size = sizeof policy, .max_attempts = 2, .delay_ms = 1};
    backrun_task_options options = {.struct_size = sizeof options, .retry = &policy};
    OK(backrun_engine_register(walk->engine, str("fail once"), &handler, &options, E));
    for (int i = 0; i < count; i++) {
        backrun_submission submission = submission_with(100);
        submission.task_name = str("fail once");
        submit_one(walk->engine, submission);
    }
    walk->accepted += count;
    gate_add(&walk->hold.may_leave, 1);
    int dead = 0;
    for (int64_t id = 2; id < 2 + count; id++) {
        if (wait_for_end(walk->engine, id) == BACKRUN_STATE_DEAD) {
            backrun_task_status *status = status_of(walk->engine, id);
            CHECK(same(backrun_task_status_error_message(status),
                      "its run failed, and there was no memory to keep it for the next one") ||
                  backrun_task_status_error_message(status).len == 0);
            backrun_task_status_free(status);
            dead++;
        } else {
            CHECK_INT(BACKRUN_STATE_SUCCEEDED, state_of(walk->engine, id));
        }
    }
    // After the last run nobody asks its thread any more.
    walk->failed = atomic_load(&failing.has_failed) || dead > 0;
    CHECK_INT(count - dead, (long long)stat_of(walk->engine, BACKRUN_STAT_RETRIED));
}

static int32_t run_dying(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state) {
    (void)user_data, (void)payload, (void)task_state;
    return backrun_task_lease(task) > 1 ? BACKRUN_RUN_DONE : BACKRUN_RUN_FATAL;
}

enum { DYING = 30 };

// So many dead tasks of the queue "second".
static void make_dead(walk *walk, int64_t *ids) {
    register_run(walk->engine, "die", run_dying, NULL);
    for (int i = 0; i < DYING; i++) {
        backrun_submission submission = submission_with(i % 10 == 0 ? 30 * 1000 : 100);
        submission.task_name = str("die");
        submission.queue = str("second");
        ids[i] = submit_one(walk->engine, submission);
    }
    for (int i = 0; i < DYING; i++) {
        CHECK_INT(BACKRUN_STATE_DEAD, wait_for_end(walk->engine, ids[i]));
    }
    walk->accepted += DYING;
}

static void list_some(walk *walk) {
    int64_t ids[DYING];
    make_dead(walk, ids);
    backrun_filter filter = {.struct_size = sizeof filter, .states = 1U << BACKRUN_STATE_DEAD};
    begin(walk);
    for (int i = 0; i < 3 && !has_begun_to_fail(walk); i++) {
        backrun_task_list *list = (void *)1;
        backrun_error *error = NULL;
        bool listed = worked(walk, backrun_engine_list(walk->engine, &filter, &list, &error), &error);
        CHECK(listed == (list != NULL));
        CHECK_INT(listed ? DYING : 0, (long long)backrun_task_list_count(list));
        backrun_task_list_free(list);
    }
    end(walk);
}

static void replay_some(walk *walk) {
    int64_t ids[DYING];
    make_dead(walk, ids);
    begin(walk);
    for (int i = 0; i < DYING; i++) {
        backrun_error *error = NULL;
        if (!worked(walk, backrun_engine_replay(walk->engine, ids[i], &error), &error)) {
            end(walk);
            CHECK_INT(BACKRUN_STATE_DEAD, state_of(walk->engine, ids[i]));
            OK(backrun_engine_replay(walk->engine, ids[i], E)); // Nothing had changed.
        }
    }
    end(walk);
    for (int i = 0; i < DYING; i++) {
        CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(walk->engine, ids[i]));
    }
    walk->replayed = DYING;
}

TEST(a_delayed_task_that_has_no_memory_is_refused_and_the_others_run_in_their_time) {
    CHECK_INT(0, WALK(submit_delayed, ANY));
}

TEST(a_failed_run_that_has_no_memory_for_the_next_one_is_a_dead_task_that_says_so) {
    CHECK_INT(0, WALK(retry_runs, ANY));
}

TEST(a_list_that_has_no_memory_is_refused) {
    CHECK_INT(0, WALK(list_some, ANY));
}

TEST(a_replay_that_has_no_memory_changes_nothing) {
    CHECK_INT(0, WALK(replay_some, ANY));
}
