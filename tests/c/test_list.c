// Lists, replay and purge.

#include "test.h"

static int32_t run_failing(void *user_data, backrun_task *task, backrun_bytes payload, void *task_state) {
    (void)payload, (void)task_state;
    if (*(const bool *)user_data) {
        return BACKRUN_RUN_DONE;
    }
    OK(backrun_task_fail(task, str("not yet"), E));
    return BACKRUN_RUN_FAILED;
}

static backrun_filter filter_of(uint32_t states) {
    return (backrun_filter){.struct_size = sizeof(backrun_filter), .states = states};
}

// Checks that these, and no others, are listed, in this order.
static void lists(backrun_engine *engine, backrun_filter filter, const int64_t *ids, size_t count) {
    backrun_task_list *list = NULL;
    OK(backrun_engine_list(engine, &filter, &list, E));
    CHECK_INT((long long)count, (long long)backrun_task_list_count(list));
    for (size_t i = 0; i < count; i++) {
        CHECK_INT(ids[i], backrun_task_status_id(backrun_task_list_at(list, i)));
    }
    CHECK(backrun_task_list_at(list, count) == NULL);
    backrun_task_list_free(list);
}

static uint64_t purge(backrun_engine *engine, backrun_filter filter) {
    uint64_t count = 77;
    OK(backrun_engine_purge(engine, &filter, &count, E));
    return count;
}

// One dead task, two that have succeeded, one that is scheduled, one cancelled one of the queue "second".
typedef struct world {
    backrun_engine *engine;
    int64_t dead, done, done_too, scheduled, cancelled;
    bool works;
} world;

static void make(world *world) {
    *world = (struct world){.engine = engine_with_manual_time(1)};
    configure(world->engine, (backrun_queue_options){.name = str("second"), .workers = 1});
    register_run(world->engine, "nothing", run_done, NULL);
    register_run(world->engine, "fail", run_failing, &world->works);
    world->dead = submit(world->engine, "fail");
    world->done = submit(world->engine, "nothing");
    world->done_too = submit(world->engine, "nothing");
    backrun_submission submission = submission_of("nothing");
    submission.delay_ms = 1000;
    world->scheduled = submit_one(world->engine, submission);
    submission.queue = str("second");
    world->cancelled = submit_one(world->engine, submission);
    CHECK_INT(BACKRUN_CANCEL_QUEUED, cancel(world->engine, world->cancelled));
    wait_for_end(world->engine, world->dead);
    wait_for_end(world->engine, world->done_too);
}

TEST(a_list_has_the_tasks_that_the_filter_says_smallest_id_first) {
    world world;
    make(&world);
    const int64_t all[] = {world.dead, world.done, world.done_too, world.scheduled, world.cancelled};
    lists(world.engine, filter_of(0), all, 5);
    lists(world.engine, filter_of(1U << BACKRUN_STATE_DEAD), &world.dead, 1);
    lists(world.engine, filter_of(1U << BACKRUN_STATE_SUCCEEDED | 1U << BACKRUN_STATE_SCHEDULED), all + 1, 3);
    lists(world.engine, filter_of(1U << BACKRUN_STATE_RUNNING), NULL, 0);
    backrun_filter filter = filter_of(0);
    filter.task_name = str("fail");
    lists(world.engine, filter, &world.dead, 1);
    filter = filter_of(0);
    filter.queue = str("second");
    lists(world.engine, filter, &world.cancelled, 1);
    filter.task_name = str("nobody");
    lists(world.engine, filter, NULL, 0);
    filter = filter_of(0);
    filter.final_for_ms = 3600 * 1000;
    lists(world.engine, filter, NULL, 0);
    filter.final_for_ms = 0;
    for (size_t page = 0; page < 3; page++) { // By pages of two.
        filter.limit = 2;
        lists(world.engine, filter, all + 2 * page, page < 2 ? 2 : 1);
        filter.after_id = all[page < 2 ? 2 * page + 1 : 4];
    }
    lists(world.engine, filter, NULL, 0);
    finish(world.engine);
}

TEST(a_task_of_a_list_has_its_whole_status_and_outlives_the_engine) {
    world world;
    make(&world);
    backrun_task_list *list = NULL;
    OK(backrun_engine_list(world.engine, NULL, &list, E));
    finish(world.engine);
    const backrun_task_status *dead = backrun_task_list_at(list, 0);
    CHECK_INT(BACKRUN_STATE_DEAD, backrun_task_status_state(dead));
    CHECK_TEXT("not yet", backrun_task_status_error_message(dead));
    CHECK_TEXT("fail", backrun_task_status_name(dead));
    const backrun_task_status *cancelled = backrun_task_list_at(list, 4);
    CHECK_TEXT("a test", backrun_task_status_cancel_reason(cancelled));
    CHECK_TEXT("second", backrun_task_status_queue(cancelled));
    backrun_task_list_free(list);
}

TEST(a_list_without_a_limit_has_a_thousand) {
    backrun_engine *engine = engine_with(1);
    register_run(engine, "nothing", run_done, NULL);
    for (int i = 0; i < 1005; i++) {
        submit(engine, "nothing");
    }
    backrun_task_list *list = NULL;
    OK(backrun_engine_list(engine, NULL, &list, E));
    CHECK_INT(1000, (long long)backrun_task_list_count(list));
    backrun_task_list_free(list);
    finish(engine);
}

TEST(a_dead_task_is_run_again_with_attempts_anew_and_leases_that_go_on) {
    world world;
    make(&world);
    FAILS(BACKRUN_NOT_FOUND, "12345", backrun_engine_replay(world.engine, 12345, E));
    FAILS(BACKRUN_INVALID_ARGUMENT, "only a dead task", backrun_engine_replay(world.engine, world.done, E));
    OK(backrun_engine_replay(world.engine, world.dead, E));
    CHECK_INT(BACKRUN_STATE_DEAD, wait_for_end(world.engine, world.dead));
    world.works = true;
    OK(backrun_engine_replay(world.engine, world.dead, E));
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(world.engine, world.dead));
    backrun_task_status *status = status_of(world.engine, world.dead);
    CHECK_INT(1, backrun_task_status_attempt(status));
    CHECK_INT(3, backrun_task_status_lease(status));
    backrun_task_status_free(status);
    finish(world.engine);
}

TEST(a_purge_forgets_final_tasks_and_no_others) {
    world world;
    make(&world);
    backrun_filter filter = filter_of(1U << BACKRUN_STATE_SUCCEEDED);
    filter.limit = 1;
    CHECK_INT(1, (long long)purge(world.engine, filter));
    backrun_task_status *status = (void *)1;
    FAILS(BACKRUN_NOT_FOUND, NULL, backrun_engine_wait(world.engine, world.done, 0, &status, E));
    CHECK(status == NULL);
    filter = filter_of(1U << BACKRUN_STATE_SCHEDULED);
    CHECK_INT(0, (long long)purge(world.engine, filter));
    filter = filter_of(0);
    filter.final_for_ms = 3600 * 1000;
    CHECK_INT(0, (long long)purge(world.engine, filter));
    uint64_t count = 77;
    OK(backrun_engine_purge(world.engine, NULL, &count, E));
    CHECK_INT(3, (long long)count); // dead, done too, cancelled
    lists(world.engine, filter_of(0), &world.scheduled, 1);
    advance(world.engine, 1001);
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(world.engine, world.scheduled));
    FAILS(BACKRUN_NOT_FOUND, NULL, backrun_engine_replay(world.engine, world.dead, E));
    finish(world.engine);
}

TEST(a_filter_with_a_name_that_is_none_is_refused) {
    backrun_engine *engine = engine_with(1);
    backrun_task_list *list = (void *)1;
    char long_name[202];
    memset(long_name, 'n', 201);
    long_name[201] = 0;
    backrun_filter filter = filter_of(0);
    filter.task_name = str("\xFF");
    FAILS(BACKRUN_INVALID_ARGUMENT, "backrun_filter.task_name is not UTF-8",
        backrun_engine_list(engine, &filter, &list, E));
    CHECK(list == NULL);
    filter.task_name = str(long_name);
    FAILS(BACKRUN_TOO_LARGE, "201", backrun_engine_list(engine, &filter, &list, E));
    filter = filter_of(0);
    filter.queue = str(long_name);
    FAILS(BACKRUN_TOO_LARGE, "201", backrun_engine_purge(engine, &filter, NULL, E));
    finish(engine);
}
