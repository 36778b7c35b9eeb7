// A class of C#, in C++: `class Parcel { Guid Order; string To; string[] Items; DateOnly? Due; }`
#include "backrun.hpp"
#include <iostream>

struct parcel {
    backrun::guid order;
    std::string to;
    std::vector<std::string> items;
    std::optional<backrun::date_only> due;
};

template <>
struct backrun::codec<parcel> {
    static void write(writer &to, const parcel &value) {
        to.begin_map(4).member("Order", value.order).member("To", value.to);
        to.member("Items", value.items).member("Due", value.due).end();
    }
    static void read(reader &from, parcel &value) {
        from.members([&](std::string_view name) { // in any order; what is not read here is skipped
            if (name == "Order") {
                from.read(value.order);
            } else if (name == "To") {
                from.read(value.to);
            } else if (name == "Items") {
                from.read(value.items);
            } else if (name == "Due") {
                from.read(value.due);
            }
        });
    }
};

int main() {
    try {
        backrun::engine engine;
        engine.register_handler("pack-parcel", [](backrun::task &, backrun::bytes_view payload) {
            const auto got = backrun::unpack<parcel>(payload); // what it throws fails the run, and names the byte
            std::cout << got.items.size() << " items for " << got.to << '\n';
        });
        engine.submit("pack-parcel", backrun::pack(parcel{{}, "Ada", {"a book", "a lamp"}, {}}));
        engine.shutdown(backrun::shutdown_mode::drain, std::chrono::seconds(10));
    } catch (const backrun::error &error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}
