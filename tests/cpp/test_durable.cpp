// The SQLite store and the submits that do not wait for it, by the wrapper.

#include "test.hpp"

#include <filesystem>
#include <thread>
#include <unistd.h>

using std::chrono::milliseconds;

namespace {

// A file in a folder of its own, which goes with it.
class store {
public:
    store() {
        char name[] = "/tmp/backrun-cpp-XXXXXX";
        CHECK(::mkdtemp(name) != nullptr);
        folder_ = name;
    }
    store(const store &) = delete;
    store &operator=(const store &) = delete;
    ~store() { std::filesystem::remove_all(folder_); }

    backrun::engine_options options() const {
        return backrun::engine_options().workers(1).sqlite((folder_ / "tasks.db").string()).owner_wait(milliseconds(0));
    }

private:
    std::filesystem::path folder_;
};

} // namespace

TEST(a_task_outlives_the_engine_that_accepted_it) {
    const store store;
    backrun::task_id id = 0;
    {
        backrun::engine engine(store.options());
        engine.register_handler("greet", nothing);
        engine.pause();
        id = engine.submit(backrun::submission("greet", "\xC0").durability(backrun::durability::buffered));
        CHECK(engine.shutdown(backrun::shutdown_mode::cancel).queued == 1);
    }
    backrun::engine engine(store.options().durability(backrun::durability::committed));
    CHECK(engine.status(id)->state() == backrun::state::ready);
    engine.resume();
    gate ran;
    engine.register_handler("greet", [&](backrun::task &task, backrun::bytes_view payload) {
        CHECK(task.id() == id && payload.size() == 1);
        ran.add();
    });
    ran.wait();
    CHECK(engine.shutdown(backrun::shutdown_mode::drain).queued == 0);
}

TEST(a_file_in_use_throws_store_and_names_the_process) {
    const store store;
    const backrun::engine engine(store.options());
    std::string message;
    try {
        const backrun::engine second(store.options());
    } catch (const backrun::error &error) {
        CHECK(error.code() == backrun::error_code::store);
        message = error.what();
    }
    CHECK(message.find("in use by process " + std::to_string(::getpid())) != std::string::npos);
    THROWS(invalid_argument, backrun::engine(store.options().owner_wait(milliseconds(-1))));
    THROWS(not_supported, backrun::engine(backrun::engine_options().owner_wait(milliseconds(1))));
    THROWS(invalid_argument, backrun::engine(store.options().keep_for(milliseconds(-1))));
    THROWS(not_supported, backrun::engine(backrun::engine_options().keep_for(milliseconds(1))));
}

TEST(asynchronous_submits_tell_their_ids_and_what_they_were_given_is_destroyed) {
    const store store;
    gate born, dead, told;
    {
        backrun::engine engine(store.options());
        engine.register_handler("task", nothing);
        for (int number = 0; number < 500; ++number) {
            engine.submit_async(backrun::submission("task", "\xC0"),
                [&, one = counted(born, dead)](std::optional<backrun::error_code> failed, backrun::task_id id) {
                    CHECK(!failed && id > 0);
                    told.add();
                });
        }
        told.wait(500);
        THROWS(no_handler, engine.submit_async(backrun::submission("nobody", "\xC0"),
                               [one = counted(born, dead)](std::optional<backrun::error_code>, backrun::task_id) {}));
        engine.shutdown(backrun::shutdown_mode::drain);
    }
    CHECK(told.value() == 500 && born.value() == dead.value());
}

TEST(a_store_is_encrypted_with_the_first_key_and_read_with_all) {
    const store store;
    const std::string first(32, 'a'), second = "0123456789abcdef0123456789abcdef";
    THROWS(invalid_argument, backrun::engine(store.options().encryption_key("k1", first)));
    THROWS(invalid_argument, backrun::engine(store.options().encryption_required()));
    {
        backrun::engine engine(store.options().encryption_key("k2", second).encryption_required());
        engine.register_handler("greet", nothing);
        engine.pause();
        engine.submit(backrun::submission("greet", "\xC0"));
    }
    THROWS(store, backrun::engine(store.options()));
    const std::string third = "fedcba9876543210fedcba9876543210";
    backrun::engine engine(store.options().encryption_key("k3", third).encryption_key("k2", second));
    gate ran;
    engine.register_handler("greet", [&](backrun::task &, backrun::bytes_view payload) {
        CHECK(payload.size() == 1 && payload[0] == 0xC0);
        ran.add();
    });
    engine.resume();
    ran.wait();
}
