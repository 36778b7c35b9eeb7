// Background tasks in C++17, from the first call to the last. Read it from main down to see what happens, then upwards.
//
// Standard output is what happened, always in this order (background_tasks.expected); the engine's log goes to standard
// error.

#include "backrun.hpp"

#include <condition_variable>
#include <iostream>
#include <map>
#include <mutex>
#include <thread>

namespace {

// ---- Payloads are MessagePack. A text of up to 31 bytes is one byte 0xA0 + length and the bytes.

std::string pack(std::string_view text_up_to_31_bytes) {
    return static_cast<char>(0xA0 | text_up_to_31_bytes.size()) + std::string(text_up_to_31_bytes);
}

std::string_view unpack(backrun::bytes_view payload) {
    if (payload.empty() || payload[0] != (0xA0 | (payload.size() - 1))) {
        throw std::invalid_argument("the payload is not a short text");
    }
    return payload.text().substr(1);
}

// ---- The handler "import-contacts": runs on behalf of a user.

struct connection {
    std::string user;
};

// Called before the handler, on the same thread, if the task has a user context. The handler gets a pointer to what it
// returns, which is destroyed after the run.
connection open_connection(backrun::task &, backrun::bytes_view user_context) {
    return connection{std::string(user_context.text())};
}

void import_contacts(backrun::task &, backrun::bytes_view payload, connection *opened) {
    const std::string_view file = unpack(payload);
    if (file.front() == '!') {
        throw std::runtime_error("the file is damaged"); // fails the run; it never leaves the engine
    }
    std::cout << "import: " << file << " for " << (opened != nullptr ? opened->user : "nobody") << std::endl;
}

// ---- A gate that main opens: what "yearly-report" waits for.

class gate {
public:
    void open() {
        const std::lock_guard<std::mutex> hold(lock_);
        open_ = true;
        changed_.notify_all();
    }
    void pass() {
        std::unique_lock<std::mutex> hold(lock_);
        changed_.wait(hold, [this] { return open_; });
    }

private:
    std::mutex lock_;
    std::condition_variable changed_;
    bool open_ = false;
};

void wait_and_print(backrun::engine &engine, backrun::task_id id) {
    const backrun::task_status status = engine.wait(id);
    std::cout << status.name();
    if (status.has_succeeded()) {
        std::cout << " succeeded" << std::endl;
    } else if (status.state() == backrun::state::dead) {
        std::cout << " failed: " << status.error_message() << std::endl;
    } else {
        std::cout << " was " << to_string(status.state()) << std::endl;
    }
}

void run() {
    // What the callables below use must outlive the engine: it stands before it.
    gate figures_are_in;
    std::thread courier;
    std::mutex lock;
    std::map<backrun::event_kind, unsigned> events;

    // One worker, so that what follows comes in order. Observers are called on a thread of the engine's own.
    backrun::engine engine(
        backrun::engine_options()
            .workers(1)
            .on_event([&](const backrun::event &event) {
                const std::lock_guard<std::mutex> hold(lock);
                ++events[event.kind];
            })
            .on_log([](const backrun::log_record &record) { std::cerr << "log: " << record.message << '\n'; }));

    engine.register_handler("import-contacts", import_contacts, open_connection);
    engine.register_handler("yearly-report", [&](backrun::task &, backrun::bytes_view payload) {
        figures_are_in.pass();
        std::cout << "report: " << unpack(payload) << " is written" << std::endl;
    });
    // Goes on elsewhere, without holding a worker. The task is valid in this call only; id and lease name its run for
    // ever.
    engine.register_handler("send-mail", [&](backrun::task &task, backrun::bytes_view) {
        std::cout << "mail: handed to the courier" << std::endl;
        const std::lock_guard<std::mutex> hold(lock);
        courier = std::thread([&engine, id = task.id(), lease = task.lease()] {
            std::cout << "courier: delivered" << std::endl;
            engine.settle(id, lease);
        });
        return backrun::run_result::pending; // The courier may have settled it already: that is fine.
    });

    // A task on behalf of a user, and one that fails.
    const auto import = [](std::string_view file) { return backrun::submission("import-contacts", pack(file)); };
    wait_and_print(engine, engine.submit(import("contacts.csv").user_context("anna")));
    wait_and_print(engine, engine.submit(import("!damaged.csv").user_context("anna")));

    // Two reports: the only worker is busy with the first, so the second is queued and can be cancelled.
    const auto first = engine.submit("yearly-report", pack("2024"));
    const auto second = engine.submit("yearly-report", pack("2025"));
    const bool queued = engine.cancel(second, "not needed") == backrun::cancel_result::queued;
    std::cout << "cancel met a " << (queued ? "queued" : "running or ended") << " task" << std::endl;
    figures_are_in.open();
    wait_and_print(engine, first);
    wait_and_print(engine, second);

    // A pending run: the worker is free while the courier is on the way.
    wait_and_print(engine, engine.submit("send-mail", pack("hello")));
    {
        const std::lock_guard<std::mutex> hold(lock);
        courier.join();
    }

    // Shut down: what is queued is still run, up to ten seconds. If the report is complete, no callback comes any more.
    engine.submit(import("leads.csv"));
    const backrun::shutdown_report report = engine.shutdown(backrun::shutdown_mode::drain, std::chrono::seconds(10));
    std::cout << "shutdown: " << report.running.size() << " still running, " << report.queued << " cancelled"
              << std::endl;

    using kind = backrun::event_kind;
    std::cout << "events: " << events[kind::accepted] << " accepted, " << events[kind::started] << " started, "
              << events[kind::succeeded] << " succeeded, " << events[kind::run_failed] << " failed, "
              << events[kind::cancelled] << " cancelled" << std::endl;
}

} // namespace

int main() {
    try {
        run();
        return 0;
    } catch (const std::exception &error) { // backrun::error among them: it has a code() as well
        std::cerr << error.what() << std::endl;
        return 1;
    }
}
