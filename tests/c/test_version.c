// Versions: what the program was built for, and what the library is.

#include "test.h"

TEST(the_library_has_the_abi_version_of_its_header) {
    CHECK_INT(BACKRUN_ABI_VERSION, backrun_abi_version());
}

TEST(the_version_is_three_numbers) {
    unsigned a, b, c;
    char rest;
    CHECK_INT(3, sscanf(backrun_version(), "%u.%u.%u%c", &a, &b, &c, &rest));
}

TEST(another_abi_version_is_a_mismatch_that_names_both) {
    const uint32_t others[] = {0, BACKRUN_ABI_VERSION + 1, UINT32_MAX};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        backrun_engine_options options = options_with(1);
        options.abi_version = others[i];
        char number[16];
        snprintf(number, sizeof number, "%u", others[i]);
        backrun_engine *engine = (void *)1;
        FAILS(BACKRUN_ABI_MISMATCH, number, backrun_engine_new(&options, &engine, E));
        CHECK(engine == NULL);
    }
}

TEST(everything_zero_but_size_and_version_is_an_engine) {
    backrun_engine_options options = {.struct_size = sizeof options, .abi_version = BACKRUN_ABI_VERSION};
    backrun_engine *engine = engine_of(options);
    register_run(engine, "nothing", run_done, NULL);
    CHECK_INT(BACKRUN_STATE_SUCCEEDED, wait_for_end(engine, submit(engine, "nothing")));
    CHECK(stat_of(engine, BACKRUN_STAT_WORKERS) >= 2);
    finish(engine);
}
