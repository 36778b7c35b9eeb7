// Leaves undone what LEAK says, ten times, so that it can be seen that a leak check sees it; "nothing" is undone by
// whoever does everything.

#include "test.hpp"

#include <cstdlib>
#include <memory>

namespace {

constexpr int times = 10;

bool leaks(const char *what) {
    const char *leaked = std::getenv("LEAK");
    return leaked != nullptr && std::string(leaked) == what;
}

// What the caller owns; not freed where this is what leaks.
template <class Object>
void use_up(const char *what, Object object) {
    auto owner = std::make_unique<Object>(std::move(object));
    if (leaks(what)) {
        (void)owner.release();
    }
}

void use_once(backrun::engine &engine, backrun::task_id id) {
    use_up("statuses", engine.wait(id));
    use_up("statistics", engine.stats());
    use_up("engines", engine_with(1));
    // What a callable keeps is freed with it; this one keeps no more than a pointer.
    backrun::engine other = engine_with(1);
    auto *kept = new std::string("what a handler works with, too long to lie in the string itself");
    other.register_handler("task", [kept](backrun::task &, backrun::bytes_view) { (void)kept->size(); });
    CHECK(other.wait(other.submit("task", "\xC0")).has_succeeded());
    other.shutdown(backrun::shutdown_mode::drain);
    if (!leaks("callables")) {
        delete kept;
    }
}

} // namespace

TEST(everything_is_freed_but_what_is_said) {
    CHECK(leaks("nothing") || leaks("statuses") || leaks("statistics") || leaks("engines") || leaks("callables"));
    backrun::engine engine = engine_with(1);
    engine.register_handler("task", nothing);
    const auto id = engine.submit("task", "\xC0");
    for (int i = 0; i < times; ++i) {
        use_once(engine, id);
    }
}
