// Tasks: submitted, looked at, waited for, cancelled, settled, watched, observed.

#include "test.hpp"

#include <array>
#include <atomic>
#include <memory>
#include <thread>
#if __cplusplus >= 202002L
#include <span>
#endif

using std::chrono::hours;
using std::chrono::milliseconds;

namespace {

// An engine whose one worker stays in the handler "hold" until the gate is opened.
struct held {
    gate entered, may_leave;
    backrun::engine engine;

    explicit held(const backrun::engine_options &options = backrun::engine_options().workers(1)) : engine(options) {
        engine.register_handler("hold", [this](backrun::task &, backrun::bytes_view) {
            entered.add();
            may_leave.wait();
        });
        engine.submit("hold", "\xC0");
        entered.wait();
    }
    ~held() { may_leave.add(); }
    held(const held &) = delete;
    held &operator=(const held &) = delete;
};

} // namespace

TEST(bytes_may_come_from_anything_that_has_them) {
    const std::uint8_t array[] = {1, 2, 3};
    const char characters[] = "abc";
    const std::vector<std::uint8_t> vector{1, 2, 3};
    const std::vector<char> chars{'a', 'b', 'c'};
    const std::array<std::byte, 3> bytes{};
    const std::string text("a\0b", 3);
    CHECK(backrun::bytes_view(array).size() == 3);
    CHECK(backrun::bytes_view(characters).size() == 3);
    CHECK(backrun::bytes_view("abc").text() == "abc");
    CHECK(backrun::bytes_view(vector).data() == vector.data());
    CHECK(backrun::bytes_view(chars).text() == "abc");
    CHECK(backrun::bytes_view(bytes).size() == 3);
    CHECK(backrun::bytes_view(text).size() == 3);
    CHECK(backrun::bytes_view(std::string_view(text)).to_vector() == std::vector<std::uint8_t>({'a', 0, 'b'}));
    CHECK(backrun::bytes_view().empty() && backrun::bytes_view("").empty());
    CHECK(backrun::bytes_view(static_cast<const char *>(nullptr)).empty());
    CHECK(!(std::is_convertible_v<std::vector<int>, backrun::bytes_view>));
#if __cplusplus >= 202002L
    CHECK(backrun::bytes_view(std::span<const std::uint8_t>(vector)).size() == 3);
    CHECK(backrun::bytes_view(std::as_bytes(std::span(vector))).size() == 3);
#endif
    std::size_t sum = 0;
    for (const std::uint8_t byte : backrun::bytes_view(array)) {
        sum += byte;
    }
    CHECK(sum == 6);
}

TEST(a_number_stands_in_place_of_a_name) {
    backrun::engine engine(backrun::engine_options().workers(1));
    std::atomic<std::size_t> bytes{0};
    engine.register_handler(
        "count", [&bytes](backrun::task &, backrun::bytes_view payload) { bytes += payload.size(); });
    const backrun::task_number count = engine.number_of("count");
    engine.submit(count, "one");
    engine.submit(backrun::submission(count, "three"));
    engine.submit_many(
        {backrun::submission(count, std::vector<std::uint8_t>{1, 2}), backrun::submission("count", "4")});
    engine.shutdown(backrun::shutdown_mode::drain);
    CHECK(bytes == 3 + 5 + 2 + 1);
    THROWS(no_handler, engine.number_of("nobody"));
}

TEST(a_refused_task_throws_what_is_wrong) {
    backrun::engine engine = engine_with(1);
    engine.register_handler("task", nothing);
    THROWS(no_handler, engine.submit("nobody", "\xC0"));
    THROWS(not_found, engine.submit(backrun::submission("task", "\xC0").queue("nowhere")));
    THROWS(too_large, engine.submit("task", std::vector<std::uint8_t>(4 * 1024 * 1024 + 1)));
    THROWS(invalid_argument, engine.submit("\xFF", "\xC0"));
    CHECK(engine.stats().value(backrun::stat::accepted) == 0);
}

TEST(many_are_accepted_all_or_none) {
    backrun::engine engine = engine_with(1);
    engine.register_handler("task", nothing);
    std::vector<backrun::submission> all;
    for (int i = 0; i < 10; ++i) {
        all.emplace_back("task", std::vector<std::uint8_t>{0xC0});
        all.back().header("number", std::to_string(i)).user_context("anna");
    }
    const auto ids = engine.submit_many(all);
    CHECK(ids.size() == 10);
    for (const auto id : ids) {
        CHECK(engine.wait(id).has_succeeded());
    }
    all.emplace_back("nobody", "\xC0");
    THROWS(no_handler, engine.submit_many(all));
    CHECK(engine.submit_many({}).empty());
    CHECK(engine.stats().value(backrun::stat::accepted) == 10);
}

TEST(a_status_is_there_or_not) {
    held held;
    const auto id = held.engine.submit("hold", "\xC0");
    CHECK(held.engine.status(id)->state() == backrun::state::ready);
    CHECK(!held.engine.status(id)->started_at() && !held.engine.status(id)->finished_at());
    CHECK(!held.engine.status(12345));
    THROWS(invalid_argument, held.engine.status(0));
    THROWS(not_found, held.engine.wait(12345));
    CHECK(std::string(to_string(held.engine.status(id)->state())) == "ready");
    auto status = *held.engine.status(id);
    const auto moved = std::move(status);
    CHECK(moved.id() == id && status.id() == 0 && status.name().empty());
}

TEST(a_wait_has_any_limit_and_a_negative_one_is_a_look) {
    held held;
    const auto id = held.engine.submit("hold", "\xC0");
    CHECK(!held.engine.wait(id, milliseconds(1)).is_final());
    CHECK(!held.engine.wait(id, milliseconds(-1)).is_final());
    CHECK(!held.engine.wait(id, milliseconds::min()).is_final());
    CHECK(!held.engine.wait(id, std::chrono::duration<double>(0.0001)).is_final());
    CHECK(!held.engine.wait(id, std::chrono::nanoseconds(1)).is_final());
    std::thread opener([&] { held.may_leave.add(); });
    CHECK(held.engine.wait(id, hours::max()).has_succeeded());
    CHECK(held.engine.wait(id, std::chrono::nanoseconds::max()).has_succeeded());
    CHECK(held.engine.wait(id, std::chrono::duration<double>(1e300)).has_succeeded());
    opener.join();
}

TEST(cancel_says_what_it_met) {
    held held;
    const auto id = held.engine.submit("hold", "\xC0");
    using backrun::cancel_result;
    CHECK(held.engine.cancel(id, "not needed") == cancel_result::queued);
    CHECK(held.engine.cancel(id) == cancel_result::already_final);
    CHECK(held.engine.cancel(12345) == cancel_result::unknown);
    const auto status = held.engine.wait(id);
    CHECK(status.state() == backrun::state::cancelled && status.cancel_reason() == "not needed");
}

TEST(a_running_task_is_asked_to_stop) {
    backrun::engine engine = engine_with(1);
    gate entered, asked;
    backrun::task_id asked_id = 0;
    engine.register_handler(
        "task",
        [&](backrun::task &task, backrun::bytes_view) {
            entered.add();
            asked.wait();
            return task.is_cancelled() ? backrun::run_result::cancelled : backrun::run_result::done;
        },
        backrun::task_options().on_cancel_requested([&](backrun::task_id id, backrun::lease_number lease) {
            CHECK(lease > 0);
            asked_id = id;
            asked.add();
            throw 1; // goes nowhere
        }));
    const auto id = engine.submit("task", "\xC0");
    entered.wait();
    CHECK(engine.cancel(id) == backrun::cancel_result::running);
    const auto status = engine.wait(id);
    CHECK(status.state() == backrun::state::cancelled && status.is_cancel_requested() && asked_id == id);
}

TEST(a_payload_can_be_read_back_while_it_waits) {
    held held;
    const auto id = held.engine.submit("hold", "\xA5hello");
    CHECK(backrun::bytes_view(held.engine.payload(id)).text() == "\xA5hello");
    held.engine.cancel(id);
    THROWS(not_found, held.engine.payload(id));
}

TEST(a_pending_run_is_settled_once_from_any_thread) {
    backrun::engine engine = engine_with(1);
    gate gone;
    std::pair<backrun::task_id, backrun::lease_number> run;
    engine.register_handler("task", [&](backrun::task &task, backrun::bytes_view) {
        run = {task.id(), task.lease()};
        gone.add();
        return backrun::run_result::pending;
    });
    const auto first = engine.submit("task", "\xC0");
    gone.wait(1);
    std::thread elsewhere([&] { engine.settle(run.first, run.second); });
    CHECK(engine.wait(first).has_succeeded());
    elsewhere.join();
    THROWS(stale_lease, engine.settle(run.first, run.second));
    const auto second = engine.submit("task", "\xC0");
    gone.wait(2);
    THROWS(stale_lease, engine.settle(second, run.second + 1));
    THROWS(invalid_argument, engine.settle(second, run.second, backrun::run_result::pending));
    engine.settle(second, run.second, backrun::run_result::failed, {"no answer", "Timeout", "\xFF"});
    const auto status = engine.wait(second);
    CHECK(status.state() == backrun::state::dead && status.error_message() == "no answer");
    CHECK(status.error_type() == "Timeout" && status.error_detail() == "?");
}

TEST(a_watcher_is_called_once_and_destroyed) {
    gate born, dead, called;
    backrun::engine engine = engine_with(1);
    engine.register_handler("task", nothing);
    const auto id = engine.submit("task", "\xC0");
    engine.watch(
        id, [&, one = counted(born, dead), unique = std::make_unique<int>(1)](const backrun::task_status &status) {
            (void)one;
            CHECK(*unique == 1 && status.has_succeeded() && status.id() == id && status.native() != nullptr);
            called.add();
            throw std::runtime_error("goes nowhere");
        });
    THROWS(not_found, engine.watch(12345, [one = counted(born, dead)](const backrun::task_status &) { (void)one; }));
    engine.shutdown(backrun::shutdown_mode::drain);
    CHECK(called.value() == 1 && born.value() == dead.value());
    THROWS(shutting_down, engine.watch(id, [](const backrun::task_status &) {}));
}

TEST(an_end_that_was_asked_for_is_told_once_and_the_callable_is_destroyed) {
    gate born, dead, called;
    std::vector<std::pair<backrun::task_id, std::optional<backrun::state>>> ends;
    backrun::engine_options options;
    options.workers(1).on_end([&, one = counted(born, dead)](const backrun::task_end &end) {
        (void)one;
        ends.emplace_back(end.id, end.last_state);
        called.add();
        throw std::runtime_error("goes nowhere");
    });
    {
        backrun::engine engine(options);
        options = backrun::engine_options();
        gate may_leave, entered;
        engine.register_handler("hold", [&](backrun::task &, backrun::bytes_view) {
            entered.add();
            may_leave.wait();
        });
        const auto runs = engine.submit("hold", "\xC0"), waits = engine.submit("hold", "\xC0");
        CHECK(!engine.tell_end(runs) && !engine.tell_end(runs) && !engine.tell_end(waits));
        entered.wait();
        CHECK(engine.cancel(waits) == backrun::cancel_result::queued);
        may_leave.add();
        called.wait(2);
        CHECK(engine.tell_end(waits) == backrun::state::cancelled);
        THROWS(not_found, engine.tell_end(12345));
        engine.shutdown(backrun::shutdown_mode::drain);
        CHECK(ends.size() == 2 && ends[0].first == waits && ends[1].first == runs);
        CHECK(ends[0].second == backrun::state::cancelled && ends[1].second == backrun::state::succeeded);
    }
    CHECK(born.value() == dead.value());
    backrun::engine deaf = engine_with(1);
    deaf.register_handler("task", nothing);
    const auto id = deaf.submit("task", "\xC0");
    THROWS(invalid_argument, deaf.tell_end(id));
}

TEST(a_watcher_hears_of_a_task_that_the_end_of_the_engine_left_running) {
    gate called, may_leave;
    {
        held held;
        const auto id = held.engine.submit("hold", "\xC0");
        held.engine.watch(id, [&](const backrun::task_status &status) {
            CHECK(status.state() == backrun::state::cancelled);
            called.add();
        });
        CHECK(!held.engine.shutdown(backrun::shutdown_mode::cancel, milliseconds(0)).complete);
        called.wait();
        // The run that was left behind uses `held`: it must have come back before that ends.
        held.may_leave.add();
        CHECK(held.engine.shutdown(backrun::shutdown_mode::cancel, std::chrono::seconds(8)).complete);
    }
    CHECK(called.value() == 1);
}

TEST(observers_are_told_and_what_they_throw_goes_nowhere) {
    gate events, logs;
    std::string accepted, failed;
    {
        backrun::engine engine(backrun::engine_options()
                                   .workers(1)
                                   .log_level(backrun::log_level::debug)
                                   .on_event([&](const backrun::event &event) {
                                       if (event.kind == backrun::event_kind::accepted) {
                                           accepted = event.task_name;
                                           CHECK(event.state == backrun::state::ready && event.count == 1);
                                       }
                                       if (event.kind == backrun::event_kind::run_failed) {
                                           failed = std::string(event.error_type) + ": " + std::string(event.message);
                                           CHECK(event.attempt == 1 && event.lease > 0);
                                           CHECK(event.run_time.count() >= 0);
                                       }
                                       events.add();
                                       throw 1;
                                   })
                                   .on_log([&](const backrun::log_record &record) {
                                       CHECK(!record.message.empty() && record.time.time_since_epoch().count() > 0);
                                       logs.add();
                                       throw std::bad_alloc();
                                   }));
        engine.register_handler("fail", [](backrun::task &, backrun::bytes_view) { throw std::logic_error("why"); });
        engine.wait(engine.submit("fail", "\xC0"));
        engine.shutdown(backrun::shutdown_mode::drain);
    }
    CHECK(events.value() == 4 && logs.value() > 0); // accepted, started, run_failed, dead
    CHECK(accepted == "fail" && failed == "std::logic_error: why");
}

TEST(only_the_kinds_asked_for_come) {
    gate events;
    backrun::engine engine(backrun::engine_options()
                               .workers(1)
                               .event_kinds({backrun::event_kind::succeeded, backrun::event_kind::dead})
                               .on_event([&](const backrun::event &event) {
                                   CHECK(event.kind == backrun::event_kind::succeeded);
                                   events.add();
                               }));
    engine.register_handler("task", nothing);
    for (int i = 0; i < 10; ++i) {
        engine.wait(engine.submit("task", "\xC0"));
    }
    events.wait(10);
    engine.set_event_kinds({backrun::event_kind::dropped});
    engine.wait(engine.submit("task", "\xC0"));
    engine.shutdown(backrun::shutdown_mode::drain);
    CHECK(events.value() == 10);
}

TEST(a_full_queue_throws_or_waits_or_drops) {
    held held(backrun::engine_options().workers(1).default_queue(
        backrun::queue_options().capacity(1).capacity_bytes(1000).ageing_step(milliseconds(100))));
    const auto oldest = held.engine.submit("hold", "\xC0");
    THROWS(queue_full, held.engine.submit("hold", "\xC0"));
    const backrun::submission plain("hold", "\xC0");
    THROWS(queue_full, held.engine.submit(backrun::submission(plain).wait_when_full(milliseconds(1))));
    held.engine.submit(backrun::submission(plain).when_full(backrun::when_full::drop_oldest));
    CHECK(held.engine.wait(oldest).state() == backrun::state::dropped);
    std::thread opener([&] { held.may_leave.add(); });
    const auto late = held.engine.submit(backrun::submission(plain).wait_when_full(hours(1)));
    CHECK(held.engine.wait(late).has_succeeded());
    opener.join();
    held.engine.configure_queue(backrun::queue_options().capacity(5).concurrency_limit(1).wait_when_full(hours(1)));
    THROWS(invalid_argument, held.engine.configure_queue(backrun::queue_options().workers(1000)));
}
