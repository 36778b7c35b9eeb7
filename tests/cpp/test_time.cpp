// Delays, retries, time limits, progress, results, pause, lists: by a clock that the test sets.

#include "test.hpp"

#include <atomic>
#include <thread>

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

backrun::engine manual_engine() {
    return backrun::engine(backrun::engine_options().workers(1).manual_time());
}

void await_state(backrun::engine &engine, backrun::task_id id, backrun::state state) {
    while (engine.status(id)->state() != state) {
        std::this_thread::yield();
    }
}

} // namespace

TEST(a_delayed_task_waits_for_its_time) {
    backrun::engine engine = manual_engine();
    engine.register_handler("task", nothing);
    const auto id = engine.submit(backrun::submission("task", "\xC0").delay(hours(1)));
    CHECK(engine.status(id)->state() == backrun::state::scheduled);
    CHECK(engine.status(id)->run_at() > std::chrono::system_clock::now() + minutes(50));
    CHECK(engine.stats().value(backrun::stat::scheduled) == 1);
    const auto tomorrow = std::chrono::system_clock::now() + hours(24);
    const auto at = engine.submit(backrun::submission("task", "\xC0").run_at(tomorrow));
    engine.advance_time(hours(1) - milliseconds(1));
    CHECK(engine.status(id)->state() == backrun::state::scheduled);
    engine.advance_time(milliseconds(2));
    CHECK(engine.wait(id).has_succeeded() && !engine.wait(id).run_at());
    CHECK(engine.status(at)->state() == backrun::state::scheduled);
    engine.jump_wall_clock(hours(24));
    CHECK(engine.wait(at).has_succeeded());
    CHECK(engine.wait(engine.submit(backrun::submission("task", "\xC0").run_at({}))).has_succeeded());
    THROWS(invalid_argument, engine.submit(backrun::submission("task", "\xC0").delay(seconds(-1))));
    THROWS(invalid_argument, engine.submit(backrun::submission("task", "\xC0").delay(hours(24 * 365 * 101))));
    THROWS(invalid_argument, engine.advance_time(seconds(-1)));
    THROWS(invalid_argument, engine_with(1).advance_time(seconds(1)));
}

TEST(retries_are_as_the_policy_or_the_handler_says) {
    std::atomic<int> told{0};
    backrun::engine engine(
        backrun::engine_options().workers(1).manual_time().on_event([&](const backrun::event &event) {
            told += event.kind == backrun::event_kind::run_failed && event.run_at ? 1 : 0;
        }));
    engine.register_handler(
        "fail",
        [](backrun::task &task, backrun::bytes_view) { return task.fail("attempt " + std::to_string(task.attempt())); },
        backrun::task_options().retry(
            backrun::retry_policy(3).delay(seconds(10)).max_delay(seconds(15)).jitter_percent(0)));
    auto id = engine.submit("fail", "\xC0");
    for (const auto delay : {seconds(10), seconds(15)}) {
        await_state(engine, id, backrun::state::scheduled);
        engine.advance_time(delay - milliseconds(1));
        CHECK(engine.status(id)->state() == backrun::state::scheduled);
        engine.advance_time(milliseconds(1));
        while (engine.status(id)->state() == backrun::state::ready) {
            std::this_thread::yield();
        }
    }
    CHECK(engine.wait(id).state() == backrun::state::dead && engine.wait(id).error_message() == "attempt 3");
    id = engine.submit(
        backrun::submission("fail", "\xC0").retry(backrun::retry_policy(1).kind(backrun::backoff::fixed)));
    CHECK(engine.wait(id).state() == backrun::state::dead);
    engine.register_handler("later", [](backrun::task &task, backrun::bytes_view) {
        return task.attempt() == 1 ? task.retry_after(hours(2)) : backrun::run_result::done;
    });
    id = engine.submit("later", "\xC0");
    await_state(engine, id, backrun::state::scheduled);
    engine.advance_time(hours(2));
    CHECK(engine.wait(id).has_succeeded() && engine.wait(id).attempt() == 2);
    CHECK(engine.stats().value(backrun::stat::retried) == 3);
    engine.shutdown(backrun::shutdown_mode::drain);
    CHECK(told == 3);
}

TEST(a_policy_that_is_out_of_its_range_is_refused) {
    backrun::engine engine = manual_engine();
    const auto with = [&](const backrun::retry_policy &policy) {
        engine.register_handler("task", nothing, backrun::task_options().retry(policy));
    };
    THROWS(invalid_argument, with(backrun::retry_policy(100001)));
    THROWS(invalid_argument, with(backrun::retry_policy(2).jitter_percent(101)));
    THROWS(invalid_argument, with(backrun::retry_policy(2).jitter_percent(-1)));
    THROWS(invalid_argument, with(backrun::retry_policy(2).delay(milliseconds(-1))));
    THROWS(invalid_argument, with(backrun::retry_policy(2).delay(hours(2))));
    with(backrun::retry_policy(2).delay(hours(2)).max_delay(hours(2)).jitter_percent(100));
}

TEST(a_run_past_its_time_limit_is_asked_to_stop) {
    backrun::engine engine = manual_engine();
    gate begun;
    engine.register_handler(
        "long",
        [&](backrun::task &task, backrun::bytes_view) {
            begun.add();
            while (!task.is_cancelled()) {
                std::this_thread::yield();
            }
            return backrun::run_result::cancelled;
        },
        backrun::task_options().time_limit(minutes(1)).grace(minutes(1)));
    const auto id = engine.submit("long", "\xC0");
    begun.wait();
    engine.advance_time(seconds(61));
    CHECK(engine.wait(id).state() == backrun::state::dead && engine.wait(id).error_type() == "time limit");
    const auto other = engine.submit(backrun::submission("long", "\xC0").time_limit(seconds(1)));
    begun.wait(2);
    engine.advance_time(milliseconds(1001));
    CHECK(engine.wait(other).state() == backrun::state::dead);
}

TEST(progress_and_result_are_in_the_status) {
    backrun::engine engine = manual_engine();
    engine.register_handler(
        "say",
        [&](backrun::task &task, backrun::bytes_view) {
            CHECK(!engine.status(task.id())->progress());
            task.set_progress(0.5, "half way");
            task.set_result("the result");
            THROWS(invalid_argument, task.set_progress(2));
        },
        backrun::task_options().result_retention(hours(2)));
    const auto id = engine.submit("say", "\xC0");
    const backrun::task_status status = engine.wait(id);
    CHECK(status.has_succeeded() && status.progress() == 0.5 && status.progress_text() == "half way");
    CHECK(status.result().text() == "the result" && status.stalled_for().count() == 0);
    engine.advance_time(hours(3));
    CHECK(engine.status(id)->result().empty());
}

TEST(a_pending_run_is_settled_with_a_result_or_to_be_tried_again) {
    backrun::engine engine = manual_engine();
    engine.register_handler(
        "pending", [](backrun::task &, backrun::bytes_view) { return backrun::run_result::pending; });
    const auto id = engine.submit("pending", "\xC0");
    await_state(engine, id, backrun::state::pending);
    engine.set_progress(id, 1, 0.25);
    CHECK(engine.status(id)->progress() == 0.25);
    engine.settle_to_retry(id, 1, seconds(30), backrun::failure{"busy", {}, {}});
    CHECK(engine.status(id)->state() == backrun::state::scheduled && engine.status(id)->error_message() == "busy");
    engine.advance_time(seconds(30));
    await_state(engine, id, backrun::state::pending);
    THROWS(stale_lease, engine.settle_with_result(id, 1, "old"));
    THROWS(stale_lease, engine.set_progress(id, 1, 0.5));
    engine.settle_with_result(id, 2, "the result");
    CHECK(engine.wait(id).result().text() == "the result");
}

TEST(a_queue_is_paused_and_resumed) {
    backrun::engine engine = engine_with(1);
    engine.register_handler("task", nothing);
    engine.pause();
    const auto id = engine.submit("task", "\xC0");
    CHECK(engine.status(id)->state() == backrun::state::ready);
    engine.resume("default");
    CHECK(engine.wait(id).has_succeeded());
    THROWS(not_found, engine.pause("nowhere"));
}

TEST(tasks_are_listed_replayed_and_purged) {
    backrun::engine engine = engine_with(1);
    std::atomic<bool> works{false};
    engine.register_handler("task", [&](backrun::task &task, backrun::bytes_view) {
        return works ? backrun::run_result::done : task.fail("not yet");
    });
    std::vector<backrun::task_id> ids;
    for (int i = 0; i < 5; ++i) {
        ids.push_back(engine.submit("task", "\xC0"));
        CHECK(engine.wait(ids.back()).state() == backrun::state::dead);
    }
    std::size_t seen = 0;
    const backrun::task_list dead = engine.list(backrun::task_filter().states({backrun::state::dead}));
    for (const backrun::task_status &status : dead) {
        CHECK(status.id() == ids[seen++] && status.error_message() == "not yet");
    }
    CHECK(seen == 5 && dead.size() == 5 && !dead.empty() && dead[4].id() == ids[4]);
    const auto page = engine.list(backrun::task_filter().task_name("task").queue("default").after(ids[1]).limit(2));
    CHECK(page.size() == 2 && page[0].id() == ids[2]);
    CHECK(engine.list(backrun::task_filter().final_for(hours(1))).empty());
    works = true;
    engine.replay(ids[0]);
    CHECK(engine.wait(ids[0]).has_succeeded());
    THROWS(invalid_argument, engine.replay(ids[0]));
    CHECK(engine.purge(backrun::task_filter().states({backrun::state::dead})) == 4);
    CHECK(!engine.status(ids[1]) && engine.purge() == 1 && engine.list().empty());
}

TEST(a_run_that_stalls_is_named) {
    backrun::engine engine(backrun::engine_options().workers(1).manual_time().default_queue(
        backrun::queue_options().stall_threshold(seconds(10))));
    gate entered, may_leave;
    engine.register_handler("hold", [&](backrun::task &, backrun::bytes_view) {
        entered.add();
        may_leave.wait();
    });
    engine.register_handler("task", nothing);
    const auto id = engine.submit("hold", "\xC0");
    entered.wait();
    const auto waits = engine.submit("task", "\xC0");
    engine.advance_time(milliseconds(20)); // A tick: the watchdog sees it.
    engine.advance_time(seconds(11));
    CHECK(engine.wait(waits).has_succeeded());
    const backrun::statistics stats = engine.stats();
    const auto stalled = stats.stalled_runs();
    CHECK(stalled.size() == 1 && stalled[0].task == id && stalled[0].task_name == "hold");
    CHECK(stalled[0].queue == "default" && stalled[0].worker > 0 && stalled[0].runs_for >= seconds(10));
    CHECK(engine.status(id)->stalled_for() >= seconds(10) && stats.value(backrun::stat::stalled) == 1);
    may_leave.add();
}
