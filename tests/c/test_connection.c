// set_user_connection: before run, on its thread, only for tasks with a user context; and who ends the task state.

#include "test.h"

typedef struct user {
    int32_t answer;
    bool with_state;
    int64_t cancel_inside; // not 0: the engine cancels the task while it is connected
    backrun_engine *engine;
    pthread_t connected_on;
    int connected, ran, dropped;
    int state; // its address is the task state
} user;

static int32_t connect_user(void *user_data, backrun_task *task, backrun_bytes user_context, void **task_state) {
    user *user = user_data;
    user->connected++;
    user->connected_on = pthread_self();
    CHECK(user_context.len == 4 && memcmp(user_context.data, "anna", 4) == 0);
    CHECK(backrun_task_id(task) > 0 && *task_state == NULL);
    if (user->with_state) {
        *task_state = &user->state;
    }
    if (user->answer != BACKRUN_RUN_DONE) {
        OK(backrun_task_fail(task, str("no licence left"), E));
    }
    if (user->cancel_inside != 0) {
        CHECK_INT(BACKRUN_CANCEL_RUNNING, cancel(user->engine, backrun_task_id(task)));
    }
    return user->answer;
}

static int32_t run_as_user(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state) {
    (void)task, (void)payload;
    user *user = user_data;
    user->ran++;
    CHECK(user->connected == 0 || pthread_equal(user->connected_on, pthread_self()));
    CHECK(task_state == (user->connected > 0 && user->with_state ? &user->state : NULL));
    return BACKRUN_RUN_DONE;
}

static void drop_state(void *user_data, void *task_state) {
    user *user = user_data;
    user->dropped++;
    CHECK(task_state == &user->state);
    CHECK(pthread_equal(user->connected_on, pthread_self()));
}

// Runs one task and gives its state; what was called is then in `user`.
static uint32_t run_one(user *user, bool with_context, char *message, size_t size) {
    backrun_engine *engine = engine_with(2);
    user->engine = engine;
    register_handler(engine, "task",
        (backrun_handler){
            .user_data = user, .set_user_connection = connect_user, .run = run_as_user, .drop_task_state = drop_state});
    // So that one that asks for another run gets none.
    backrun_retry_policy once = {.struct_size = sizeof once, .max_attempts = 1};
    backrun_submission submission = submission_of("task");
    submission.retry = &once;
    if (with_context) {
        submission.user_context = bytes("anna");
    }
    backrun_task_status *status = NULL;
    OK(backrun_engine_wait(engine, submit_one(engine, submission), -1, &status, E));
    uint32_t state = backrun_task_status_state(status);
    backrun_str said = backrun_task_status_error_message(status);
    snprintf(message, size, "%.*s", (int)said.len, said.len > 0 ? said.data : "");
    backrun_task_status_free(status);
    finish(engine);
    return state;
}

TEST(a_user_is_connected_right_before_the_run_on_its_thread) {
    user user = {.with_state = true};
    char message[128];
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, run_one(&user, true, message, sizeof message));
    CHECK(user.connected == 1 && user.ran == 1 && user.dropped == 0);
}

TEST(a_connection_may_leave_no_state) {
    user user = {.with_state = false};
    char message[128];
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, run_one(&user, true, message, sizeof message));
    CHECK(user.connected == 1 && user.ran == 1 && user.dropped == 0);
}

TEST(without_a_user_context_nobody_is_connected) {
    user user = {.with_state = true};
    char message[128];
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, run_one(&user, false, message, sizeof message));
    CHECK(user.connected == 0 && user.ran == 1 && user.dropped == 0);
}

TEST(a_run_whose_user_cannot_be_connected_does_not_begin_and_its_state_is_dropped) {
    const int32_t answers[] = {BACKRUN_RUN_FAILED, BACKRUN_RUN_RETRY_AFTER, BACKRUN_RUN_FATAL, BACKRUN_RUN_CANCELLED,
        BACKRUN_RUN_PENDING, 99, -1};
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        for (int with_state = 0; with_state <= 1; with_state++) {
            user user = {.answer = answers[i], .with_state = with_state == 1};
            char message[128];
            CHECK_INT(BACKRUN_STATE_DEAD, run_one(&user, true, message, sizeof message));
            CHECK(strcmp(message, "no licence left") == 0);
            CHECK(user.connected == 1 && user.ran == 0 && user.dropped == with_state);
        }
    }
}

TEST(a_task_cancelled_while_its_user_is_connected_does_not_run) {
    user user = {.with_state = true, .cancel_inside = 1};
    char message[128];
    CHECK_INT(BACKRUN_STATE_CANCELLED, run_one(&user, true, message, sizeof message));
    CHECK(user.connected == 1 && user.ran == 0 && user.dropped == 1);
}

TEST(a_state_without_drop_task_state_needs_no_ending) {
    user user = {.answer = BACKRUN_RUN_FAILED, .with_state = true};
    backrun_engine *engine = engine_with(1);
    register_handler(
        engine, "task", (backrun_handler){.user_data = &user, .set_user_connection = connect_user, .run = run_done});
    backrun_submission submission = submission_of("task");
    submission.user_context = bytes("anna");
    CHECK_INT(BACKRUN_STATE_DEAD, wait_for_end(engine, submit_one(engine, submission)));
    finish(engine);
}

TEST(a_user_context_without_set_user_connection_is_kept_and_not_looked_at) {
    backrun_engine *engine = engine_with(1);
    register_run(engine, "task", run_done, NULL);
    backrun_submission submission = submission_of("task");
    submission.user_context = bytes("anna");
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, submit_one(engine, submission)));
    finish(engine);
}
