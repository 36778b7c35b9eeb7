// Handlers as callables: what they may return and throw, and the user's connection.

#include "test.hpp"

#include <functional>
#include <memory>
#include <thread>

namespace {

struct disk_full : std::runtime_error {
    disk_full() : std::runtime_error("the disk is full") {}
};

backrun::task_status run(backrun::engine &engine, std::string_view name) {
    return engine.wait(engine.submit(name, "\xC0"));
}

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

} // namespace

TEST(a_handler_is_any_callable_that_returns_nothing_or_a_result) {
    backrun::engine engine = engine_with(1);
    struct functor {
        backrun::run_result operator()(backrun::task &, backrun::bytes_view) { return backrun::run_result::done; }
    };
    engine.register_handler("function", nothing);
    engine.register_handler("pointer", &nothing);
    engine.register_handler("functor", functor());
    const functor constant{};
    engine.register_handler("copied", constant);
    engine.register_handler("std::function", std::function<void(backrun::task &, backrun::bytes_view)>(nothing));
    engine.register_handler(
        "move-only", [one = std::make_unique<int>(1)](backrun::task &, backrun::bytes_view) { CHECK(*one == 1); });
    engine.register_handler("mutable", [calls = 0](backrun::task &, backrun::bytes_view) mutable { ++calls; });
    for (const char *name : {"function", "pointer", "functor", "copied", "std::function", "move-only", "mutable"}) {
        CHECK(run(engine, name).has_succeeded());
    }
}

TEST(the_result_decides_the_state) {
    backrun::engine engine = engine_with(1);
    using result = backrun::run_result;
    using backrun::state;
    const std::pair<result, state> all[] = {{result::done, state::succeeded}, {result::failed, state::dead},
        {result::fatal, state::dead}, {result::cancelled, state::cancelled}};
    for (const auto &[answer, expected] : all) {
        const std::string name = "answer " + std::to_string(static_cast<int>(answer));
        engine.register_handler(name, [returned = answer](backrun::task &, backrun::bytes_view) { return returned; });
        CHECK(run(engine, name).state() == expected);
    }
}

TEST(an_exception_fails_the_run_with_its_text_and_its_type) {
    backrun::engine engine = engine_with(1);
    engine.register_handler("throw", [](backrun::task &, backrun::bytes_view) { throw disk_full(); });
    const auto status = run(engine, "throw");
    CHECK(status.state() == backrun::state::dead);
    CHECK(status.error_message() == "the disk is full");
    CHECK(contains(status.error_type(), "disk_full"));
    CHECK(run(engine, "throw").state() == backrun::state::dead); // The worker lives.
}

TEST(anything_thrown_is_caught) {
    backrun::engine engine = engine_with(1);
    engine.register_handler("int", [](backrun::task &, backrun::bytes_view) { throw 42; });
    engine.register_handler("text", [](backrun::task &, backrun::bytes_view) { throw "a text"; });
    engine.register_handler(
        "not utf-8", [](backrun::task &, backrun::bytes_view) { throw std::runtime_error("caf\xE9 \xC3\xA9"); });
    engine.register_handler("bad_alloc", [](backrun::task &, backrun::bytes_view) { throw std::bad_alloc(); });
    const auto number = run(engine, "int");
    CHECK(number.error_type() == "int" && contains(number.error_message(), "std::exception"));
    CHECK(run(engine, "text").state() == backrun::state::dead);
    CHECK(run(engine, "not utf-8").error_message() == "caf? \xC3\xA9");
    CHECK(run(engine, "bad_alloc").error_type() == "std::bad_alloc");
}

TEST(fail_gives_a_reason_without_an_exception) {
    backrun::engine engine = engine_with(1);
    engine.register_handler(
        "short", [](backrun::task &task, backrun::bytes_view) { return task.fail("no such file"); });
    engine.register_handler("long", [](backrun::task &task, backrun::bytes_view) {
        task.fail({"no such file", "NotFound", "in open()"});
        return backrun::run_result::fatal;
    });
    CHECK(run(engine, "short").error_message() == "no such file");
    const auto status = run(engine, "long");
    CHECK(status.error_message() == "no such file" && status.error_type() == "NotFound");
    CHECK(status.error_detail() == "in open()");
}

TEST(a_name_is_registered_once_and_a_refused_callable_is_destroyed) {
    backrun::engine engine = engine_with(1);
    engine.register_handler("task", nothing);
    gate born, dead;
    THROWS(already_registered, engine.register_handler("task",
                                   [one = counted(born, dead)](backrun::task &, backrun::bytes_view) { (void)one; }));
    CHECK(born.value() == dead.value());
    THROWS(not_found, engine.register_handler("other", nothing, backrun::task_options().queue("nowhere")));
    THROWS(too_large, engine.register_handler(std::string(201, 'x'), nothing));
}

TEST(a_run_sees_what_was_submitted) {
    backrun::engine engine = engine_with(1);
    engine.configure_queue(backrun::queue_options("mail").workers(1));
    gate checked;
    engine.register_handler(
        "look",
        [&](backrun::task &task, backrun::bytes_view payload) {
            CHECK(task.name() == "look" && task.queue() == "mail" && task.attempt() == 1);
            CHECK(task.id() > 0 && task.lease() > 0 && !task.is_cancelled());
            CHECK(task.priority() == backrun::priority::above_normal);
            CHECK(task.payload_format() == backrun::payload_format::standard);
            CHECK(task.header("culture") == "de-AT" && task.header("empty") == "" && !task.header("none"));
            CHECK(task.header_count() == 2 && task.header_name(1) == "empty" && task.header_name(2).empty());
            CHECK(payload.text() == "\xA5hello" && payload.size() == 6 && payload[1] == 'h');
            checked.add();
        },
        backrun::task_options().queue("mail"));
    const auto id = engine.submit(backrun::submission("look", "\xA5hello")
                                      .priority(backrun::priority::above_normal)
                                      .payload_format(backrun::payload_format::standard)
                                      .header("culture", "de-AT")
                                      .header("empty", ""));
    const auto status = engine.wait(id);
    CHECK(status.has_succeeded() && checked.value() == 1);
    CHECK(status.id() == id && status.name() == "look" && status.queue() == "mail" && status.attempt() == 1);
    CHECK(status.priority() == backrun::priority::above_normal && status.lease() > 0);
    CHECK(status.submitted_at() <= *status.started_at() && *status.started_at() <= *status.finished_at());
}

TEST(a_connection_is_made_for_the_run_on_its_thread_and_destroyed_after_it) {
    backrun::engine engine = engine_with(2);
    struct connection {
        std::string user;
        std::thread::id thread;
        counted one;
    };
    gate born, dead, used;
    engine.register_handler(
        "task",
        [&](backrun::task &, backrun::bytes_view, connection *opened) {
            CHECK(opened->user == "anna" && opened->thread == std::this_thread::get_id());
            CHECK(born.value() == dead.value() + 1);
            used.add();
        },
        [&](backrun::task &task, backrun::bytes_view user_context) {
            CHECK(task.name() == "task");
            return connection{std::string(user_context.text()), std::this_thread::get_id(), counted(born, dead)};
        });
    CHECK(engine.wait(engine.submit(backrun::submission("task", "\xC0").user_context("anna"))).has_succeeded());
    CHECK(used.value() == 1 && born.value() == dead.value());
}

TEST(a_task_without_user_context_has_no_connection) {
    backrun::engine engine = engine_with(1);
    gate opened, ran;
    engine.register_handler(
        "task",
        [&](backrun::task &, backrun::bytes_view, int *connection) {
            CHECK(connection == nullptr);
            ran.add();
        },
        [&](backrun::task &, backrun::bytes_view) {
            opened.add();
            return 1;
        });
    CHECK(run(engine, "task").has_succeeded());
    CHECK(opened.value() == 0 && ran.value() == 1);
}

TEST(a_connection_may_be_a_unique_ptr_or_nothing) {
    backrun::engine engine = engine_with(1);
    struct base {
        virtual ~base() = default;
        virtual int number() const { return 1; }
    };
    struct derived : base {
        int number() const override { return 2; }
    };
    gate opened;
    engine.register_handler(
        "pointer", [](backrun::task &, backrun::bytes_view, base *opened_base) { CHECK(opened_base->number() == 2); },
        [](backrun::task &, backrun::bytes_view) -> std::unique_ptr<base> { return std::make_unique<derived>(); });
    engine.register_handler(
        "nothing", [&](backrun::task &, backrun::bytes_view) { CHECK(opened.value() == 1); },
        [&](backrun::task &, backrun::bytes_view) { opened.add(); });
    for (const char *name : {"pointer", "nothing"}) {
        CHECK(engine.wait(engine.submit(backrun::submission(name, "\xC0").user_context("anna"))).has_succeeded());
    }
}

TEST(a_connection_that_cannot_be_made_fails_the_run_before_it_begins) {
    backrun::engine engine = engine_with(1);
    gate ran;
    engine.register_handler(
        "task", [&](backrun::task &, backrun::bytes_view, int *) { ran.add(); },
        [](backrun::task &, backrun::bytes_view) -> int { throw disk_full(); });
    const auto status = engine.wait(engine.submit(backrun::submission("task", "\xC0").user_context("anna")));
    CHECK(status.state() == backrun::state::dead && status.error_message() == "the disk is full");
    CHECK(ran.value() == 0);
}

TEST(a_connection_of_a_run_that_is_cancelled_meanwhile_is_destroyed) {
    backrun::engine engine = engine_with(1);
    gate born, dead, ran;
    engine.register_handler(
        "task", [&](backrun::task &, backrun::bytes_view, counted *) { ran.add(); },
        [&](backrun::task &task, backrun::bytes_view) {
            CHECK(engine.cancel(task.id()) == backrun::cancel_result::running);
            return counted(born, dead);
        });
    const auto status = engine.wait(engine.submit(backrun::submission("task", "\xC0").user_context("anna")));
    CHECK(status.state() == backrun::state::cancelled && ran.value() == 0);
    engine.shutdown(backrun::shutdown_mode::drain);
    CHECK(born.value() > 0 && born.value() == dead.value());
}
