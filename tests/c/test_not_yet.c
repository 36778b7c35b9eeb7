// What the header says is "not yet": refused by name, never ignored. The list is that of docs/c-abi.md.

#include "test.h"

#define NOT_YET(part, call) FAILS(BACKRUN_NOT_SUPPORTED, part, call)

static backrun_engine *engine_with_nothing(void) {
    backrun_engine *engine = engine_with(1);
    register_run(engine, "nothing", run_done, NULL);
    return engine;
}

static void refuse_engine(backrun_engine_options options, const char *part) {
    backrun_engine *made = (void *)1;
    NOT_YET(part, backrun_engine_new(&options, &made, E));
    CHECK(made == NULL);
}

TEST(a_store_in_postgresql_is_not_yet) {
    backrun_engine_options options = options_with(1);
    options.store = BACKRUN_STORE_POSTGRES;
    options.store_address = str("host=nowhere");
    refuse_engine(options, "BACKRUN_STORE_POSTGRES");
}

TEST(the_memory_store_has_no_other_owner_to_wait_for) {
    backrun_engine_options options = options_with(1);
    options.owner_wait_ms = 1;
    refuse_engine(options, "backrun_engine_options.owner_wait_ms");
}

TEST(the_memory_store_keeps_what_has_ended_by_its_number_only) {
    backrun_engine_options options = options_with(1);
    options.keep_for_ms = 1;
    refuse_engine(options, "backrun_engine_options.keep_for_ms");
}

TEST(the_memory_store_has_no_task_that_could_have_been_there_at_a_crash) {
    backrun_engine_options options = options_with(1);
    options.max_crashes = 3;
    refuse_engine(options, "max_crashes");
}

TEST(the_memory_store_refuses_committed_and_names_it) {
    backrun_engine_options options = options_with(1);
    options.durability = BACKRUN_DURABILITY_COMMITTED;
    refuse_engine(options, "committed");
    backrun_engine *engine = engine_with_nothing();
    backrun_submission submission = submission_of("nothing");
    submission.durability = BACKRUN_DURABILITY_COMMITTED;
    NOT_YET("committed", backrun_engine_submit(engine, &submission, NULL, E));
    submission.durability = BACKRUN_DURABILITY_BUFFERED;
    submit_one(engine, submission);
    finish(engine);
}

TEST(fields_of_a_submission_that_are_not_yet) {
    backrun_engine *engine = engine_with_nothing();
    backrun_submission submission = submission_of("nothing");
    const uint32_t flags[] = {BACKRUN_PAYLOAD_LZ4_BLOCK, BACKRUN_PAYLOAD_LZ4_BLOCK_ARRAY, BACKRUN_PAYLOAD_ENCRYPTED};
    for (size_t i = 0; i < 3; i++) {
        submission = submission_of("nothing");
        submission.payload_flags = flags[i];
        NOT_YET("backrun_submission.payload_flags", backrun_engine_submit(engine, &submission, NULL, E));
    }
    CHECK_INT(0, (long long)stat_of(engine, BACKRUN_STAT_ACCEPTED));
    finish(engine);
}
