// The process around the engine: a fork, and two engines side by side.

#include "test.h"

#include <dirent.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

static void submitted(void *user_data, int32_t code, int64_t id) {
    (void)user_data, (void)code, (void)id;
}
static void hear(void *user_data, int32_t code, const backrun_task_status *status) {
    (void)user_data, (void)code, (void)status;
}

#define FORKED(call) FAILS(BACKRUN_FORKED, "fork", call)

// Everything that takes an engine, in a process that is a fork of the one that made it.
static void call_everything(backrun_engine *engine, int64_t id) {
    backrun_submission submission = submission_of("nothing");
    backrun_handler handler = {.struct_size = sizeof handler, .run = run_done};
    backrun_queue_options options = {.struct_size = sizeof options};
    backrun_outcome outcome = {.struct_size = sizeof outcome};
    backrun_task_status *status = (void *)1;
    backrun_stats *stats = (void *)1;
    backrun_buffer *buffer = (void *)1;
    backrun_task_list *list = (void *)1;
    backrun_shutdown_report *report = (void *)1;
    int64_t none = 77;
    FORKED(backrun_engine_submit(engine, &submission, &none, E));
    CHECK_INT(0, none);
    none = 77;
    FORKED(backrun_engine_submit_many(engine, &submission, 1, &none, E));
    CHECK_INT(0, none);
    FORKED(backrun_engine_submit_async(engine, &submission, submitted, NULL, E));
    FORKED(backrun_engine_register(engine, str("new"), &handler, NULL, E));
    FORKED(backrun_engine_configure_queue(engine, &options, E));
    FORKED(backrun_engine_pause(engine, str(""), E));
    FORKED(backrun_engine_resume(engine, str(""), E));
    FORKED(backrun_engine_wait(engine, id, -1, &status, E));
    FORKED(backrun_engine_wait(engine, id, 0, &status, E));
    FORKED(backrun_engine_watch(engine, id, hear, NULL, E));
    FORKED(backrun_engine_payload(engine, id, &buffer, E));
    FORKED(backrun_engine_cancel(engine, id, str(""), NULL, E));
    FORKED(backrun_engine_list(engine, NULL, &list, E));
    FORKED(backrun_engine_replay(engine, id, E));
    FORKED(backrun_engine_purge(engine, NULL, NULL, E));
    FORKED(backrun_engine_set_event_kinds(engine, 0, E));
    FORKED(backrun_engine_stats(engine, &stats, E));
    FORKED(backrun_task_settle(engine, id, 1, &outcome, E));
    FORKED(backrun_engine_set_progress(engine, id, 1, 0.5, str(""), E));
    FORKED(backrun_engine_shutdown(engine, BACKRUN_SHUTDOWN_CANCEL, 0, &report, E));
    CHECK(status == NULL && stats == NULL && buffer == NULL && list == NULL && report == NULL);
}

// Whether a thread of this process sleeps; one that has ended does.
static bool sleeps(const char *thread) {
    char path[300], state = 'S';
    snprintf(path, sizeof path, "/proc/self/task/%s/stat", thread);
    FILE *file = fopen(path, "r");
    if (file != NULL) {
        state = fscanf(file, "%*d (%*[^)]) %c", &state) == 1 ? state : 'S';
        fclose(file);
    }
    return state == 'S';
}

// Waits until all other threads sleep. A fork while one of them is in malloc leaves the address sanitizer's lock (but
// not glibc's) locked for ever in the child, which then stands still at its first allocation.
static void let_threads_come_to_rest(void) {
    char me[16];
    snprintf(me, sizeof me, "%d", (int)getpid());
    for (bool rest = false; !rest; sched_yield()) {
        rest = true;
        DIR *threads = opendir("/proc/self/task");
        CHECK(threads != NULL);
        for (struct dirent *thread = readdir(threads); thread != NULL; thread = readdir(threads)) {
            rest = rest && (thread->d_name[0] == '.' || strcmp(thread->d_name, me) == 0 || sleeps(thread->d_name));
        }
        closedir(threads);
    }
}

static void in_child(void (*body)(backrun_engine *engine, int64_t id), backrun_engine *engine, int64_t id) {
    fflush(NULL);
    let_threads_come_to_rest();
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        alarm(60); // Is not inherited.
        body(engine, id);
        fflush(NULL);
        _exit(42);
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 42);
}

static void release_in_parent(void *user_data) {
    CHECK(getpid() == *(const pid_t *)user_data);
}

static void call_and_free(backrun_engine *engine, int64_t id) {
    call_everything(engine, id);
    backrun_engine_free(engine);
}

static void abandon(backrun_engine *engine, int64_t id) {
    (void)id;
    backrun_engine_abandon(engine);
}

TEST(a_fork_is_told_so_and_the_engine_of_the_parent_goes_on) {
    backrun_engine *engine = engine_with(2);
    hold hold = HOLD;
    register_hold(engine, "hold", &hold);
    register_run(engine, "nothing", run_done, NULL);
    int64_t id = submit(engine, "hold");
    gate_wait(&hold.entered, 1);
    in_child(call_and_free, engine, id);
    in_child(abandon, engine, id);
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, submit(engine, "nothing")));
    gate_add(&hold.may_leave, 1);
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, id));
    finish(engine);
}

TEST(free_in_a_fork_releases_nothing) {
    backrun_engine *engine = engine_with(1);
    pid_t parent = getpid();
    register_handler(
        engine, "idle", (backrun_handler){.user_data = &parent, .run = run_done, .release = release_in_parent});
    in_child(call_and_free, engine, 1);
    finish(engine);
}

static void start_another(backrun_engine *engine, int64_t id) {
    (void)engine, (void)id;
    backrun_engine *own = engine_with(1);
    register_run(own, "nothing", run_done, NULL);
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(own, submit(own, "nothing")));
    finish(own);
}

TEST(a_fork_may_make_an_engine_of_its_own) {
    backrun_engine *engine = engine_with(1);
    in_child(start_another, engine, 0);
    finish(engine);
}

static int32_t run_counting(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state) {
    (void)task, (void)payload, (void)task_state;
    gate_add(user_data, 1);
    return BACKRUN_RUN_DONE;
}

TEST(two_engines_share_nothing) {
    backrun_engine *one = engine_with(1), *other = engine_with(1);
    gate of_one = GATE, of_other = GATE;
    register_run(one, "same name", run_counting, &of_one);
    register_run(other, "same name", run_counting, &of_other);
    for (int i = 0; i < 10; i++) {
        CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(one, submit(one, "same name")));
    }
    finish(one);
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(other, submit(other, "same name")));
    CHECK_INT(1, (long long)stat_of(other, BACKRUN_STAT_ACCEPTED));
    finish(other);
    CHECK(gate_value(&of_one) == 10 && gate_value(&of_other) == 1);
}

TEST(engines_come_and_go) {
    for (int i = 0; i < 50; i++) {
        backrun_engine *engine = engine_with(2);
        register_run(engine, "nothing", run_done, NULL);
        submit(engine, "nothing");
        if (i % 2 == 0) {
            finish(engine);
        } else {
            backrun_engine_free(engine);
        }
    }
}
