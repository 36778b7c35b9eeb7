// The life of an engine: made, moved, shut down, abandoned, destroyed.

#include "test.hpp"

#include <thread>

using backrun::shutdown_mode;
using std::chrono::hours;
using std::chrono::milliseconds;

TEST(an_engine_needs_no_options_and_no_farewell) {
    backrun::engine engine;
    gate ran;
    engine.register_handler("task", [&](backrun::task &, backrun::bytes_view) { ran.add(); });
    CHECK(engine.wait(engine.submit("task", "\xC0")).has_succeeded());
    CHECK(ran.value() == 1);
    CHECK(backrun::version().size() >= 5);
}

TEST(an_option_out_of_its_range_throws_and_names_it) {
    std::string message;
    try {
        const backrun::engine engine(backrun::engine_options().max_workers(5000));
    } catch (const backrun::error &error) {
        CHECK(error.code() == backrun::error_code::invalid_argument);
        message = error.what();
    }
    CHECK(message.find("max_workers is 5000") != std::string::npos);
}

TEST(observers_of_an_engine_that_could_not_start_are_destroyed) {
    gate born, dead;
    const counted one(born, dead);
    THROWS(invalid_argument,
        backrun::engine(backrun::engine_options().max_workers(5000).on_event([one](const backrun::event &) {})));
    CHECK(born.value() == dead.value() + 1); // `one` itself
}

TEST(a_moved_engine_goes_on_and_what_it_was_moved_from_throws) {
    backrun::engine first = engine_with(1);
    first.register_handler("task", nothing);
    const auto id = first.submit("task", "\xC0");
    backrun::engine second = std::move(first);
    CHECK(second.wait(id).has_succeeded());
    CHECK(first.native() == nullptr && second.native() != nullptr);
    THROWS(invalid_argument, first.submit("task", "\xC0"));
    THROWS(invalid_argument, first.stats());
    THROWS(invalid_argument, first.shutdown(shutdown_mode::drain));
    first.abandon();
}

TEST(move_assignment_ends_the_engine_that_was_there) {
    gate born, dead;
    backrun::engine engine = engine_with(1);
    engine.register_handler("task", [one = counted(born, dead)](backrun::task &, backrun::bytes_view) { (void)one; });
    CHECK(engine.wait(engine.submit("task", "\xC0")).has_succeeded());
    engine = engine_with(1);
    CHECK(born.value() == dead.value());
    engine.register_handler("task", nothing);
    CHECK(engine.wait(engine.submit("task", "\xC0")).has_succeeded());
}

TEST(a_complete_shutdown_says_so_and_has_destroyed_every_callable) {
    gate born, dead;
    const counted one(born, dead);
    backrun::engine engine(backrun::engine_options()
                               .workers(2)
                               .on_event([one](const backrun::event &) {})
                               .on_log([one](const backrun::log_record &) {}));
    engine.register_handler("used", [one](backrun::task &, backrun::bytes_view) {});
    engine.register_handler(
        "unused", [one](backrun::task &, backrun::bytes_view) {}, [one](backrun::task &, backrun::bytes_view) {},
        backrun::task_options().on_cancel_requested([one](backrun::task_id, backrun::lease_number) {}));
    for (int i = 0; i < 20; ++i) {
        engine.submit("used", "\xC0");
    }
    const auto report = engine.shutdown(shutdown_mode::drain, hours::max());
    CHECK(report.complete && report.running.empty() && report.queued == 0);
    CHECK(born.value() == dead.value() + 1); // `one` itself
    CHECK(engine.stats().value(backrun::stat::succeeded) == 20);
    THROWS(shutting_down, engine.submit("used", "\xC0"));
}

TEST(an_incomplete_shutdown_is_a_report_and_no_exception) {
    gate entered, may_leave, born, dead;
    {
        backrun::engine engine = engine_with(1);
        engine.register_handler("hold", [&, one = counted(born, dead)](backrun::task &, backrun::bytes_view) {
            (void)one;
            entered.add();
            may_leave.wait();
        });
        const auto id = engine.submit("hold", "\xC0");
        engine.submit("hold", "\xC0");
        entered.wait();
        const auto report = engine.shutdown(shutdown_mode::cancel, milliseconds(1));
        CHECK(!report.complete && report.queued == 1);
        CHECK(report.running.size() == 1 && report.running[0].id == id && report.running[0].name == "hold");
        THROWS(shutdown_incomplete, engine.wait(id));
        const auto again = engine.shutdown(shutdown_mode::cancel, milliseconds(-5)); // as 0
        CHECK(!again.complete && again.running.size() == 1);
    } // Never waits now.
    CHECK(born.value() > dead.value());
    may_leave.add();
    dead.wait(born.value());
}

TEST(an_abandoned_engine_outlives_its_object_until_its_runs_have_ended) {
    gate entered, may_leave, born, dead;
    const counted one(born, dead);
    backrun::engine engine(backrun::engine_options().workers(1).on_event([one](const backrun::event &) {}));
    engine.register_handler("hold", [&, one](backrun::task &, backrun::bytes_view) {
        (void)one;
        entered.add();
        may_leave.wait();
    });
    engine.submit("hold", "\xC0");
    entered.wait();
    engine.abandon();
    CHECK(engine.native() == nullptr);
    THROWS(invalid_argument, engine.submit("hold", "\xC0"));
    CHECK(born.value() > dead.value() + 1);
    may_leave.add();
    dead.wait(born.value() - 1);
}

TEST(a_run_that_would_wait_for_its_engine_is_told_so) {
    backrun::engine engine = engine_with(1);
    gate checked;
    engine.register_handler("task", [&](backrun::task &task, backrun::bytes_view) {
        THROWS(would_deadlock, engine.shutdown(shutdown_mode::drain));
        THROWS(would_deadlock, engine.wait(task.id()));
        CHECK(engine.status(task.id())->state() == backrun::state::running);
        checked.add();
    });
    CHECK(engine.wait(engine.submit("task", "\xC0")).has_succeeded());
    CHECK(checked.value() == 1);
}

TEST(an_engine_may_be_used_from_many_threads) {
    backrun::engine engine = engine_with(2);
    engine.register_handler("task", nothing);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (int j = 0; j < 50; ++j) {
                CHECK(engine.wait(engine.submit("task", "\xC0")).has_succeeded());
            }
        });
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
    const backrun::statistics stats = engine.stats();
    CHECK(stats.value(backrun::stat::succeeded) == 200);
    CHECK(stats.queue_count() == 1 && stats.queue_name(0) == "default" && stats.queue_name(1).empty());
    CHECK(stats.queue_value(0, backrun::stat::accepted) == 200);
    THROWS(not_found, stats.queue_value(1, backrun::stat::accepted));
    THROWS(invalid_argument, stats.queue_value(0, backrun::stat::events_lost));
}
