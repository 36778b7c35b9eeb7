#include "backrun.hpp"
#include <iostream>

int main() {
    try {
        backrun::engine engine;
        engine.register_handler("send-mail", [](backrun::task &task, backrun::bytes_view payload) {
            std::cout << "task " << task.id() << ": " << payload.size() << " bytes of MessagePack\n";
        }); // an exception would fail the run, with its what()

        const auto id = engine.submit("send-mail", "\xA5hello");
        const auto status = engine.wait(id);
        std::cout << to_string(status.state()) << ' ' << status.error_message() << '\n';

        engine.shutdown(backrun::shutdown_mode::drain, std::chrono::seconds(10));
    } catch (const backrun::error &error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}
