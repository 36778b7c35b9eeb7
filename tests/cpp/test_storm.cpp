// Everything at once from C++: handlers that return, throw, go pending and keep a connection, watchers, cancels, and an
// engine that ends or is given up meanwhile. What was accepted ends once, and every callable and connection is
// destroyed.

#include "test.hpp"

#include <atomic>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <thread>

namespace {

constexpr int submitters = 4;

enum class ending { drain, cancel, abandon };

int tasks_of_each() {
    const char *number = std::getenv("BACKRUN_STORM_TASKS");
    return (number != nullptr ? std::atoi(number) : 20000) / submitters / 5;
}

// What the callables share; outlives the engine, and what is left of it.
struct weather {
    gate callables, callables_gone, connections, connections_gone;
    std::atomic<int> accepted{0}, refused{0}, watched{0}, heard{0};
    backrun::engine *engine = nullptr; // Where runs may use it.
};

backrun::run_result run_any(weather &weather, backrun::task &task) {
    switch (task.id() % 8) {
    case 0:
        throw std::runtime_error("as chance would have it");
    case 1:
        throw 1;
    case 2:
        return task.fail("as chance would have it");
    case 3:
        if (weather.engine == nullptr) {
            return backrun::run_result::fatal;
        }
        try {
            weather.engine->settle(task.id(), task.lease()); // Before it returns, which is legal, and its end.
        } catch (const backrun::error &thrown) {
            CHECK(thrown.code() == backrun::error_code::stale_lease); // A shutdown was faster.
        }
        return backrun::run_result::pending;
    case 4:
        return task.is_cancelled() ? backrun::run_result::cancelled : backrun::run_result::done;
    default:
        return backrun::run_result::done;
    }
}

void submit_and_meddle(weather &weather, backrun::engine &engine) {
    for (int i = 0; i < tasks_of_each(); ++i) {
        backrun::submission work("task", std::vector<std::uint8_t>(static_cast<std::size_t>(i % 100), 0xC0));
        work.priority(static_cast<backrun::priority>(i % 5 - 2));
        if (i % 3 == 0) {
            work.user_context("anna").header("number", std::to_string(i));
        }
        try {
            const auto id = engine.submit(work);
            ++weather.accepted;
            if (i % 5 == 0) {
                (void)engine.cancel(id, "a storm");
            }
            if (i % 4 == 0) {
                const counted one(weather.callables, weather.callables_gone);
                ++weather.watched;
                engine.watch(id, [&weather, one](const backrun::task_status &) {
                    (void)one;
                    ++weather.heard;
                });
            }
        } catch (const backrun::error &thrown) {
            if (thrown.code() == backrun::error_code::not_found) {
                ++weather.heard; // It has ended already, and none is kept.
                continue;
            }
            CHECK(thrown.code() == backrun::error_code::shutting_down);
            ++weather.refused;
        }
    }
}

void storm(ending how) {
    weather weather;
    {
        const counted one(weather.callables, weather.callables_gone);
        backrun::engine engine(backrun::engine_options().workers(2).keep_finished(-1).keep_dead(-1).on_event(
            [one](const backrun::event &) {
                (void)one;
                throw 1;
            }));
        weather.engine = how == ending::abandon ? nullptr : &engine;
        engine.register_handler(
            "task",
            [&weather, one](backrun::task &task, backrun::bytes_view payload, counted *user) {
                (void)one;
                CHECK(payload.size() < 100 && (user != nullptr) == task.header("number").has_value());
                return run_any(weather, task);
            },
            [&weather](backrun::task &, backrun::bytes_view) {
                return counted(weather.connections, weather.connections_gone);
            });
        std::vector<std::thread> threads;
        for (int i = 0; i < submitters; ++i) {
            threads.emplace_back([&] { submit_and_meddle(weather, engine); });
        }
        if (how == ending::cancel) {
            CHECK(engine.shutdown(backrun::shutdown_mode::cancel).complete);
        }
        for (std::thread &thread : threads) {
            thread.join();
        }
        if (how == ending::drain) {
            CHECK(engine.shutdown(backrun::shutdown_mode::drain).complete);
            const backrun::statistics stats = engine.stats();
            const auto ends = stats.value(backrun::stat::succeeded) + stats.value(backrun::stat::dead) +
                              stats.value(backrun::stat::cancelled);
            CHECK(ends == static_cast<std::uint64_t>(weather.accepted));
            CHECK(weather.accepted == submitters * tasks_of_each() && weather.refused == 0);
        }
        if (how == ending::abandon) {
            engine.abandon();
        }
    }
    // The last run that was left behind destroys the handler.
    weather.callables_gone.wait(weather.callables.value());
    CHECK(weather.callables_gone.value() == weather.callables.value());
    CHECK(weather.connections_gone.value() == weather.connections.value());
    CHECK(weather.accepted + weather.refused >= submitters * tasks_of_each());
    CHECK(weather.heard + weather.refused >= weather.watched && weather.heard <= weather.watched);
}

} // namespace

TEST(in_a_storm_every_task_ends_and_every_callable_is_destroyed) {
    storm(ending::drain);
}

TEST(a_cancel_in_the_middle_of_a_storm_destroys_every_callable) {
    storm(ending::cancel);
}

TEST(an_engine_that_is_given_up_in_a_storm_destroys_every_callable_in_the_end) {
    storm(ending::abandon);
}
