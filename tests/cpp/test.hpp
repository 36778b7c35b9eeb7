// What the tests of backrun.hpp share. A test is TEST(a_sentence_that_is_guaranteed) { ... }; a failed check ends the
// process, so does a test of more than 10 s (BACKRUN_TEST_SECONDS). Nothing here sleeps.

#ifndef BACKRUN_TEST_HPP
#define BACKRUN_TEST_HPP

#include "backrun.hpp"

#include <condition_variable>
#include <mutex>
#include <string>

struct test_case {
    test_case(const char *name, void (*body)());
};

#define TEST(name)                                                                                                     \
    static void name();                                                                                                \
    static const test_case case_of_##name(#name, name);                                                                \
    static void name()

#define CHECK(condition) check((condition), #condition, __FILE__, __LINE__)
// A call that must throw a backrun::error with this code.
#define THROWS(which, call)                                                                                            \
    check(code_of([&] { (void)(call); }) == backrun::error_code::which, #call " throws " #which, __FILE__, __LINE__)

void check(bool holds, const char *what, const char *file, int line);

// The code of the backrun::error that `body` throws; 0 if it throws none.
template <class Body>
backrun::error_code code_of(const Body &body) {
    try {
        body();
    } catch (const backrun::error &thrown) {
        return std::string(thrown.what()).empty() ? backrun::error_code{} : thrown.code();
    }
    return backrun::error_code{};
}

// A number that threads wait for.
class gate {
public:
    void add(int number = 1) {
        const std::lock_guard<std::mutex> hold(lock_);
        value_ += number;
        changed_.notify_all();
    }
    void wait(int at_least = 1) {
        std::unique_lock<std::mutex> hold(lock_);
        changed_.wait(hold, [&] { return value_ >= at_least; });
    }
    int value() {
        const std::lock_guard<std::mutex> hold(lock_);
        return value_;
    }

private:
    std::mutex lock_;
    std::condition_variable changed_;
    int value_ = 0;
};

// Counts how many of it are alive.
class counted {
public:
    explicit counted(gate &born, gate &dead) : born_(&born), dead_(&dead) { born_->add(); }
    counted(const counted &other) : born_(other.born_), dead_(other.dead_) { born_->add(); }
    counted(counted &&other) noexcept : born_(other.born_), dead_(other.dead_) { born_->add(); }
    counted &operator=(const counted &) = delete;
    ~counted() { dead_->add(); }

private:
    gate *born_;
    gate *dead_;
};

inline backrun::engine engine_with(std::uint32_t workers) {
    return backrun::engine(backrun::engine_options().workers(workers));
}

inline void nothing(backrun::task &, backrun::bytes_view) {}

#endif
