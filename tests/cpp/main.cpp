#include "test.hpp"

#include <cstdio>
#include <cstdlib>
#include <unistd.h>
#include <vector>

namespace {

struct named {
    const char *name;
    void (*body)();
};

std::vector<named> &all() {
    static std::vector<named> tests;
    return tests;
}

} // namespace

test_case::test_case(const char *name, void (*body)()) {
    all().push_back({name, body});
}

void check(bool holds, const char *what, const char *file, int line) {
    if (!holds) {
        std::fprintf(stderr, "%s:%d: it does not hold that %s\n", file, line, what);
        std::fflush(nullptr);
        _exit(1); // Not exit: engine threads may be anywhere.
    }
}

int main(int argc, char **argv) {
    const char *seconds = std::getenv("BACKRUN_TEST_SECONDS"); // Under valgrind everything takes longer.
    int run = 0;
    for (const named &test : all()) {
        if (argc < 2 || std::string(argv[1]) == test.name) {
            alarm(seconds != nullptr ? static_cast<unsigned>(std::atoi(seconds))
                                     : 60); // SIGALRM ends the process: a hang is a failure.
            std::fprintf(stderr, "%s\n", test.name);
            test.body();
            ++run;
        }
    }
    return run > 0 ? 0 : 1;
}
