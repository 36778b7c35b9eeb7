// Compiled only: the header needs nothing before it and may come twice.
#include "backrun.hpp"

void use(backrun::engine &engine);
void use(backrun::engine &engine) {
#ifdef RETURNS_A_NUMBER
    engine.register_handler("wrong", [](backrun::task &, backrun::bytes_view) { return 1; });
#else
    engine.register_handler("right", [](backrun::task &, backrun::bytes_view) {});
#endif
}
